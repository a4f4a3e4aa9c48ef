#include "rules/promql/internal/quantiles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace nines::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Differences below this part of the count are rounding of earlier arithmetic, not decreases.
constexpr double kSmallDelta = 1e-12;

bool nearly_equal(double a, double b) {
  if (a == b) return true;
  const double difference = std::fabs(a - b);
  const double size = std::fabs(a) + std::fabs(b);
  if (size < std::numeric_limits<double>::min()) {
    return difference < kSmallDelta * std::numeric_limits<double>::min();
  }
  return difference / size < kSmallDelta;
}

// Sorted, one per bound, never decreasing. False when there is no +Inf bucket.
bool prepare(std::vector<ClassicBucket>& buckets, Monotonicity& forced) {
  const auto lower = [](const ClassicBucket& a, const ClassicBucket& b) {
    return nan_first(a.upper, b.upper);
  };
  if (!std::is_sorted(buckets.begin(), buckets.end(), lower))
    std::sort(buckets.begin(), buckets.end(), lower);
  if (buckets.empty() || buckets.back().upper != kInf) return false;
  std::size_t last = 0;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper == buckets[last].upper) {
      buckets[last].count += buckets[i].count;
    } else {
      buckets[++last] = buckets[i];
    }
  }
  buckets.resize(last + 1);
  double previous = buckets[0].count;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    double& count = buckets[i].count;
    if (count == previous) continue;
    if (nearly_equal(previous, count)) {
      count = previous;
    } else if (count < previous) {
      if (!forced.forced) forced = {true, buckets[i].upper, buckets[i].upper, 0};
      forced.bucket_most = buckets[i].upper;
      forced.difference_most = std::max(forced.difference_most, previous - count);
      count = previous;
    } else {
      previous = count;
    }
  }
  return true;
}

// The value at `lower` when all are in order, and the one after it if `next`, else the same again.
template <typename Before>
std::pair<double, double> at_rank(std::vector<double>& values, double lower, bool next,
                                  Before before) {
  const auto low = values.begin() + static_cast<std::ptrdiff_t>(lower);
  std::nth_element(values.begin(), low, values.end(), before);
  return {*low, next ? *std::min_element(low + 1, values.end(), before) : *low};
}

}  // namespace

double quantile_of(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  const double n = static_cast<double>(values.size());
  const double rank = q * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(n - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  // Without NaN, which is seldom, comparing takes one instruction.
  const bool nan =
      std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
  const auto found =
      nan ? at_rank(values, lower, upper > lower,
                    [](double a, double b) { return nan_first(a, b); })
          : at_rank(values, lower, upper > lower, [](double a, double b) { return a < b; });
  return found.first * (1 - weight) + found.second * weight;
}

ClassicQuantile classic_quantile(double q, std::vector<ClassicBucket>& buckets) {
  ClassicQuantile out;
  out.value = kNan;
  if (std::isnan(q)) return out;
  if (q < 0 || q > 1) {
    out.value = q < 0 ? -kInf : kInf;
    return out;
  }
  if (!prepare(buckets, out.forced) || buckets.size() < 2) return out;
  const double observations = buckets.back().count;
  if (observations == 0) return out;
  double rank = q * observations;
  std::size_t b = 0;
  while (b + 1 < buckets.size() && !(buckets[b].count >= rank)) ++b;
  if (b + 1 == buckets.size()) {
    out.value = buckets[buckets.size() - 2].upper;
    return out;
  }
  if (b == 0 && buckets[0].upper <= 0) {
    out.value = buckets[0].upper;
    return out;
  }
  double start = 0;
  double count = buckets[b].count;
  if (b > 0) {
    start = buckets[b - 1].upper;
    count -= buckets[b - 1].count;
    rank -= buckets[b - 1].count;
  }
  out.value = start + (buckets[b].upper - start) * (rank / count);
  return out;
}

double classic_fraction(double lower, double upper, std::vector<ClassicBucket>& buckets) {
  Monotonicity forced;
  if (!prepare(buckets, forced) || buckets.size() < 2) return kNan;
  const double total = buckets.back().count;
  if (total == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const auto rank_of = [&](double v) {
    double before = 0;
    double start = -kInf;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      const double end = buckets[i].upper;
      if (i == 0 && end > 0) start = 0;
      if (start >= v) return before;
      if (end > v) {
        if (end == kInf) return before;
        if (start == -kInf) return v == -kInf ? before : buckets[i].count;
        return before + (buckets[i].count - before) * (v - start) / (end - start);
      }
      before = buckets[i].count;
      start = end;
    }
    return before;
  };
  return (rank_of(upper) - rank_of(lower)) / total;
}

}  // namespace nines::promql
