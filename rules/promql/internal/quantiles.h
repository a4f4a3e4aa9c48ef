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
ClassicQuantile classic_quantile(double q, std::vector<ClassicBucket> buckets);
double classic_fraction(double lower, double upper, std::vector<ClassicBucket> buckets);

}  // namespace nines::promql
