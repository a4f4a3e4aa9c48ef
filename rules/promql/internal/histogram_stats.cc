// Quantiles, fractions, variance, trimming and the text of native histograms.

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text/numbers.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/kahan.h"

namespace nines::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A zero bucket beside buckets of one sign only holds that sign only.
void narrow_zero(const Histogram& h, Bucket& b) {
  if (is_custom(h) || b.lower > 0 || b.upper < 0) return;
  if (h.negative_buckets.empty() && !h.positive_buckets.empty()) b.lower = 0;
  if (h.positive_buckets.empty() && !h.negative_buckets.empty()) b.upper = 0;
}

bool is_linear(const Histogram& h, const Bucket& b) {
  return is_custom(h) || (b.lower <= 0 && b.upper >= 0);
}

// How much of a bucket lies below `v`, which is inside it.
double part_below(const Histogram& h, const Bucket& b, double v) {
  if (is_linear(h, b)) return (v - b.lower) / (b.upper - b.lower);
  const double lower = std::log2(std::fabs(b.lower));
  const double upper = std::log2(std::fabs(b.upper));
  const double at = std::log2(std::fabs(v));
  return v > 0 ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
}

double rank_inside(const Histogram& h, const Bucket& b, double rank, double v) {
  if (is_custom(h) && b.upper == kInf) return rank;
  if (is_custom(h) && b.lower == -kInf) return rank + b.count;
  return rank + b.count * part_below(h, b, v);
}

// What observations of a bucket are taken to be, on average.
double middle(const Histogram& h, const Bucket& b) {
  if (is_linear(h, b)) return (b.lower + b.upper) / 2;
  const double geometric = std::sqrt(b.lower * b.upper);
  return b.upper < 0 ? -geometric : geometric;
}

}  // namespace

double quantile(double q, const Histogram& h, bool& nan_result, bool& nan_skew) {
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (h.count == 0 || std::isnan(q)) return kNan;
  const bool has_nan = std::isnan(h.sum);
  // From the nearer end, which is more exact; NaN observations are counted but in no bucket, so
  // that only ranks from below mean anything.
  const bool forward = has_nan || q < 0.5;
  double rank = forward ? q * h.count : (1 - q) * h.count;
  std::vector<Bucket> buckets = all_buckets(h);
  if (!forward) std::reverse(buckets.begin(), buckets.end());
  Bucket bucket{};
  double count = 0;
  for (const Bucket& b : buckets) {
    if (b.count == 0) continue;
    bucket = b;
    count += b.count;
    if (count >= rank) break;
  }
  if (is_custom(h)) {
    if (bucket.lower == -kInf) {
      if (bucket.upper <= 0) return bucket.upper;
      bucket.lower = 0;
    } else if (bucket.upper == kInf) {
      return bucket.lower;
    }
  } else if (bucket.lower < 0 && bucket.upper > 0) {
    narrow_zero(h, bucket);
  }
  count = std::min(count, h.count);
  if (count < rank) {
    nan_result = has_nan;
    return has_nan ? kNan : (forward ? bucket.upper : bucket.lower);
  }
  nan_skew = has_nan;
  rank = forward ? rank - (count - bucket.count) : count - rank;
  const double part = rank / bucket.count;
  if (is_linear(h, bucket)) return bucket.lower + (bucket.upper - bucket.lower) * part;
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  if (bucket.lower > 0) return std::exp2(lower + (upper - lower) * part);
  return -std::exp2(upper + (lower - upper) * (1 - part));
}

double fraction(double lower, double upper, const Histogram& h, bool& nan_excluded) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  nan_excluded = std::isnan(h.sum);
  if (lower >= upper) return 0;
  double rank = 0;
  double lower_rank = 0;
  double upper_rank = 0;
  bool lower_set = false;
  bool upper_set = false;
  for (Bucket b : all_buckets(h)) {
    narrow_zero(h, b);
    if (is_custom(h) && b.lower == -kInf && b.upper > 0 && b.upper != kInf) b.lower = 0;
    const auto place = [&](double v, double& v_rank, bool& v_set) {
      if (v_set || b.upper <= v) return;
      v_rank = b.lower >= v ? rank : rank_inside(h, b, rank, v);
      v_set = true;
    };
    place(lower, lower_rank, lower_set);
    place(upper, upper_rank, upper_set);
    if (lower_set && upper_set) break;
    rank += b.count;
  }
  if (!lower_set || lower_rank > h.count) lower_rank = std::min(rank, h.count);
  if (!upper_set || upper_rank > h.count) upper_rank = std::min(rank, h.count);
  return (upper_rank - lower_rank) / h.count;
}

double variance(const Histogram& h) {
  const double mean = h.sum / h.count;
  double sum = 0;
  double lost = 0;
  for (const Bucket& b : all_buckets(h)) {
    if (b.count == 0) continue;
    double value = is_custom(h) ? (b.upper + b.lower) / 2 : 0;
    if (!is_linear(h, b)) value = middle(h, b);
    const double delta = value - mean;
    kahan_add(b.count * delta * delta, sum, lost);
  }
  return (sum + lost) / h.count;
}

namespace {

// What is left of one bucket, and what its observations add up to.
struct Kept {
  double count = 0;
  double sum = 0;
};

// Buckets without an end: what is in them is taken to stand at the end they have, or at the bound.
Kept trim_open(const Bucket& b, double bound, bool below) {
  if (b.upper == kInf) {
    if (below) return bound == kInf ? Kept{b.count, b.count * b.lower} : Kept{};
    if (bound == kInf) return {};
    if (b.lower == -kInf) return bound == -kInf ? Kept{b.count, 0} : Kept{};
    return {b.count, b.count * std::max(b.lower, bound)};
  }
  if (b.upper <= 0) {  // from -Inf
    if (below) return bound == -kInf ? Kept{} : Kept{b.count, b.count * std::min(b.upper, bound)};
    return bound == -kInf ? Kept{b.count, b.count * b.upper} : Kept{};
  }
  return {};  // (-Inf, positive] with a negative bound: nothing is known to be on either side
}

Kept trim_bucket(const Histogram& h, Bucket b, double bound, bool below) {
  narrow_zero(h, b);
  if (is_custom(h)) {
    if (b.lower == -kInf && b.upper > 0 && b.upper != kInf && (bound >= 0 || bound == -kInf))
      b.lower = 0;
    if (b.lower == -kInf || b.upper == kInf) return trim_open(b, bound, below);
  }
  if (below ? b.upper <= bound : b.lower >= bound) return {b.count, b.count * middle(h, b)};
  if (below ? b.lower >= bound : b.upper <= bound) return {};
  const double part = part_below(h, b, bound);
  const double count = b.count * (below ? part : 1 - part);
  (below ? b.upper : b.lower) = bound;
  if (h.schema != kCustomBucketsSchema && b.lower <= 0 && b.upper >= 0) {
    return {count, count * (b.lower + b.upper) / 2};
  }
  // A part of a zero bucket may lie on one side of zero: it is still linear.
  const bool zero_part =
      !is_custom(h) && std::max(std::fabs(b.lower), std::fabs(b.upper)) <= h.zero_threshold;
  return {count, count * (zero_part ? (b.lower + b.upper) / 2 : middle(h, b))};
}

}  // namespace

HistogramPtr trim(const Histogram& h, double bound, bool keep_below) {
  auto out = std::make_shared<Histogram>(h);
  if (std::isnan(bound)) return out;
  std::vector<IndexedBucket> positive = expand(h.positive_spans, h.positive_buckets);
  std::vector<IndexedBucket> negative = expand(h.negative_spans, h.negative_buckets);
  const double zero = is_custom(h) ? -kInf : h.zero_threshold;
  bool changed = false;
  Kept total;
  const auto keep = [&](const Bucket& b) {
    if (b.count == 0) return 0.0;
    const Kept kept = trim_bucket(h, b, bound, keep_below);
    changed = changed || kept.count != b.count;
    total.count += kept.count;
    total.sum += kept.sum;
    return kept.count;
  };
  for (IndexedBucket& b : negative) {
    b.count =
        keep({-upper_bound(h, b.index), -std::max(upper_bound(h, b.index - 1), zero), b.count});
  }
  if (!is_custom(h)) out->zero_count = keep({-zero, zero, h.zero_count});
  for (IndexedBucket& b : positive) {
    b.count = keep({std::max(upper_bound(h, b.index - 1), zero), upper_bound(h, b.index), b.count});
  }
  // What lies beyond the bound in an open bucket moves to the bound: the sum is new even so.
  const bool moved = is_custom(h) && std::isfinite(bound) && !positive.empty() &&
                     (keep_below ? bound < upper_bound(h, 0) && upper_bound(h, 0) <= 0
                                 : !h.custom_values.empty() && bound > h.custom_values.back());
  if (!changed && !moved) return std::make_shared<Histogram>(h);
  out->count = total.count;
  out->sum = total.sum;
  compress(positive, out->positive_spans, out->positive_buckets);
  compress(negative, out->negative_spans, out->negative_buckets);
  compact(*out);
  return out;
}

namespace {

void append_bucket(std::string& out, char open, double lower, double upper, char close,
                   double count) {
  if (count == 0) return;
  out += std::string(", ") + open + format_double_g(lower) + "," + format_double_g(upper) + close +
         ":" + format_double_g(count);
}

}  // namespace

// Buckets as they are defined, not cut at the zero bucket. The first custom one is closed.
std::string to_text(const Histogram& h) {
  std::string out = "{count:" + format_double_g(h.count) + ", sum:" + format_double_g(h.sum);
  const std::vector<IndexedBucket> negative = expand(h.negative_spans, h.negative_buckets);
  for (auto b = negative.rbegin(); b != negative.rend(); ++b) {
    append_bucket(out, '[', -upper_bound(h, b->index), -upper_bound(h, b->index - 1), ')',
                  b->count);
  }
  append_bucket(out, '[', -h.zero_threshold, h.zero_threshold, ']', h.zero_count);
  for (const IndexedBucket& b : expand(h.positive_spans, h.positive_buckets)) {
    const char open = is_custom(h) && b.index == 0 ? '[' : '(';
    append_bucket(out, open, upper_bound(h, b.index - 1), upper_bound(h, b.index), ']', b.count);
  }
  return out + "}";
}

}  // namespace nines::promql
