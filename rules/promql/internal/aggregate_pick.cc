#include "rules/promql/internal/aggregate_pick.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nines::promql {
namespace {

// Where a series stands in [0, 1): always the same, so that limit_ratio(r) and limit_ratio(r-1)
// share nothing and leave nothing out.
double place_of(const LabelSet& labels) {
  return static_cast<double>(labels.hash()) / 18446744073709551616.0;
}

bool ratio_keeps(double ratio, double place) {
  return ratio >= 0 ? place < ratio : place >= 1.0 + ratio;
}

class Picker {
 public:
  Picker(QueryContext& q, const Aggregate& node, const Block& in) : q_(q), node_(node), in_(in) {}

  Result<Block> run(Grouping& grouping, const Column& param) {
    if (const Result<void> ok = check_param(param); !ok) return ok.error();
    for (std::size_t i = 0; i < in_.size(); ++i) {
      const std::size_t g = grouping.group_of(in_.series[i].labels);
      if (g >= members_.size()) members_.resize(g + 1);
      members_[g].push_back(i);
    }
    rows_.assign(in_.size(), kNone);
    Block out(in_.steps, q_.budget);
    for (const std::vector<std::size_t>& group : members_) {
      if (const Result<void> ok = q_.check(); !ok) return ok.error();
      for (std::size_t s = 0; s < in_.steps; ++s) {
        for (const std::size_t i : pick(group, s, param[s])) {
          if (rows_[i] == kNone) {
            NINES_TRY(rows_[i], out.add_row(in_.series[i]));
          }
          out.copy_cell(rows_[i], s, in_, i);
        }
      }
    }
    return out;
  }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  Result<void> check_param(const Column& param) {
    for (const double v : param) {
      if (node_.op == AggregateOp::kLimitRatio) {
        if (std::isnan(v)) return Error(ErrorCode::kInvalid, "Ratio value is NaN");
        if (v < -1 || v > 1) {
          const double cap = v < -1 ? -1 : 1;
          q_.annotations.warn("ratio value should be between -1 and 1, got " + go_float(v) +
                                  ", capping to " + go_float(cap),
                              node_.param->range);
        }
      } else {
        if (std::isnan(v)) return Error(ErrorCode::kInvalid, "Parameter value is NaN");
        constexpr double kMost = 9223372036854775807.0;
        if (v >= kMost || v <= -kMost) {
          return Error(ErrorCode::kInvalid, "Scalar value " + go_float(v) +
                                                (v > 0 ? " overflows" : " underflows") + " int64");
        }
      }
    }
    return {};
  }

  const std::vector<std::size_t>& pick(const std::vector<std::size_t>& group, std::size_t s,
                                       double k) {
    chosen_.clear();
    if (node_.op == AggregateOp::kLimitRatio) {
      for (const std::size_t i : group) {
        if (in_.present(i, s) &&
            ratio_keeps(std::clamp(k, -1.0, 1.0), place_of(in_.series[i].labels))) {
          chosen_.push_back(i);
        }
      }
      return chosen_;
    }
    if (k < 1) return chosen_;
    const auto most = static_cast<std::size_t>(std::min(k, static_cast<double>(group.size())));
    for (const std::size_t i : group) {
      if (!in_.present(i, s)) continue;
      if (node_.op == AggregateOp::kLimitk) {
        if (chosen_.size() < most) chosen_.push_back(i);
      } else if (in_.histogram(i, s) != nullptr) {
        q_.annotations.histogram_ignored_in_aggregation(to_string(node_.op), node_.expr->range);
      } else {
        chosen_.push_back(i);
      }
    }
    if (node_.op == AggregateOp::kLimitk) return chosen_;
    const bool top = node_.op == AggregateOp::kTopk;
    const auto before = [&](std::size_t a, std::size_t b) {
      const double x = in_.row(a)[s];
      const double y = in_.row(b)[s];
      if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
      if (x != y) return top ? x > y : x < y;
      return a < b;
    };
    const std::size_t kept = std::min(most, chosen_.size());
    std::partial_sort(chosen_.begin(), chosen_.begin() + static_cast<std::ptrdiff_t>(kept),
                      chosen_.end(), before);
    chosen_.resize(kept);
    return chosen_;
  }

  QueryContext& q_;
  const Aggregate& node_;
  const Block& in_;
  std::vector<std::vector<std::size_t>> members_;
  std::vector<std::size_t> rows_;
  std::vector<std::size_t> chosen_;
};

}  // namespace

Result<Block> pick_series(QueryContext& q, const Aggregate& node, const Block& in,
                          Grouping& grouping, const Column& param) {
  return Picker(q, node, in).run(grouping, param);
}

}  // namespace nines::promql
