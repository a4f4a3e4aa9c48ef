#pragma once
// Arithmetic and statistics over native histograms.
// Source: prometheus.io/docs/specs/native_histograms.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/model/histogram.h"
#include "base/model/histogram_bounds.h"

namespace nines::promql {

inline bool is_custom(const Histogram& h) {
  return h.schema == kCustomBucketsSchema;
}

// One bucket by index; `count` as it stands in the histogram.
struct IndexedBucket {
  std::int32_t index = 0;
  double count = 0;
};
std::vector<IndexedBucket> expand(std::span<const HistogramSpan> spans,
                                  std::span<const double> counts);
void compress(const std::vector<IndexedBucket>& buckets, std::vector<HistogramSpan>& spans,
              std::vector<double>& counts);

// A bucket as a part of the number line; in custom and zero buckets the bounds are closed as
// needed.
struct Bucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
};
// All buckets, negative ones first, ascending, cut at the zero bucket, which is there only when it
// counts something.
std::vector<Bucket> all_buckets(const Histogram& h);
inline double upper_bound(const Histogram& h, std::int32_t index) {
  return bucket_upper_bound(h, index);
}

enum class Merge : std::uint8_t { kDone, kIncompatible };
struct MergeOutcome {
  Merge result = Merge::kDone;
  bool reset_collision = false;    // one said reset, the other not: the sum knows neither
  bool bounds_reconciled = false;  // custom bounds differed: those in common are left
};
MergeOutcome add(Histogram& to, const Histogram& other);
MergeOutcome subtract(Histogram& from, const Histogram& other);
// As add(), with what each addition rounded away kept in `error` (same layout as `to`).
MergeOutcome kahan_add(Histogram& to, const Histogram& other, Histogram& error, bool& has_error);

void scale(Histogram& h, double factor);
void divide(Histogram& h, double divisor);
void compact(Histogram& h);  // no empty buckets, fewest spans
bool has_overflow(const Histogram& h);
bool equal(const Histogram& a, const Histogram& b);
// A counter reset between `previous` and `current`, told by hint, layout or counts.
bool detect_reset(const Histogram& current, const Histogram& previous);
// The histogram at `part` (0..1) of the way; of counters a reset counts from zero. Null:
// incompatible.
HistogramPtr interpolate(const Histogram& left, const Histogram& right, double part, bool counter);

double quantile(double q, const Histogram& h, bool& nan_result, bool& nan_skew);
double fraction(double lower, double upper, const Histogram& h, bool& nan_excluded);
double variance(const Histogram& h);
// Keeps what lies below (or above) `bound`, splitting the bucket it falls in.
HistogramPtr trim(const Histogram& h, double bound, bool keep_below);

// {count:20, sum:10, [-2,-1):2, [-0.001,0.001]:2, (0.5,1]:1}
std::string to_text(const Histogram& h);

}  // namespace nines::promql
