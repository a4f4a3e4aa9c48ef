// Functions of native and classic histograms.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/quantiles.h"
#include "rules/promql/internal/stoppable_sort.h"

namespace nines::promql {
namespace {

constexpr std::string_view kBucketLabel = "le";

double simple_answer(Fn id, const Histogram& h) {
  switch (id) {
    case Fn::kHistogramCount:
      return h.count;
    case Fn::kHistogramSum:
      return h.sum;
    case Fn::kHistogramAvg:
      return h.sum / h.count;
    case Fn::kHistogramStddev:
      return std::sqrt(variance(h));
    default:
      return variance(h);
  }
}

// Series that are one histogram: classic buckets by their "le", and natives.
struct Family {
  LabelSet labels;  // without "le", with the name
  bool drop_name = true;
  std::vector<std::pair<std::size_t, double>> buckets;  // row, upper bound
  std::vector<std::size_t> bad_buckets;                 // rows without a usable "le"
  std::vector<std::size_t> rows;                        // all rows that may hold natives
};

// OpenMetrics writes whole numbers with ".0".
std::string quantile_label(double q) {
  std::string text = format_double_g(q);
  if (std::isfinite(q) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

class HistogramCall {
 public:
  HistogramCall(QueryContext& q, const Block& in, const Expr& vector_arg)
      : q_(q), in_(in), arg_(vector_arg), pace_(q) {}

  // Finds the families: before anything else is asked.
  Result<void> collect();

  const std::vector<Family>& families() const { return families_; }
  Result<void> look(const Histogram* native, std::size_t answers) {
    return pace_.did(native == nullptr ? 0 : answers * work_of(*native));
  }
  // To be said for each step of a family.
  Result<void> look(const Family& family) {
    return pace_.did(16 + 8 * family.buckets.size() + family.rows.size());
  }

  // The native histogram of a family at a step; null when there is none, or it cannot be told from
  // the classic one there. `classic` gets the buckets.
  const Histogram* at(const Family& family, std::size_t s, std::vector<ClassicBucket>& classic) {
    classic.clear();
    const Histogram* native = nullptr;
    for (const std::size_t row : family.rows) {
      if (const Histogram* h = in_.histogram(row, s); h != nullptr) native = h;
    }
    for (const auto& [row, upper] : family.buckets) {
      if (in_.present(row, s) && in_.histogram(row, s) == nullptr) {
        classic.push_back({upper, in_.row(row)[s]});
      }
    }
    for (const std::size_t row : family.bad_buckets) {
      if (!in_.present(row, s) || in_.histogram(row, s) != nullptr) continue;
      q_.annotations.warn("bucket label \"le\" is missing or has a malformed value of " +
                              quote_go(in_.series[row].labels.get(kBucketLabel)) +
                              for_metric(in_.series[row].labels.metric_name()),
                          arg_.range);
    }
    if (native != nullptr && !classic.empty()) {
      q_.annotations.mixed_classic_native(family.labels.metric_name(), arg_.range);
      classic.clear();
      return nullptr;
    }
    return native;
  }

  double quantile_at(const Family& family, double q, const Histogram* native,
                     std::vector<ClassicBucket>& classic, std::int64_t time_ms) {
    if (native == nullptr) {
      const ClassicQuantile out = classic_quantile(q, classic);
      if (out.forced.forced) {
        q_.annotations.forced_monotonic(family.labels.metric_name(), out.forced, time_ms,
                                        arg_.range);
      }
      return out.value;
    }
    const std::string metric = for_metric(family.labels.metric_name());
    bool nan_result = false;
    bool nan_skew = false;
    const double value = quantile(q, *native, nan_result, nan_skew);
    if (nan_result) {
      q_.annotations.info(
          "input to histogram_quantile has NaN observations, result is NaN" + metric,
          native_range());
    }
    if (nan_skew) {
      q_.annotations.info(
          "input to histogram_quantile has NaN observations, result is skewed higher" + metric,
          native_range());
    }
    return value;
  }

  double fraction_at(const Family& family, double lower, double upper, const Histogram* native,
                     std::vector<ClassicBucket>& classic) {
    if (native == nullptr) return classic_fraction(lower, upper, classic);
    bool nan_excluded = false;
    const double value = fraction(lower, upper, *native, nan_excluded);
    if (nan_excluded) {
      q_.annotations.info(
          "input to histogram_fraction has NaN observations, which are excluded from all "
          "fractions" +
              for_metric(family.labels.metric_name()),
          arg_.range);
    }
    return value;
  }

 private:
  TextRange native_range() const { return arg_.range; }

  bool has_histograms(std::size_t i) const {
    for (std::size_t s = 0; s < in_.steps; ++s) {
      if (in_.histogram(i, s) != nullptr) return true;
    }
    return false;
  }
  bool has_floats(std::size_t i) const {
    for (std::size_t s = 0; s < in_.steps; ++s) {
      if (in_.present(i, s) && in_.histogram(i, s) == nullptr) return true;
    }
    return false;
  }

  QueryContext& q_;
  const Block& in_;
  const Expr& arg_;
  Pace pace_;
  std::vector<Family> families_;
};

Result<void> HistogramCall::collect() {
  std::unordered_map<LabelSet, std::size_t> index;
  for (std::size_t i = 0; i < in_.size(); ++i) {
    if (Result<void> ok = pace_.did(64 + 2 * in_.steps); !ok) return ok;
    const LabelSet& labels = in_.series[i].labels;
    const bool any_histogram = has_histograms(i);
    const bool any_float = has_floats(i);
    // A native histogram may carry an "le" of its own: it stays part of what the series is.
    const LabelSet key = any_histogram && !any_float ? labels : labels.without(kBucketLabel);
    const auto [at, fresh] = index.emplace(key, families_.size());
    if (fresh) families_.push_back({key, true, {}, {}, {}});
    Family& family = families_[at->second];
    if (any_histogram) family.rows.push_back(i);
    if (!any_float) continue;
    const std::optional<double> upper = parse_double(labels.get(kBucketLabel));
    if (upper) {
      family.buckets.emplace_back(i, *upper);
    } else {
      family.bad_buckets.push_back(i);
    }
  }
  // In order already at each step, that is.
  const auto before = [](const auto& a, const auto& b) { return nan_first(a.second, b.second); };
  for (Family& family : families_) {
    if (Result<void> ok = stoppable_sort(family.buckets, before, q_); !ok) return ok;
  }
  return {};
}

}  // namespace

Result<Block> Evaluator::histogram_function(const Call& call, const Grid& grid) {
  const Fn id = call.function->id;
  const bool statistics =
      id == Fn::kHistogramCount || id == Fn::kHistogramSum || id == Fn::kHistogramAvg;
  const HintMode mode(resolve_hints_, statistics);
  if (id < Fn::kHistogramFraction) {
    NINES_TRY(Block block, vector(*call.args[0], grid));
    Block out(grid.count, q_.budget);
    Pace pace(q_);
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (const Result<void> ok = pace.did(16 + 8 * grid.count); !ok) return ok.error();
      NINES_TRY(const std::size_t row, out.add_row({block.series[i].labels, true}));
      for (std::size_t s = 0; s < grid.count; ++s) {
        const Histogram* const h = block.histogram(i, s);
        if (h == nullptr) continue;
        if (const Result<void> ok = pace.did(statistics ? 8 : work_of(*h)); !ok) return ok.error();
        out.row(row)[s] = simple_answer(id, *h);
      }
      if (out.row_empty(row)) out.pop_row();
    }
    return out;
  }
  const bool several = id == Fn::kHistogramQuantiles;
  std::vector<Column> params;
  const Expr* vector_arg = nullptr;
  for (const ExprPtr& arg : call.args) {
    if (arg->type() == ValueType::kVector) vector_arg = &unwrap(*arg);
    if (arg->type() != ValueType::kScalar) continue;
    NINES_TRY(Column column, scalar(*arg, grid));
    if (id != Fn::kHistogramFraction) {
      for (const double q : column) {
        if (!(q >= 0 && q <= 1)) q_.annotations.invalid_quantile(q, unwrap(*arg).range);
      }
    }
    params.push_back(std::move(column));
  }
  std::string label;
  if (several) {
    NINES_TRY(label, text(*call.args[1]));
    if (label.empty() || !is_valid_utf8(label)) {
      return Error(ErrorCode::kInvalid,
                   "invalid label name " + quote_go(label) + " in histogram_quantiles()");
    }
  }
  NINES_TRY(const Block in, vector(*vector_arg, grid));
  HistogramCall work(q_, in, *vector_arg);
  if (const Result<void> ok = work.collect(); !ok) return ok.error();
  Block out(grid.count, q_.budget);
  RowIndex index;
  std::vector<ClassicBucket> classic;
  for (const Family& family : work.families()) {
    std::optional<std::size_t> only;  // where there is one answer at each step
    for (std::size_t s = 0; s < grid.count; ++s) {
      if (const Result<void> ok = work.look(family); !ok) return ok.error();
      const Histogram* native = work.at(family, s, classic);
      if (native == nullptr && classic.empty()) continue;
      const std::size_t answers = several ? params.size() : 1;
      if (const Result<void> ok = work.look(native, answers); !ok) return ok.error();
      for (std::size_t k = 0; k < answers; ++k) {
        if (several || !only) {
          const LabelSet labels =
              several ? family.labels.with(label, quantile_label(params[k][s])) : family.labels;
          NINES_TRY(only, index.row(out, labels, true));
        }
        const std::size_t row = *only;
        if (out.present(row, s)) {
          return Error(ErrorCode::kInvalid, "vector cannot contain metrics with the same labelset");
        }
        out.row(row)[s] =
            id == Fn::kHistogramFraction
                ? work.fraction_at(family, params[0][s], params[1][s], native, classic)
                : work.quantile_at(family, params[k][s], native, classic, grid.at(s));
      }
    }
  }
  return out;
}

}  // namespace nines::promql
