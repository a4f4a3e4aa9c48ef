#include "rules/alerts/backtest.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text/numbers.h"
#include "rules/alerts/internal/alert_book.h"
#include "rules/alerts/internal/rule_key.h"
#include "rules/alerts/internal/rule_templates.h"

namespace nines::alerts {
namespace {

// One alerting rule, evaluated step by step over what range queries give.
class Replay {
 public:
  Replay(const GroupConfig& group, const RuleConfig& rule, RuleTemplates templates)
      : group_(group), rule_(rule), templates_(std::move(templates)), book_(settings()) {
    for (const auto& [name, value] : merged_labels(group, rule)) {
      templated_ |= value.find("{{") != std::string::npos;
    }
  }

  // A part of the span: `matrix` are the results of its steps.
  Result<void> play(const promql::Matrix& matrix, Timestamp from, Timestamp to, Duration step) {
    std::vector<std::size_t> next(matrix.size(), 0);
    fixed_.assign(matrix.size(), LabelSet());
    known_.assign(matrix.size(), false);
    for (Timestamp at = from; at <= to; at += step) {
      const std::int64_t wanted = to_millis(at - group_.query_offset);
      std::vector<AlertBook::Element> elements;
      std::map<LabelSet, promql::VectorSample> samples;
      for (std::size_t i = 0; i < matrix.size(); ++i) {
        const SampleColumns& columns = matrix[i].samples;
        while (next[i] < columns.size() && columns.times[next[i]] < wanted) ++next[i];
        if (next[i] == columns.size() || columns.times[next[i]] != wanted) continue;
        promql::VectorSample sample{matrix[i].labels, at, columns.values[next[i]], nullptr};
        LabelSet labels = labels_of(i, sample, at);
        elements.push_back({labels, {}, sample.value});
        samples.emplace(std::move(labels), std::move(sample));
      }
      std::vector<AlertChange> changes;
      const Result<void> moved = book_.evaluate(std::move(elements), at, changes);
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
    return out;
  }

  LabelSet labels_of(std::size_t series, const promql::VectorSample& sample, Timestamp at) {
    if (!templated_ && known_[series]) return fixed_[series];
    LabelBuilder labels(sample.labels);
    labels.remove(kMetricName);
    for (const Label& label : templates_.expand(sample, at).labels) {
      labels.set(label.name, label.value);
    }
    labels.set(kAlertName, rule_.alert);
    known_[series] = true;
    fixed_[series] = labels.build();
    return fixed_[series];
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

Result<std::vector<BacktestAlert>> replay_rule(const GroupConfig& group, const RuleConfig& rule,
                                               const BacktestSpan& span, const RangeQuery& query) {
  NINES_TRY(RuleTemplates templates,
            RuleTemplates::compile(rule.alert, merged_labels(group, rule), rule.annotations,
                                   TemplateWorld(), nullptr));
  const Duration step =
      group.interval > Duration::zero() ? group.interval : span.evaluation_interval;
  const std::int64_t late = to_millis(span.from) % step.count();
  const Timestamp first = late == 0 ? span.from : span.from + (step - Duration(late));
  Replay replay(group, rule, std::move(templates));
  const auto steps = static_cast<std::int64_t>(std::max<std::size_t>(span.steps_per_query, 1));
  for (Timestamp from = first; from <= span.to; from += step * steps) {
    const Timestamp to = std::min(span.to, from + step * (steps - 1));
    NINES_TRY(const promql::Matrix matrix,
              query(rule.expr, from - group.query_offset, to - group.query_offset, step));
    if (auto played = replay.play(matrix, from, to, step); !played) return played.error();
  }
  return std::move(replay).results();
}

}  // namespace

Result<std::vector<BacktestAlert>> backtest(const std::vector<GroupConfig>& groups,
                                            const BacktestSpan& span, const RangeQuery& query) {
  std::vector<BacktestAlert> out;
  for (const GroupConfig& group : groups) {
    for (const RuleConfig& rule : group.rules) {
      if (rule.alert.empty() || rule.logql) continue;
      auto alerts = replay_rule(group, rule, span, query);
      if (!alerts) {
        return Error(alerts.error())
            .in(group.file + ": group \"" + group.name + "\", alert \"" + rule.alert + "\"");
      }
      for (BacktestAlert& alert : *alerts) out.push_back(std::move(alert));
    }
  }
  return out;
}

}  // namespace nines::alerts
