#pragma once
// Quantiles of plain values and of classic histograms.

#include <cmath>
#include <string>
#include <vector>

namespace nines::promql {

// An order of all doubles: NaN before the numbers.
inline bool nan_first(double a, double b) {
  return std::isnan(a) ? !std::isnan(b) : a < b;
}

// Interpolated between the nearest ranks; NaN sorts first. Reorders `values`. Empty: NaN.
double quantile_of(double q, std::vector<double>& values);

struct ClassicBucket {
  double upper = 0;
  double count = 0;  // cumulative
};
// Counts that had to be raised so that they never decrease: where, and by how much at most.
struct Monotonicity {
  bool forced = false;
  double bucket_least = 0, bucket_most = 0;  // upper bounds
  double difference_most = 0;
};
struct ClassicQuantile {
  double value = 0;
  Monotonicity forced;
};
// Both put the buckets in order first, and raise counts that decrease: asked again they find
// nothing to be raised.
ClassicQuantile classic_quantile(double q, std::vector<ClassicBucket>& buckets);
double classic_fraction(double lower, double upper, std::vector<ClassicBucket>& buckets);

}  // namespace nines::promql
