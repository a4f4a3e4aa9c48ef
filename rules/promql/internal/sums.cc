#include "rules/promql/internal/sums.h"

#include <memory>
#include <utility>

#include "rules/promql/internal/histogram_math.h"

namespace nines::promql {

bool HistogramTotal::add(const Histogram& h, bool mean) {
  saw_reset_ = saw_reset_ || h.reset_hint == ResetHint::kReset;
  saw_no_reset_ = saw_no_reset_ || h.reset_hint == ResetHint::kNotReset;
  count_ += 1;
  if (count_ == 1) {
    sum_ = h;
    return true;
  }
  if (!incremental_) {
    Histogram sum = sum_;
    Histogram lost = lost_;
    bool has_lost = has_lost_;
    const MergeOutcome merged = kahan_add(sum, h, lost, has_lost);
    if (merged.result == Merge::kIncompatible) return false;
    reconciled_ = reconciled_ || merged.bounds_reconciled;
    if (!mean || !has_overflow(sum)) {
      sum_ = std::move(sum);
      lost_ = std::move(lost);
      has_lost_ = has_lost;
      return true;
    }
    incremental_ = true;
    divide(sum_, count_ - 1);
    if (has_lost_) divide(lost_, count_ - 1);
  }
  const double q = (count_ - 1) / count_;
  scale(sum_, q);
  if (has_lost_) scale(lost_, q);
  Histogram part = h;
  divide(part, count_);
  const MergeOutcome merged = kahan_add(sum_, part, lost_, has_lost_);
  reconciled_ = reconciled_ || merged.bounds_reconciled;
  return merged.result != Merge::kIncompatible;
}

HistogramPtr HistogramTotal::finish(bool mean) {
  if (mean && !incremental_) {
    divide(sum_, count_);
    if (has_lost_) divide(lost_, count_);
  }
  if (has_lost_) {
    lost_.reset_hint = sum_.reset_hint;
    promql::add(sum_, lost_);
  }
  compact(sum_);
  return std::make_shared<Histogram>(std::move(sum_));
}

}  // namespace nines::promql
