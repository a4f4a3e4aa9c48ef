#include "rules/promql/internal/aggregate_pick.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "base/text/text.h"

namespace nines::promql {
namespace {

void append_sized(std::string& out, std::string_view text) {
  constexpr std::size_t kLong = 255;
  if (text.size() < kLong) {
    out.push_back(static_cast<char>(text.size()));
  } else {
    out.push_back(static_cast<char>(kLong));
    for (int shift = 0; shift < 24; shift += 8) {
      out.push_back(static_cast<char>((text.size() >> shift) & 0xFF));
    }
  }
  out += text;
}

// Where a series stands in [0, 1): always the same, so that limit_ratio(r) and limit_ratio(r-1)
// share nothing and leave nothing out; and the same as in Prometheus, which hashes names and values
// each after its length by XXH64, so that both pick the same series.
double place_of(const LabelSet& labels) {
  std::string bytes;
  for (const Label& label : labels) {
    append_sized(bytes, label.name);
    append_sized(bytes, label.value);
  }
  return static_cast<double>(xxh64(bytes)) / 18446744073709551615.0;
}

bool ratio_keeps(double ratio, double place) {
  return ratio >= 0 ? place < ratio : place >= 1.0 + ratio;
}

class Picker {
 public:
  Picker(QueryContext& q, const Aggregate& node, const Block& in) : q_(q), node_(node), in_(in) {}

  Result<Block> run(Grouping& grouping, const Column& param) {
    if (const Result<void> ok = check_param(param); !ok) return ok.error();
    Pace pace(q_);
    for (std::size_t i = 0; i < in_.size(); ++i) {
      if (const Result<void> ok = pace.did(16); !ok) return ok.error();
      const std::size_t g = grouping.group_of(in_.series[i].labels);
      if (g >= members_.size()) members_.resize(g + 1);
      members_[g].push_back(i);
    }
    rows_.assign(in_.size(), kNone);
    Block out(in_.steps, q_.budget);
    for (const std::vector<std::size_t>& group : members_) {
      for (std::size_t s = 0; s < in_.steps; ++s) {
        if (const Result<void> ok = pace.did(4 * group.size()); !ok) return ok.error();
        for (const std::size_t i : pick(group, s, param[s])) {
          if (rows_[i] == kNone) {
            if (const Result<void> ok = pace.did(out.steps); !ok) return ok.error();
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
    const ParamRange said(param);
    if (node_.op == AggregateOp::kLimitRatio) {
      if (said.any_nan) return Error(ErrorCode::kInvalid, "Ratio value is NaN");
      if (said.most > 1) capped(said.most, 1);
      if (said.least < -1) capped(said.least, -1);
      return {};
    }
    return check_count(param);
  }

  void capped(double said, double cap) {
    q_.annotations.warn("ratio value should be between -1 and 1, got " + go_float(said) +
                            ", capping to " + go_float(cap),
                        unwrap(*node_.param).range);
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
      if (chosen_.size() == most) break;
      if (in_.present(i, s)) chosen_.push_back(i);
    }
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

ParamRange::ParamRange(const Column& column)
    : least(std::numeric_limits<double>::infinity()), most(-least) {
  for (const double v : column) {
    any_nan = any_nan || std::isnan(v);
    if (v < least) least = v;
    if (v > most) most = v;
  }
}

Result<void> check_count(const Column& param) {
  const ParamRange said(param);
  if (said.any_nan) return Error(ErrorCode::kInvalid, "Parameter value is NaN");
  constexpr double kMost = 9223372036854775807.0;
  if (said.least <= -kMost) {
    return Error(ErrorCode::kInvalid, "Scalar value " + go_float(said.least) + " underflows int64");
  }
  if (said.most >= kMost) {
    return Error(ErrorCode::kInvalid, "Scalar value " + go_float(said.most) + " overflows int64");
  }
  return {};
}

Result<Block> pick_series(QueryContext& q, const Aggregate& node, const Block& in,
                          Grouping& grouping, const Column& param) {
  return Picker(q, node, in).run(grouping, param);
}

}  // namespace nines::promql
