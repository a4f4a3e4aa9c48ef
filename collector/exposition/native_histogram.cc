#include "collector/exposition/native_histogram.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace nines::collector {
namespace {

constexpr std::int64_t kIndexMax = 1 << 30;  // of buckets; no float needs as many

Error invalid(std::string why) {
  return {ErrorCode::kInvalid, "histogram: " + std::move(why)};
}

// Nothing when the side is well; adds its counts to `total`.
const char* wrong_with(const std::vector<HistogramSpan>& spans, const std::vector<double>& buckets,
                       double& total) {
  std::uint64_t length = 0;
  std::int64_t index = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) return "a span that is not the first has a negative offset";
    length += spans[i].length;
    index += std::int64_t{spans[i].offset} + spans[i].length;
    if (index > kIndexMax || index < -kIndexMax) return "a bucket's index is out of range";
  }
  if (length != buckets.size()) return "spans and buckets do not agree";
  for (const double count : buckets) {
    if (!(count >= 0)) return "a bucket's count is negative";
    total += count;
  }
  return nullptr;
}

// Bucket i of a schema lies in bucket ceil(i / 2^steps) of the schema that many steps coarser.
void merge(std::vector<HistogramSpan>& spans, std::vector<double>& buckets, int steps) {
  std::vector<HistogramSpan> merged_spans;
  std::vector<double> merged;
  std::int64_t index = 0;
  std::int64_t last = 0;  // of `merged`'s last bucket
  std::size_t next = 0;
  for (const HistogramSpan& span : spans) {
    index += span.offset;
    for (std::uint32_t i = 0; i < span.length; ++i, ++index) {
      const std::int64_t target = ((index - 1) >> steps) + 1;
      const double count = buckets[next++];
      if (!merged.empty() && target == last) {
        merged.back() += count;
        continue;
      }
      if (!merged.empty() && target == last + 1) {
        ++merged_spans.back().length;
      } else {
        const std::int64_t gap = merged.empty() ? target : target - last - 1;
        merged_spans.push_back({static_cast<std::int32_t>(gap), 1});
      }
      merged.push_back(count);
      last = target;
    }
  }
  spans = std::move(merged_spans);
  buckets = std::move(merged);
}

}  // namespace

Result<void> check_histogram(const Histogram& h, bool exact_counts) {
  double total = h.zero_count;
  const char* wrong = wrong_with(h.positive_spans, h.positive_buckets, total);
  if (wrong == nullptr) wrong = wrong_with(h.negative_spans, h.negative_buckets, total);
  if (wrong != nullptr) return invalid(wrong);
  if (h.schema == kCustomBucketsSchema) {
    const auto& bounds = h.custom_values;
    if (std::adjacent_find(bounds.begin(), bounds.end(),
                           [](double a, double b) { return !(a < b); }) != bounds.end()) {
      return invalid("custom bounds do not ascend");
    }
    std::int64_t end = 0;
    for (const HistogramSpan& span : h.positive_spans)
      end += std::int64_t{span.offset} + span.length;
    if (end > static_cast<std::int64_t>(bounds.size()) + 1 || !h.negative_buckets.empty() ||
        h.zero_count != 0) {
      return invalid("custom bounds and buckets do not agree");
    }
  } else if (h.schema < kSchemaMin || h.schema > kSchemaMaxExposed) {
    return invalid("schema " + std::to_string(h.schema) + " is not between " +
                   std::to_string(kSchemaMin) + " and " + std::to_string(kSchemaMaxExposed));
  }
  if (!(h.count >= 0) || !(h.zero_count >= 0)) return invalid("a count is negative");
  if (!(h.zero_threshold >= 0)) return invalid("the zero threshold is negative");
  if (exact_counts && (std::isnan(h.sum) ? total > h.count : total != h.count)) {
    return invalid("the count is " + std::to_string(static_cast<std::uint64_t>(h.count)) +
                   ", its buckets hold " + std::to_string(static_cast<std::uint64_t>(total)));
  }
  return {};
}

void reduce_resolution(Histogram& h, std::int32_t schema) {
  if (h.schema == kCustomBucketsSchema || h.schema <= schema) return;
  const int steps = std::min(h.schema - schema, 62);
  merge(h.positive_spans, h.positive_buckets, steps);
  merge(h.negative_spans, h.negative_buckets, steps);
  h.schema = schema;
}

std::int32_t schema_of_factor(double bucket_factor) {
  if (!(bucket_factor > 1)) return kSchemaMax;
  // A schema's buckets grow by 2^(2^-schema).
  const double schema = std::floor(-std::log2(std::log2(bucket_factor)));
  return static_cast<std::int32_t>(std::clamp<double>(schema, kSchemaMin, kSchemaMax));
}

bool fit_buckets(Histogram& h, std::uint64_t buckets_max) {
  while (h.positive_buckets.size() + h.negative_buckets.size() > buckets_max) {
    if (h.schema == kCustomBucketsSchema || h.schema <= kSchemaMin) return false;
    reduce_resolution(h, h.schema - 1);
  }
  return true;
}

Result<Histogram> to_custom_buckets(std::span<const ClassicBucket> buckets, double count,
                                    double sum) {
  Histogram h;
  h.schema = kCustomBucketsSchema;
  h.count = count;
  h.sum = sum;
  double before = 0;
  const auto add = [&](double cumulative) {
    if (!(cumulative >= before)) return false;
    h.positive_buckets.push_back(cumulative - before);
    before = cumulative;
    return true;
  };
  for (const ClassicBucket& bucket : buckets) {
    if (!std::isfinite(bucket.upper_bound) ||
        (!h.custom_values.empty() && !(bucket.upper_bound > h.custom_values.back()))) {
      return invalid("classic bounds do not ascend");
    }
    h.custom_values.push_back(bucket.upper_bound);
    if (!add(bucket.cumulative_count)) return invalid("the counts of classic buckets shrink");
  }
  if (!add(count)) return invalid("the count is below that of a classic bucket");
  h.positive_spans = {{0, static_cast<std::uint32_t>(h.positive_buckets.size())}};
  return h;
}

}  // namespace nines::collector
