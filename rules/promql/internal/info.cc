// info(): labels of info metrics joined to the series they speak of.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/grouping.h"
#include "rules/promql/internal/labels_text.h"

namespace nines::promql {
namespace {

constexpr std::string_view kTargetInfo = "target_info";
// What a series and its info series have in common.
const std::vector<std::string>& identifying_labels() {
  static const std::vector<std::string> kLabels = {"instance", "job"};
  return kLabels;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// The matchers of the second argument, by what they are about.
struct LabelSelector {
  std::vector<Matcher> names;   // of the info metric
  std::vector<Matcher> labels;  // the only labels to be joined, when there are any

  bool wants(std::string_view label) const {
    return labels.empty() || std::any_of(labels.begin(), labels.end(),
                                         [&](const Matcher& m) { return m.name() == label; });
  }
  bool accepts_nothing() const {
    return std::all_of(labels.begin(), labels.end(),
                       [](const Matcher& m) { return m.matches_empty(); });
  }
};

LabelSelector selector_of(const Call& call) {
  LabelSelector out;
  if (call.args.size() < 2) {
    out.names.push_back(Matcher::equal(std::string(kMetricName), std::string(kTargetInfo)));
    return out;
  }
  for (const Matcher& m : as<VectorSelector>(*call.args[1]).matchers) {
    (m.name() == kMetricName ? out.names : out.labels).push_back(m);
  }
  // Matchers that only exclude speak of the metrics that are named as info metrics.
  const bool excludes = std::all_of(out.names.begin(), out.names.end(), [](const Matcher& m) {
    return m.op() == MatchOp::kNotEqual || m.op() == MatchOp::kNotRegex;
  });
  if (excludes && !out.names.empty()) {
    Result<Matcher> named = Matcher::make(MatchOp::kRegex, std::string(kMetricName), ".+_info");
    if (named) out.names.push_back(*std::move(named));
  }
  return out;
}

// The first selector below, with the shifts of what stands around it; null when there is none.
const VectorSelector* first_selector(const Expr& expr, std::vector<const TimeShift*>& shifts) {
  switch (expr.kind()) {
    case ExprKind::kVectorSelector:
      shifts.push_back(&as<VectorSelector>(expr).shift);
      return &as<VectorSelector>(expr);
    case ExprKind::kMatrixSelector:
      return first_selector(*as<MatrixSelector>(expr).selector, shifts);
    case ExprKind::kSubquery: {
      shifts.push_back(&as<Subquery>(expr).shift);
      return first_selector(*as<Subquery>(expr).expr, shifts);
    }
    case ExprKind::kCall:
      for (const ExprPtr& arg : as<Call>(expr).args) {
        if (const VectorSelector* found = first_selector(*arg, shifts)) return found;
      }
      return nullptr;
    case ExprKind::kAggregate:
      return first_selector(*as<Aggregate>(expr).expr, shifts);
    case ExprKind::kBinary: {
      const std::size_t before = shifts.size();
      if (const VectorSelector* found = first_selector(*as<Binary>(expr).lhs, shifts)) return found;
      shifts.resize(before);
      return first_selector(*as<Binary>(expr).rhs, shifts);
    }
    case ExprKind::kUnary:
      return first_selector(*as<Unary>(expr).expr, shifts);
    case ExprKind::kParen:
      return first_selector(*as<Paren>(expr).expr, shifts);
    default:
      return nullptr;
  }
}

// Joins one base block with one block of info series (and their sample times).
class InfoJoin {
 public:
  InfoJoin(QueryContext& q, const LabelSelector& selector, const Block& base, const Block& info)
      : q_(q),
        selector_(selector),
        base_(base),
        info_(info),
        grouping_(true, identifying_labels()) {
    for (std::size_t i = 0; i < info.size(); ++i) {
      const LabelSet& labels = info.series[i].labels;
      by_group_[grouping_.group_of(labels)][std::string(labels.metric_name())].push_back(i);
    }
  }

  bool is_info(const LabelSet& labels) const {
    return !selector_.names.empty() &&
           std::all_of(selector_.names.begin(), selector_.names.end(),
                       [&](const Matcher& m) { return m.matches(labels.metric_name()); });
  }

  Result<Block> run() {
    Block out(base_.steps, q_.budget);
    RowIndex index;
    for (std::size_t i = 0; i < base_.size(); ++i) {
      if (const Result<void> ok = q_.check(); !ok) return ok.error();
      if (const Result<void> ok = join(i, out, index); !ok) return ok.error();
    }
    return out;
  }

 private:
  Result<void> join(std::size_t i, Block& out, RowIndex& index) {
    const SeriesHead& head = base_.series[i];
    const bool alone = is_info(head.labels);
    const auto group = by_group_.find(grouping_.group_of(head.labels));
    std::vector<std::size_t> chosen, last;
    bool first = true;
    bool keep = true;
    std::size_t row = 0;
    for (std::size_t s = 0; s < base_.steps; ++s) {
      if (!base_.present(i, s)) continue;
      chosen.clear();
      if (!alone && group != by_group_.end()) {
        for (const auto& [name, rows] : group->second) {
          if (Result<void> ok = newest(rows, s, chosen); !ok) return ok;
        }
      }
      if (first || chosen != last) {
        first = false;
        last = chosen;
        keep = alone || !chosen.empty() || selector_.accepts_nothing();
        if (keep) {
          NINES_TRY(const LabelSet labels, joined(head.labels, chosen));
          NINES_TRY(row, index.row(out, labels, head.drop_name));
        }
      }
      if (!keep) continue;
      if (out.present(row, s)) {
        return Error(ErrorCode::kInvalid, "vector cannot contain metrics with the same labelset");
      }
      out.copy_cell(row, s, base_, i);
    }
    return {};
  }

  // Of the info series of one name the one that was written last.
  Result<void> newest(const std::vector<std::size_t>& rows, std::size_t s,
                      std::vector<std::size_t>& chosen) const {
    std::size_t best = SIZE_MAX;
    for (const std::size_t row : rows) {
      if (!info_.present(row, s)) continue;
      if (best == SIZE_MAX || info_.row(row)[s] > info_.row(best)[s]) {
        best = row;
      } else if (info_.row(row)[s] == info_.row(best)[s]) {
        const std::string at =
            " @ " + std::to_string(static_cast<std::int64_t>(info_.row(row)[s] * 1000));
        return Error(ErrorCode::kInvalid, "found duplicate series for info metric: existing " +
                                              labels_text(info_.series[best].labels) + at +
                                              ", new " + labels_text(info_.series[row].labels) +
                                              at);
      }
    }
    if (best != SIZE_MAX) chosen.push_back(best);
    return {};
  }

  Result<LabelSet> joined(const LabelSet& base, const std::vector<std::size_t>& chosen) const {
    LabelBuilder builder(base);
    for (const std::size_t row : chosen) {
      for (const Label& label : info_.series[row].labels) {
        if (label.name == kMetricName || !selector_.wants(label.name) || base.has(label.name))
          continue;
        const std::string_view known = builder.get(label.name);
        if (!known.empty() && known != label.value) {
          return Error(ErrorCode::kInvalid, "conflicting label: " + label.name);
        }
        builder.set(label.name, label.value);
      }
    }
    return builder.build();
  }

  QueryContext& q_;
  const LabelSelector& selector_;
  const Block& base_;
  const Block& info_;
  Grouping grouping_;
  // By group of identifying labels, by name of the info metric: rows.
  std::map<std::size_t, std::map<std::string, std::vector<std::size_t>>> by_group_;
};

}  // namespace

// A selector of the info series that can speak of `base`, at the times `base` is read at.
Result<VectorSelector> Evaluator::info_selector(const Call& call, const Block& base) const {
  const LabelSelector wanted = selector_of(call);
  VectorSelector out;
  out.matchers = wanted.names;
  if (out.matchers.empty()) {
    out.matchers.push_back(Matcher::equal(std::string(kMetricName), std::string(kTargetInfo)));
  }
  out.matchers.insert(out.matchers.end(), wanted.labels.begin(), wanted.labels.end());
  for (const std::string& label : identifying_labels()) {
    std::set<std::string> values;
    bool all = true;
    for (const SeriesHead& head : base.series) {
      const std::string_view value = head.labels.get(label);
      all = all && !value.empty();
      if (!value.empty()) values.emplace(value);
    }
    std::string pattern;
    for (const std::string& value : values)
      pattern += (pattern.empty() ? "" : "|") + escaped(value);
    // Too many to name: the join itself sorts them out.
    if (!all || pattern.size() > kRegexBytesMax) continue;
    Result<Matcher> matcher = Matcher::make(MatchOp::kRegex, label, pattern);
    if (matcher) out.matchers.push_back(*std::move(matcher));
  }
  std::vector<const TimeShift*> shifts;
  std::int64_t offset = 0;
  if (first_selector(*call.args[0], shifts) != nullptr) {
    for (const TimeShift* shift : shifts) {
      NINES_TRY(const std::int64_t by, offset_ms(*shift));
      const std::optional<std::int64_t> fixed = fixed_time(*shift);
      if (fixed) {
        out.shift.at = AtKind::kTime;
        out.shift.at_ms = *fixed;
        offset = 0;
      }
      offset += by;
    }
  }
  out.shift.offset = std::make_unique<DurationExpr>();
  out.shift.offset->seconds = static_cast<double>(offset) / 1000;
  return out;
}

Result<Block> Evaluator::info_function(const Call& call, const Grid& grid) {
  NINES_TRY(const Block base, vector(*call.args[0], grid));
  const LabelSelector wanted = selector_of(call);
  const bool identified = std::any_of(
      base.series.begin(), base.series.end(),
      [](const SeriesHead& head) { return head.labels.has("instance") || head.labels.has("job"); });
  Block times(grid.count, q_.budget);
  if (identified) {
    NINES_TRY(const VectorSelector selector, info_selector(call, base));
    NINES_TRY(const Block values, select(selector, grid));
    if (!values.histograms.empty())
      return Error(ErrorCode::kInvalid, "info sample should be float");
    NINES_TRY(times, select(selector, grid, Take::kTimestamp));
  }
  return InfoJoin(q_, wanted, base, times).run();
}

}  // namespace nines::promql
