#pragma once
// Quantiles of plain values and of classic histograms.

#include <string>
#include <vector>

namespace nines::promql {

// Interpolated between the nearest ranks; NaN sorts first. Reorders `values`. Empty: NaN.
double quantile_of(double q, std::vector<double>& values);

struct ClassicBucket {
  double upper = 0;
  double count = 0;  // cumulative
};
struct ClassicQuantile {
  double value = 0;
  bool forced_monotonic = false;
};
ClassicQuantile classic_quantile(double q, std::vector<ClassicBucket> buckets);
double classic_fraction(double lower, double upper, std::vector<ClassicBucket> buckets);

}  // namespace nines::promql
