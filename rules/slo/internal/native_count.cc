#include "rules/slo/internal/native_count.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

namespace nines::slo {
namespace {

// A bound written in decimals is the bound: 2^-1.5 has no short decimal form.
constexpr double kSameBound = 1e-12;

bool is_custom(const Histogram& h) {
  return h.schema == kCustomBucketsSchema;
}

// Calls visit(index, count) for each bucket, at a resolution not finer than its own.
template <typename Visit>
void each_bucket(const std::vector<HistogramSpan>& spans, const std::vector<double>& buckets,
                 int coarser_by, const Visit& visit) {
  std::int64_t index = 0;
  std::size_t at = 0;
  for (const HistogramSpan& span : spans) {
    index += span.offset;
    for (std::uint32_t i = 0; i < span.length && at < buckets.size(); ++i, ++index, ++at) {
      visit(coarser_by == 0 ? index : ((index - 1) >> coarser_by) + 1, buckets[at]);
    }
  }
}

// Where a threshold stands among buckets.
struct Cut {
  std::int64_t below_to = 0;  // the last bucket that is whole below it
  double share = 0;           // of the next one; 0: the threshold is a bound
};

Cut cut_exponential(double threshold, int schema) {
  const double place = std::ldexp(std::log2(threshold), schema);
  const double near = std::round(place);
  if (std::abs(std::exp2(std::ldexp(near, -schema)) - threshold) <= kSameBound * threshold)
    return {static_cast<std::int64_t>(near), 0};
  const double below = std::floor(place);
  return {static_cast<std::int64_t>(below), place - below};
}

// Custom bucket i reaches from bound i-1 to bound i; the last one to +Inf, and is never below.
Cut cut_custom(double threshold, const std::vector<double>& bounds) {
  const auto above = std::upper_bound(bounds.begin(), bounds.end(), threshold);
  const auto first_cut = above - bounds.begin();
  Cut cut{first_cut - 1, 0};
  if (above == bounds.end()) return cut;
  if (above != bounds.begin()) {
    const double lower = *std::prev(above);
    cut.share = lower == threshold ? 0 : (threshold - lower) / (*above - lower);
  } else {  // observations are taken to be above 0
    cut.share = threshold / *above;
  }
  return cut;
}

struct Below {
  double sure = 0;  // observations that are not above the threshold
  double cut = 0;   // those in the bucket that it cuts
  double share = 0;
};

Below below(const Histogram& h, double threshold, int schema) {
  Below out;
  const Cut cut =
      is_custom(h) ? cut_custom(threshold, h.custom_values) : cut_exponential(threshold, schema);
  out.share = cut.share;
  const int coarser_by = is_custom(h) ? 0 : h.schema - schema;
  each_bucket(h.positive_spans, h.positive_buckets, coarser_by,
              [&](std::int64_t index, double count) {
                if (index <= cut.below_to) {
                  out.sure += count;
                } else if (index == cut.below_to + 1 && cut.share > 0) {
                  out.cut += count;
                }
              });
  for (const double count : h.negative_buckets) out.sure += count;
  if (threshold >= h.zero_threshold) {
    out.sure += h.zero_count;
  } else {  // no bucket above it can be below: the zero bucket is the one that is cut
    out.cut = h.zero_count;
    out.share = h.negative_buckets.empty()
                    ? threshold / h.zero_threshold
                    : (threshold + h.zero_threshold) / (2 * h.zero_threshold);
  }
  return out;
}

int coarser(const Histogram& a, const Histogram& b) {
  return std::min(a.schema, b.schema);
}

bool has_fallen(const std::vector<HistogramSpan>& spans_before, const std::vector<double>& before,
                int before_by, const std::vector<HistogramSpan>& spans_after,
                const std::vector<double>& after, int after_by, std::int64_t swallowed_to) {
  std::map<std::int64_t, double> growth;
  each_bucket(spans_before, before, before_by, [&](std::int64_t index, double count) {
    if (index > swallowed_to) growth[index] -= count;
  });
  each_bucket(spans_after, after, after_by,
              [&](std::int64_t index, double count) { growth[index] += count; });
  return std::any_of(growth.begin(), growth.end(), [](const auto& one) { return one.second < 0; });
}

}  // namespace

bool is_reset(const Histogram& before, const Histogram& after) {
  if (after.reset_hint == ResetHint::kReset) return true;
  if (is_custom(before) != is_custom(after)) return true;
  if (is_custom(after) && before.custom_values != after.custom_values) return true;
  if (after.count < before.count || after.schema > before.schema ||
      after.zero_threshold < before.zero_threshold) {
    return true;
  }
  const int schema = coarser(before, after);
  const int before_by = is_custom(after) ? 0 : before.schema - schema;
  const int after_by = is_custom(after) ? 0 : after.schema - schema;
  std::int64_t swallowed_to = std::numeric_limits<std::int64_t>::min();
  if (after.zero_threshold > before.zero_threshold) {  // buckets that became part of the zero one
    swallowed_to =
        static_cast<std::int64_t>(std::ceil(std::ldexp(std::log2(after.zero_threshold), schema)));
  } else if (after.zero_count < before.zero_count) {
    return true;
  }
  return has_fallen(before.positive_spans, before.positive_buckets, before_by, after.positive_spans,
                    after.positive_buckets, after_by, swallowed_to) ||
         has_fallen(before.negative_spans, before.negative_buckets, before_by, after.negative_spans,
                    after.negative_buckets, after_by, swallowed_to);
}

NativeIncrease whole(const Histogram& h, double threshold) {
  const Below part = below(h, threshold, h.schema);
  return {h.count, part.sure + part.share * part.cut, part.share > 0 && part.cut > 0};
}

NativeIncrease increase(const Histogram& before, const Histogram& after, double threshold,
                        bool restarted) {
  if (restarted || is_reset(before, after)) return whole(after, threshold);
  const int schema = coarser(before, after);
  const Below older = below(before, threshold, schema);
  const Below newer = below(after, threshold, schema);
  NativeIncrease out;
  out.events = after.count - before.count;
  const double cut = newer.share * newer.cut - older.share * older.cut;
  out.good = newer.sure - older.sure + cut;
  out.interpolated = newer.cut != older.cut && newer.share > 0;
  return out;
}

}  // namespace nines::slo
