#include "rules/alerts/internal/rule_unit.h"

#include <algorithm>
#include <utility>

#include "base/text/text.h"
#include "rules/alerts/internal/rule_key.h"

namespace nines::alerts {
namespace {

constexpr Duration kGraceMin{10'000};
constexpr Duration kGraceMax{120'000};
constexpr int kRestoreGraceIntervals = 3;
constexpr int kValidForRounds = 4;  // Prometheus's: three resends may be lost

std::string generator_url(const std::string& external_url, const std::string& expr) {
  std::string prefix = external_url;
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  return prefix + "/graph?g0.expr=" + url_encode(expr) + "&g0.tab=1";
}

BookSettings book_settings(const ManagerOptions& options, const GroupConfig& group,
                           Duration interval, const RuleConfig& config, const std::string& key,
                           const std::string& query) {
  BookSettings settings;
  settings.rule = key;
  settings.generator_url = generator_url(options.external_url, query);
  settings.valid_for = kValidForRounds * std::max(options.resend_delay, interval);
  settings.hold = config.hold;
  settings.keep_firing_for = config.keep_firing_for;
  settings.limit = group.limit;
  settings.resolved_retention = options.resolved_retention;
  settings.flap_detection = config.flap_detection;
  settings.restore_grace =
      options.restore_grace > Duration::zero()
          ? options.restore_grace
          : std::clamp(kRestoreGraceIntervals * interval, kGraceMin, kGraceMax);
  return settings;
}

}  // namespace

RuleUnit::RuleUnit(const RuleWorld& world, const GroupConfig& group, Duration interval,
                   const RuleConfig& config, const std::string& key, RuleQuery query,
                   IncidentWriter& incidents)
    : world_(world),
      key_(key),
      config_(config),
      labels_(merged_labels(group, config)),
      query_offset_(group.query_offset),
      limit_(group.limit),
      query_(std::move(query)),
      book_(book_settings(world.options, group, interval, config, key, query_.to_string())),
      series_(world.parts.appender, "rule/" + key),
      incidents_(incidents) {
  status_.config = config;
  status_.query = query_.to_string();
}

Result<std::unique_ptr<RuleUnit>> RuleUnit::make(const RuleWorld& world, const GroupConfig& group,
                                                 Duration interval, const RuleConfig& config,
                                                 const std::string& key,
                                                 IncidentWriter& incidents) {
  const promql::EngineOptions& limits = world.parts.engine.options();
  Result<RuleQuery> query = RuleQuery::parse(config.expr, config.logql, limits);
  if (!query) return std::move(query).error().in("rule \"" + key + "\"");
  std::unique_ptr<RuleUnit> unit(
      new RuleUnit(world, group, interval, config, key, *std::move(query), incidents));
  if (!config.resolve_expr.empty()) {
    Result<RuleQuery> resolve = RuleQuery::parse(config.resolve_expr, config.logql, limits);
    if (!resolve) return std::move(resolve).error().in("rule \"" + key + "\", resolve_expr");
    unit->resolve_query_ = *std::move(resolve);
  }
  if (!config.alert.empty()) {
    const TemplateWorld seen{world.options.external_labels, world.options.external_url};
    Result<RuleTemplates> templates = RuleTemplates::compile(
        config.alert, unit->labels_, config.annotations, seen, &world.parts.engine);
    if (!templates) return std::move(templates).error().in("rule \"" + key + "\"");
    unit->templates_ = *std::move(templates);
  }
  return unit;
}

void RuleUnit::share(promql::SharedResults& among) {
  query_.share(among);
  if (resolve_query_) resolve_query_->share(among);
  shared_ = &among;
}

void RuleUnit::evaluate(Timestamp at) {
  const Clock& clock = world_.parts.scheduler.clock();
  const Instant begin = clock.elapsed();
  std::vector<std::string> warnings;
  const Result<void> done =
      alerting() ? evaluate_alerts(at, warnings) : evaluate_recording(at, warnings);
  if (!done) {
    world_.parts.log.warn("alerts", "rule \"{}\" failed: {}", key_, done.error().what());
  }
  status_.health = done ? "ok" : "err";
  status_.last_error = done ? "" : done.error().what();
  status_.last_evaluation = at;
  status_.evaluation_seconds = std::chrono::duration<double>(clock.elapsed() - begin).count();
  status_.warnings = std::move(warnings);
  status_.state = book_.state();
  status_.alerts = book_.active();
}

Result<std::vector<AlertBook::Element>> RuleUnit::elements_of(const promql::Vector& vector,
                                                              Timestamp at,
                                                              std::vector<std::string>& warnings) {
  std::vector<AlertBook::Element> elements;
  elements.reserve(vector.size());
  for (const promql::VectorSample& sample : vector) {
    RuleTemplates::Expanded expanded = templates_->expand(sample, at);
    for (std::string& error : expanded.errors) {
      world_.parts.log.warn("alerts", "rule \"{}\": template {}", key_, error);
      warnings.push_back("template " + std::move(error));
    }
    LabelBuilder labels(sample.labels);
    labels.remove(kMetricName);
    for (const Label& label : expanded.labels) labels.set(label.name, label.value);
    labels.set(kAlertName, config_.alert);
    elements.push_back({labels.build(), LabelSet::from(std::move(expanded.annotations)),
                        sample.histogram ? 0.0 : sample.value});
  }
  return elements;
}

// An alert that stands for what the expression cannot say: the rule's own labels, and `reason`.
Result<void> RuleUnit::stand_in(Fallback fallback, const char* reason, Timestamp at,
                                Verdict& verdict) {
  verdict.keep = fallback == Fallback::kKeep;
  if (fallback != Fallback::kAlert) return {};
  std::vector<std::string> ignored;
  const promql::VectorSample nothing{LabelSet{{"reason", reason}}, at, 0, nullptr};
  NINES_TRY(verdict.elements, elements_of({nothing}, at, ignored));
  return {};
}

Result<RuleUnit::Verdict> RuleUnit::judge(Timestamp at, std::vector<std::string>& warnings) {
  const Timestamp asked_for = at - query_offset_;
  Verdict verdict;
  Result<promql::Vector> vector = query_.ask(world_.parts, asked_for, warnings, shared_);
  if (!vector) {
    if (config_.on_error == Fallback::kKeep) return vector.error();
    verdict.failure = vector.error();
    if (auto done = stand_in(config_.on_error, "error", at, verdict); !done) return done.error();
    return verdict;
  }
  if (vector->empty() && config_.on_no_data != Fallback::kOk) {
    NINES_TRY(const bool data, query_.has_data(world_.parts, asked_for));
    if (!data) {
      if (auto done = stand_in(config_.on_no_data, "no_data", at, verdict); !done) {
        return done.error();
      }
      return verdict;
    }
  }
  NINES_TRY(verdict.elements, elements_of(*vector, at, warnings));
  if (!resolve_query_) return verdict;
  NINES_TRY(const promql::Vector resolving,
            resolve_query_->ask(world_.parts, asked_for, warnings, shared_));
  verdict.resolving.emplace();
  for (const promql::VectorSample& sample : resolving) {
    verdict.resolving->push_back(LabelBuilder(sample.labels).remove(kMetricName).build());
  }
  return verdict;
}

Result<void> RuleUnit::evaluate_alerts(Timestamp at, std::vector<std::string>& warnings) {
  NINES_TRY(Verdict verdict, judge(at, warnings));
  std::vector<AlertChange> changes;
  Result<void> moved;
  if (!verdict.keep) {
    moved = book_.evaluate(std::move(verdict.elements), at, changes,
                           verdict.resolving ? &*verdict.resolving : nullptr);
  }
  Result<void> written;
  if (moved) {
    written = write(at - query_offset_, alert_series(), warnings);
    to_tell_ = at;
  }
  for (const AlertChange& change : changes) incidents_.record(change, at, config_.hold);
  if (moved && verdict.failure) return *verdict.failure;
  return moved ? written : moved;
}

Result<void> RuleUnit::evaluate_recording(Timestamp at, std::vector<std::string>& warnings) {
  NINES_TRY(const promql::Vector vector,
            query_.ask(world_.parts, at - query_offset_, warnings, shared_));
  std::vector<SeriesValue> series;
  series.reserve(vector.size());
  for (const promql::VectorSample& sample : vector) {
    LabelBuilder labels(sample.labels);
    labels.set(kMetricName, config_.record);
    for (const auto& [name, value] : labels_) labels.set(name, value);
    series.push_back({labels.build(), sample.value, sample.histogram});
  }
  std::sort(series.begin(), series.end(),
            [](const SeriesValue& a, const SeriesValue& b) { return a.labels < b.labels; });
  const auto twin = std::adjacent_find(
      series.begin(), series.end(),
      [](const SeriesValue& a, const SeriesValue& b) { return a.labels == b.labels; });
  if (twin != series.end()) {
    return Error(ErrorCode::kInvalid,
                 "vector contains metrics with the same labelset after applying rule labels: " +
                     twin->labels.to_string());
  }
  if (limit_ > 0 && series.size() > limit_) {
    return Error(ErrorCode::kLimit, "exceeded limit of " + std::to_string(limit_) + " with " +
                                        std::to_string(series.size()) + " series");
  }
  return write(at - query_offset_, series, warnings);
}

Result<void> RuleUnit::write(Timestamp at, const std::vector<SeriesValue>& series,
                             std::vector<std::string>& warnings) {
  samples_ = series.size();
  const bool writes = !series.empty() || series_.any_known();
  Result<std::vector<std::string>> written = series_.write(at, series);
  if (writes) wrote();
  NINES_TRY(std::vector<std::string> refused, std::move(written));
  for (std::string& text : refused) {
    world_.parts.log.warn("alerts", "rule \"{}\": {}", key_, text);
    warnings.push_back(std::move(text));
  }
  return {};
}

void RuleUnit::wrote() {
  if (shared_ == nullptr) return;
  if (alerting()) {
    for (const char* name : {"ALERTS", "ALERTS_FOR_STATE", "ALERTS_FLAPPING"}) shared_->wrote(name);
    return;
  }
  const auto renamed = labels_.find(std::string(kMetricName));
  shared_->wrote(renamed == labels_.end() ? config_.record : renamed->second);
}

std::vector<SeriesValue> RuleUnit::alert_series() const {
  std::vector<SeriesValue> series;
  for (const Alert& alert : book_.active()) {
    LabelBuilder labels(alert.labels);
    labels.set(kMetricName, "ALERTS_FOR_STATE");
    const auto seconds = std::chrono::floor<std::chrono::seconds>(alert.active_at);
    const LabelSet for_state = labels.build();
    if (alert.flapping) {
      labels.set(kMetricName, "ALERTS_FLAPPING");
      series.push_back({labels.build(), 1, nullptr});
    }
    labels.set(kMetricName, "ALERTS").set("alertstate", to_string(alert.state));
    series.push_back({labels.build(), 1, nullptr});
    series.push_back({for_state, static_cast<double>(seconds.time_since_epoch().count()), nullptr});
  }
  return series;
}

std::optional<storage::RuleAlerts> RuleUnit::unsaved() const {
  if (!book_.unsaved()) return std::nullopt;
  return storage::RuleAlerts{key_, book_.stored()};
}

void RuleUnit::settle(const Result<void>& saved) {
  if (book_.unsaved()) note(saved);
  if (to_tell_) tell(book_.to_tell(), *to_tell_);
  to_tell_.reset();
}

void RuleUnit::save_state() {
  if (book_.unsaved()) note(world_.parts.state.save_alerts(key_, book_.stored()));
}

void RuleUnit::note(const Result<void>& saved) {
  if (saved) {
    book_.mark_saved();
    return;
  }
  // Paging goes on without: losing a page is worse than sending one twice after a crash. The next
  // evaluation tries to save again.
  world_.state_failures.add();
  world_.parts.log.error("alerts", "state of rule \"{}\" not saved: {}", key_,
                         saved.error().what());
}

void RuleUnit::tell(std::vector<Alert> alerts, Timestamp at) {
  if (alerts.empty()) return;
  for (Alert& alert : alerts) alert.told_at = at;
  for (AlertSink* sink : world_.parts.sinks) sink->on_alerts(key_, alerts);
}

void RuleUnit::adopt(RuleUnit& old, Timestamp now) {
  book_.adopt(old.book_);
  if (old.key_ == key_) {
    series_.adopt(old.series_);
  } else {
    // The store knows the series under the old key: the alerts move, their state with them.
    if (auto ended = old.series_.finish(now); !ended) {
      world_.parts.log.warn("alerts", "rule \"{}\": {}", old.key_, ended.error().what());
    }
    if (old.alerting()) {
      if (auto saved = world_.parts.state.save_alerts(old.key_, {}); !saved) {
        world_.parts.log.error("alerts", "state of rule \"{}\" not removed: {}", old.key_,
                               saved.error().what());
      }
      save_state();
    }
  }
  status_ = std::move(old.status_);
  status_.config = config_;
  status_.query = query_.to_string();
  samples_ = old.samples_;
}

void RuleUnit::retire(Timestamp now) {
  if (auto ended = series_.finish(now); !ended) {
    world_.parts.log.warn("alerts", "rule \"{}\": {}", key_, ended.error().what());
  }
  if (!alerting()) return;
  const bool had_alerts = !book_.stored().empty();
  const std::vector<AlertChange> changes = book_.end_all(now);
  if (had_alerts) save_state();
  std::vector<Alert> resolved;
  for (const AlertChange& change : changes) {
    incidents_.record(change, now, config_.hold, " ended, because its rule was removed.");
    if (change.event == AlertEvent::kResolved) resolved.push_back(change.alert);
  }
  tell(resolved);
  incidents_.flush();
}

void RuleUnit::restore(const std::vector<storage::StoredAlert>& alerts, Timestamp now) {
  book_.restore(alerts);
  std::vector<Alert> known = book_.active();
  for (const Alert& alert : book_.to_tell()) {
    if (alert.state == AlertState::kInactive) known.push_back(alert);
  }
  for (const Alert& alert : known) incidents_.reconcile(alert, now, config_.hold);
  incidents_.flush();
  // Sinks know at once what fires, before any group speaks: no half-told group takes an alert for
  // over, and what another alert inhibits stays inhibited.
  tell(book_.to_tell());
  status_.state = book_.state();
  status_.alerts = book_.active();
}

}  // namespace nines::alerts
