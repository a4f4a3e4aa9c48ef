#include "rules/alerts/internal/group.h"

#include <algorithm>
#include <utility>

#include "base/telemetry/forget.h"
#include "base/text/text.h"
#include "rules/alerts/internal/rule_key.h"

namespace nines::alerts {
namespace {

const std::vector<double>& duration_buckets() {
  static const std::vector<double> buckets = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                              0.25,   0.5,   1,      2.5,   5,    10,    30};
  return buckets;
}

constexpr Duration kSettleWithin{50};
constexpr Duration kFiguresStand{60'000};
constexpr Duration kPlace{100};  // of groups in their interval

double seconds_since(Instant begin, const Clock& clock) {
  return std::chrono::duration<double>(clock.elapsed() - begin).count();
}

constexpr const char* kGroupLabel = "rule_group";

std::string metrics_name(const GroupConfig& config) {
  return config.file + ";" + config.name;
}

}  // namespace

// Under Prometheus's names, so that its dashboards and alerts work on nines.
struct Group::Metrics {
  Counter& evaluations;
  Counter& failures;
  Counter& iterations;
  Counter& missed;
  Gauge& last_evaluation;
  Gauge& last_duration;
  Gauge& last_samples;
  Distribution& rule_duration;
  Distribution& group_duration;

  static std::shared_ptr<const Metrics> make(Telemetry& t, const GroupConfig& config,
                                             Duration interval) {
    const MetricLabels labels{{kGroupLabel, metrics_name(config)}};
    t.gauge("prometheus_rule_group_interval_seconds", "The interval of a rule group.", labels)
        .set(to_seconds(interval));
    t.gauge("prometheus_rule_group_rules", "How many rules a group has.", labels)
        .set(static_cast<double>(config.rules.size()));
    return std::make_shared<const Metrics>(Metrics{
        t.counter("prometheus_rule_evaluations_total", "Rule evaluations.", labels),
        t.counter("prometheus_rule_evaluation_failures_total", "Rule evaluations that failed.",
                  labels),
        t.counter("prometheus_rule_group_iterations_total",
                  "Scheduled evaluations of a rule group, missed ones included.", labels),
        t.counter("prometheus_rule_group_iterations_missed_total",
                  "Evaluations of a rule group that were skipped, because it was still busy.",
                  labels),
        t.gauge("prometheus_rule_group_last_evaluation_timestamp_seconds",
                "When a rule group was last evaluated.", labels),
        t.gauge("prometheus_rule_group_last_duration_seconds",
                "How long the last evaluation of a rule group took.", labels),
        t.gauge("prometheus_rule_group_last_evaluation_samples",
                "Samples the last evaluation of a rule group gave.", labels),
        t.distribution("prometheus_rule_evaluation_duration_seconds",
                       "How long the evaluation of a rule takes.", duration_buckets()),
        t.distribution("prometheus_rule_group_duration_seconds",
                       "How long the evaluation of a rule group takes.", duration_buckets())});
  }
};

Group::Group(const RuleWorld& world, const GroupConfig& config, Duration interval)
    : world_(world),
      config_(config),
      interval_(interval),
      batches_(dynamic_cast<storage::AlertBatches*>(&world.parts.state)),
      shared_(world.options.shared_bytes_max),
      metrics_(Metrics::make(world.parts.telemetry, config, interval)),
      history_(world.parts.incidents, world.parts.log) {
  // Groups are spread over the interval, each at a place that stays the same across restarts. Where
  // there are thousands, several wake the threads at once.
  const std::uint64_t place = hash64(config.file + ";" + config.name);
  const auto places = static_cast<std::uint64_t>(std::max<std::int64_t>(interval / kPlace, 1));
  Ticker::Settings settings;
  settings.interval = interval;
  settings.phase = static_cast<std::int64_t>(place % places) * kPlace;
  settings.run = [this](Timestamp at) {
    if (!is_judged(at)) evaluate(at);
  };
  settings.missed = [this](std::uint64_t instants) {
    metrics_->iterations.add(static_cast<double>(instants));
    metrics_->missed.add(static_cast<double>(instants));
    world_.parts.log.warn("alerts", "group \"{}\" of {} missed {} evaluations: it was still busy",
                          config_.name, config_.file, instants);
    const MutexLock lock(mutex_);
    status_.missed_iterations += instants;
  };
  ticker_ = Ticker::make(world.parts.scheduler, world.parts.executor, std::move(settings));
}

Result<std::unique_ptr<Group>> Group::make(const RuleWorld& world, const GroupConfig& config) {
  const Duration interval =
      config.interval > Duration::zero() ? config.interval : world.options.evaluation_interval;
  if (interval <= Duration::zero()) {
    return Error(ErrorCode::kInvalid, "group \"" + config.name + "\": no evaluation interval");
  }
  std::unique_ptr<Group> group(new Group(world, config, interval));
  const std::vector<std::string> keys = rule_keys(config);
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    NINES_TRY(std::unique_ptr<RuleUnit> unit,
              RuleUnit::make(world, config, interval, config.rules[i], keys[i], group->history_));
    unit->share(group->shared_);
    group->units_.push_back(std::move(unit));
  }
  group->publish();
  return group;
}

void Group::forget_metrics(Telemetry& telemetry, const GroupConfig& config) {
  nines::forget_metrics(telemetry, kGroupLabel, metrics_name(config));
}

void Group::publish() {
  const MutexLock lock(mutex_);
  status_.config = config_;
  status_.interval = interval_;
  status_.rules.clear();
  for (const auto& unit : units_) status_.rules.push_back(unit->status());
}

GroupStatus Group::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

void Group::evaluate_once(Timestamp at) {
  ticker_->exclusively([this, at] { evaluate(at); });
}

// Thousands of SLOs are judged by figures that a minute changes once.
bool Group::is_judged(Timestamp at) const {
  const std::atomic<std::int64_t>* const changed = world_.parts.figures_at_ms;
  if (!config_.judges_figures || changed == nullptr || !evaluated_at_) return false;
  return *evaluated_at_ >= from_millis(changed->load()) && at - *evaluated_at_ < kFiguresStand;
}

void Group::count(const RuleUnit& unit) {
  metrics_->evaluations.add();
  if (unit.failed()) metrics_->failures.add();
}

// A transaction of its own for each rule costs more than its evaluation; but no page waits for a
// rule behind it that is slow.
bool Group::waits_too_long(std::size_t next, Instant since) const {
  const Duration waited =
      std::chrono::duration_cast<Duration>(world_.parts.scheduler.clock().elapsed() - since);
  return waited + took_[next] >= kSettleWithin;
}

void Group::settle(std::size_t end) {
  std::vector<storage::RuleAlerts> states;
  for (std::size_t i = settled_; i < end; ++i) {
    if (auto state = units_[i]->unsaved()) states.push_back(*std::move(state));
  }
  // What a restart must know is on disk before anybody acts on it. What cannot be saved together,
  // for one of them or at all, is tried rule by rule.
  const bool together =
      batches_ != nullptr && states.size() > 1 && batches_->save_alerts_of(states).has_value();
  auto state = states.cbegin();
  for (std::size_t i = settled_; i < end; ++i) {
    Result<void> saved;
    if (state != states.cend() && state->rule == units_[i]->key()) {
      if (!together) saved = world_.parts.state.save_alerts(state->rule, state->alerts);
      ++state;
    }
    units_[i]->settle(saved);
    const MutexLock lock(mutex_);
    status_.rules[i] = units_[i]->status();
  }
  settled_ = end;
}

void Group::evaluate(Timestamp at) {
  const Clock& clock = world_.parts.scheduler.clock();
  const Instant begin = clock.elapsed();
  metrics_->iterations.add();
  evaluated_at_ = at;
  std::size_t samples = 0;
  settled_ = 0;
  took_.resize(units_.size());
  Instant since = begin;  // the first rule that is not settled
  for (std::size_t i = 0; i < units_.size(); ++i) {
    RuleUnit& unit = *units_[i];
    const Instant rule_begin = clock.elapsed();
    if (waits_too_long(i, since)) settle(i);
    if (settled_ == i) since = rule_begin;
    unit.evaluate(at);
    took_[i] = std::chrono::duration_cast<Duration>(clock.elapsed() - rule_begin);
    metrics_->rule_duration.observe(seconds_since(rule_begin, clock));
    count(unit);
    samples += unit.samples();
  }
  settle(units_.size());
  shared_.clear();
  // The history comes last: in a storm of alerts it is slow, and no page waits for it.
  history_.flush();
  const double took = seconds_since(begin, clock);
  metrics_->group_duration.observe(took);
  metrics_->last_duration.set(took);
  metrics_->last_samples.set(static_cast<double>(samples));
  metrics_->last_evaluation.set(static_cast<double>(to_millis(at)) / 1000.0);
  const MutexLock lock(mutex_);
  status_.last_evaluation = at;
  status_.evaluation_seconds = took;
}

}  // namespace nines::alerts
