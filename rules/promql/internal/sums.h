#pragma once
// Running sums and means of floats and of native histograms, compensated.

#include <cmath>

#include "base/model/histogram.h"
#include "rules/promql/internal/kahan.h"

namespace nines::promql {

// The mean as sum / count while the sum is finite, then kept incrementally, so that it is right
// even where the sum would overflow.
class RunningMean {
 public:
  void add(double v) {
    count_ += 1;
    if (!incremental_) {
      double sum = sum_;
      double lost = lost_;
      kahan_add(v, sum, lost);
      if (count_ == 1 || !std::isinf(sum)) {
        sum_ = sum;
        lost_ = lost;
        return;
      }
      incremental_ = true;
      sum_ /= count_ - 1;
      lost_ /= count_ - 1;
    }
    const double q = (count_ - 1) / count_;
    sum_ *= q;
    lost_ *= q;
    kahan_add(v / count_, sum_, lost_);
  }
  double value() const { return incremental_ ? sum_ + lost_ : sum_ / count_ + lost_ / count_; }

 private:
  double sum_ = 0;  // the mean, once incremental
  double lost_ = 0;
  double count_ = 0;
  bool incremental_ = false;
};

// The same for histograms, as a sum or as a mean.
class HistogramTotal {
 public:
  // False when the histograms cannot be added.
  bool add(const Histogram& h, bool mean);
  HistogramPtr finish(bool mean);
  // One said its counter was reset, another that its was not.
  bool hints_collided() const { return saw_reset_ && saw_no_reset_; }
  bool bounds_reconciled() const { return reconciled_; }

 private:
  Histogram sum_, lost_;
  bool has_lost_ = false;
  bool incremental_ = false;
  double count_ = 0;
  bool saw_reset_ = false, saw_no_reset_ = false, reconciled_ = false;
};

}  // namespace nines::promql
