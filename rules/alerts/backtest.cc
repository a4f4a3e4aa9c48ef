#include "rules/alerts/backtest.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text/numbers.h"
#include "rules/alerts/internal/alert_book.h"
#include "rules/alerts/internal/replay_store.h"
#include "rules/alerts/internal/rule_key.h"
#include "rules/alerts/internal/rule_templates.h"

namespace nines::alerts {
namespace {

// What the steps of a part of the span gave.
struct Part {
  promql::Matrix results;
  promql::Matrix resolves;  // of resolve_expr
  promql::Matrix data;      // has an element where a selector of the expression finds anything
  bool always_data = false;
};

// Goes through a matrix step by step, forwards.
class Steps {
 public:
  explicit Steps(const promql::Matrix& matrix) : matrix_(matrix), next_(matrix.size(), 0) {}
  // Calls `found(series, value)` for each that has a value at `wanted`.
  template <typename Found>
  void at(std::int64_t wanted, const Found& found) {
    for (std::size_t i = 0; i < matrix_.size(); ++i) {
      const SampleColumns& columns = matrix_[i].samples;
      std::size_t& next = next_[i];
      while (next < columns.size() && columns.times[next] < wanted) ++next;
      if (next < columns.size() && columns.times[next] == wanted) found(i, columns.values[next]);
    }
  }

 private:
  const promql::Matrix& matrix_;
  std::vector<std::size_t> next_;
};

// One alerting rule, evaluated step by step over what range queries give.
class Replay {
 public:
  Replay(const GroupConfig& group, const RuleConfig& rule, RuleTemplates templates)
      : group_(group), rule_(rule), templates_(std::move(templates)), book_(settings()) {
    for (const auto& [name, value] : merged_labels(group, rule)) {
      templated_ |= value.find("{{") != std::string::npos;
    }
  }

  // A part of the span, and what the expressions gave at its steps.
  Result<void> play(const Part& part, Timestamp from, Timestamp to, Duration step) {
    const promql::Matrix& matrix = part.results;
    Steps results(matrix);
    Steps resolves(part.resolves);
    Steps data(part.data);
    fixed_.assign(matrix.size(), LabelSet());
    known_.assign(matrix.size(), false);
    for (Timestamp at = from; at <= to; at += step) {
      const std::int64_t wanted = to_millis(at - group_.query_offset);
      std::vector<AlertBook::Element> elements;
      std::map<LabelSet, promql::VectorSample> samples;
      results.at(wanted, [&](std::size_t i, double value) {
        promql::VectorSample sample{matrix[i].labels, at, value, nullptr};
        LabelSet labels = labels_of(i, sample, at);
        elements.push_back({labels, {}, sample.value});
        samples.emplace(std::move(labels), std::move(sample));
      });
      if (elements.empty() && rule_.on_no_data != Fallback::kOk) {
        bool any = part.always_data;
        data.at(wanted, [&](std::size_t, double) { any = true; });
        if (!any && rule_.on_no_data == Fallback::kKeep) continue;
        if (!any) stand_in(at, elements, samples);
      }
      std::vector<LabelSet> resolving;
      resolves.at(wanted, [&](std::size_t i, double) {
        resolving.push_back(LabelBuilder(part.resolves[i].labels).remove(kMetricName).build());
      });
      std::vector<AlertChange> changes;
      const Result<void> moved = book_.evaluate(std::move(elements), at, changes,
                                                rule_.resolve_expr.empty() ? nullptr : &resolving);
      if (!moved && moved.error().code() != ErrorCode::kLimit) {
        return Error(moved.error()).in("at " + format_time(at));
      }
      for (const AlertChange& change : changes) take(change, samples, at);
      for (const auto& [labels, sample] : samples) note_value(labels, sample.value);
    }
    return {};
  }

  std::vector<BacktestAlert> results() && {
    std::stable_sort(done_.begin(), done_.end(), [](const auto& a, const auto& b) {
      return a.alert.active_at < b.alert.active_at;
    });
    return std::move(done_);
  }

 private:
  BookSettings settings() const {
    BookSettings out;
    out.rule = rule_.alert;
    out.hold = rule_.hold;
    out.keep_firing_for = rule_.keep_firing_for;
    out.limit = group_.limit;
    out.resolved_retention = Duration(0);
    out.flap_detection = rule_.flap_detection;
    return out;
  }

  // The alert that says that there is no data.
  void stand_in(Timestamp at, std::vector<AlertBook::Element>& elements,
                std::map<LabelSet, promql::VectorSample>& samples) {
    promql::VectorSample sample{LabelSet{{"reason", "no_data"}}, at, 0, nullptr};
    LabelSet labels = expanded(sample, at);
    elements.push_back({labels, {}, 0});
    samples.emplace(std::move(labels), std::move(sample));
  }

  LabelSet labels_of(std::size_t series, const promql::VectorSample& sample, Timestamp at) {
    if (!templated_ && known_[series]) return fixed_[series];
    known_[series] = true;
    fixed_[series] = expanded(sample, at);
    return fixed_[series];
  }

  LabelSet expanded(const promql::VectorSample& sample, Timestamp at) {
    LabelBuilder labels(sample.labels);
    labels.remove(kMetricName);
    for (const Label& label : templates_.expand(sample, at).labels) {
      labels.set(label.name, label.value);
    }
    return labels.set(kAlertName, rule_.alert).build();
  }

  void take(const AlertChange& change, const std::map<LabelSet, promql::VectorSample>& samples,
            Timestamp at) {
    const auto open = open_.find(change.alert.labels);
    if (open == open_.end()) {
      if (change.event != AlertEvent::kPending && change.event != AlertEvent::kFiring) return;
      open_[change.alert.labels] = done_.size();
      done_.push_back({group_.name, change.alert, change.alert.value, change.alert.value});
    } else {
      Alert& known = done_[open->second].alert;
      const double value = known.value;
      LabelSet annotations = known.annotations;
      known = change.alert;
      known.annotations = std::move(annotations);
      if (change.event != AlertEvent::kFiring) known.value = value;
      if (known.state == AlertState::kInactive) {
        open_.erase(open);
        return;
      }
    }
    const auto sample = samples.find(change.alert.labels);
    if (sample == samples.end()) return;
    Alert& alert = done_[open_[change.alert.labels]].alert;
    alert.annotations =
        LabelSet::from(std::move(templates_.expand(sample->second, at).annotations));
  }

  void note_value(const LabelSet& labels, double value) {
    const auto open = open_.find(labels);
    if (open == open_.end()) return;
    BacktestAlert& alert = done_[open->second];
    alert.value_min = std::min(alert.value_min, value);
    alert.value_max = std::max(alert.value_max, value);
  }

  const GroupConfig& group_;
  const RuleConfig& rule_;
  RuleTemplates templates_;
  bool templated_ = false;  // the labels depend on more than the series
  AlertBook book_;
  std::vector<LabelSet> fixed_;  // of each series of the part
  std::vector<bool> known_;
  std::map<LabelSet, std::size_t> open_;  // alerts that go on, in done_
  std::vector<BacktestAlert> done_;
};

class FixedClock final : public Clock {
 public:
  explicit FixedClock(Timestamp now) : now_(now) {}
  Timestamp now() const override { return now_; }
  Instant elapsed() const override { return Instant{}; }

 private:
  Timestamp now_;
};

// Every rule in order, over the whole span.
class Backtest {
 public:
  Backtest(const std::vector<GroupConfig>& groups, const BacktestSpan& span,
           const BacktestHistory& history)
      : groups_(groups),
        span_(span),
        history_(history),
        store_(history_.samples, span.recorded_samples_max),
        clock_(span.to),
        engine_(store_, clock_, span.engine) {}

  Result<std::vector<BacktestAlert>> run() {
    find_needed();
    for (const GroupConfig& group : groups_) {
      for (const RuleConfig& rule : group.rules) {
        const bool needed = !rule.alert.empty() || needed_.contains(&rule);
        if (rule.logql || !needed) continue;
        const Result<void> done = rule.alert.empty() ? record(group, rule) : replay(group, rule);
        if (!done) {
          const ErrorCode code = done.error().code();
          const Error error =
              Error(done.error())
                  .in(group.file + ": group \"" + group.name + "\", " +
                      (rule.alert.empty() ? "record" : "alert") + " \"" + rule_name(rule) + "\"");
          if (!history_.failed || (code != ErrorCode::kInvalid && code != ErrorCode::kLimit))
            return error;
          history_.failed(error);
        }
      }
    }
    return std::move(found_);
  }

 private:
  struct Grid {
    Timestamp first;
    Duration step;
    Duration stride;  // of the parts
  };

  // Recording rules whose results an alert reads, by itself or through others.
  void find_needed() {
    std::vector<std::vector<Matcher>> wanted;
    const auto want = [&](const std::string& expr) {
      const auto query = promql::Query::parse(expr, span_.engine);
      if (!query) return;
      for (auto& matchers : query->selectors()) wanted.push_back(std::move(matchers));
    };
    for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
      for (auto rule = group->rules.rbegin(); rule != group->rules.rend(); ++rule) {
        if (rule->logql) continue;
        if (!rule->alert.empty()) {
          want(rule->expr);
          if (!rule->resolve_expr.empty()) want(rule->resolve_expr);
        } else {
          ReplayStore one(history_.samples, 0);
          one.add_metric(rule->record);
          const bool read = std::any_of(wanted.begin(), wanted.end(), [&](const auto& matchers) {
            return one.concerns(matchers);
          });
          if (!read) continue;
          needed_.insert(&*rule);
          want(rule->expr);
        }
      }
    }
  }

  Grid grid_of(const GroupConfig& group) const {
    Grid grid{span_.from, group.interval, {}};
    if (grid.step <= Duration::zero()) grid.step = span_.evaluation_interval;
    const Duration phase = span_.phase ? span_.phase(group) % grid.step : Duration::zero();
    const std::int64_t late = (to_millis(span_.from) - phase.count()) % grid.step.count();
    if (late != 0) grid.first += grid.step - Duration(late);
    grid.stride =
        grid.step * static_cast<std::int64_t>(std::max<std::size_t>(span_.steps_per_query, 1));
    return grid;
  }

  // By the history itself, unless the expression reads what was recorded here.
  Result<promql::Matrix> ask(const std::string& expr, Timestamp from, Timestamp to, Duration step) {
    NINES_TRY(const promql::Query query, promql::Query::parse(expr, span_.engine));
    const auto selectors = query.selectors();
    const bool recorded = std::any_of(selectors.begin(), selectors.end(),
                                      [&](const auto& one) { return store_.concerns(one); });
    if (!recorded) return history_.range(expr, from, to, step);
    NINES_TRY(promql::QueryResult result, engine_.range(query, from, to, step));
    return std::get<promql::Matrix>(std::move(result.value));
  }

  template <typename Take>
  Result<void> each_part(const GroupConfig& group, const Take& take) {
    const Grid grid = grid_of(group);
    for (Timestamp from = grid.first; from <= span_.to; from += grid.stride) {
      const Timestamp to = std::min(span_.to, from + grid.stride - grid.step);
      if (Result<void> taken = take(from, to, grid.step); !taken) return taken;
    }
    return {};
  }

  Result<void> record(const GroupConfig& group, const RuleConfig& rule) {
    const std::map<std::string, std::string> labels = merged_labels(group, rule);
    Duration step{0};
    const auto take = [&](Timestamp from, Timestamp to, Duration of) -> Result<void> {
      step = of;
      const Duration offset = group.query_offset;
      NINES_TRY(const promql::Matrix matrix, ask(rule.expr, from - offset, to - offset, step));
      for (const promql::MatrixSeries& series : matrix) {
        LabelBuilder out(series.labels);
        out.set(kMetricName, rule.record);
        for (const auto& [name, value] : labels) out.set(name, value);
        if (auto kept = store_.record(out.build(), series.samples, step); !kept) return kept;
      }
      return {};
    };
    if (auto done = each_part(group, take); !done) return done;
    store_.end(rule.record, span_.to - group.query_offset, step);
    store_.add_metric(rule.record);
    return {};
  }

  // Where any selector of the expression finds anything.
  Result<promql::Matrix> data_of(const RuleConfig& rule, Timestamp from, Timestamp to,
                                 Duration step, bool& always) {
    NINES_TRY(const promql::Query query, promql::Query::parse(rule.expr, span_.engine));
    promql::Matrix out;
    always = query.selectors().empty();
    for (const std::vector<Matcher>& matchers : query.selectors()) {
      std::string selector;
      for (const Matcher& matcher : matchers)
        selector += (selector.empty() ? "" : ",") + matcher.to_string();
      NINES_TRY(promql::Matrix found, ask("count({" + selector + "})", from, to, step));
      for (promql::MatrixSeries& series : found) out.push_back(std::move(series));
    }
    return out;
  }

  Result<void> replay(const GroupConfig& group, const RuleConfig& rule) {
    NINES_TRY(RuleTemplates templates,
              RuleTemplates::compile(rule.alert, merged_labels(group, rule), rule.annotations,
                                     TemplateWorld(), nullptr));
    Replay replay(group, rule, std::move(templates));
    const auto take = [&](Timestamp from, Timestamp to, Duration step) -> Result<void> {
      const Timestamp first = from - group.query_offset, last = to - group.query_offset;
      Part part;
      NINES_TRY(part.results, ask(rule.expr, first, last, step));
      if (!rule.resolve_expr.empty()) {
        NINES_TRY(part.resolves, ask(rule.resolve_expr, first, last, step));
      }
      if (rule.on_no_data != Fallback::kOk) {
        NINES_TRY(part.data, data_of(rule, first, last, step, part.always_data));
      }
      return replay.play(part, from, to, step);
    };
    if (auto done = each_part(group, take); !done) return done;
    for (BacktestAlert& alert : std::move(replay).results()) found_.push_back(std::move(alert));
    return {};
  }

  const std::vector<GroupConfig>& groups_;
  const BacktestSpan& span_;
  const BacktestHistory& history_;
  ReplayStore store_;
  FixedClock clock_;
  promql::Engine engine_;
  std::set<const RuleConfig*> needed_;
  std::vector<BacktestAlert> found_;
};

}  // namespace

Result<std::vector<BacktestAlert>> backtest(const std::vector<GroupConfig>& groups,
                                            const BacktestSpan& span,
                                            const BacktestHistory& history) {
  return Backtest(groups, span, history).run();
}

}  // namespace nines::alerts
