#include "web/api/internal/histogram_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/model/histogram_bounds.h"
#include "base/text/numbers.h"

namespace nines::web {
namespace {

// How a bucket's ends belong to it, in Prometheus's numbers.
enum class Ends : std::uint8_t { kUpperOnly = 0, kLowerOnly = 1, kNone = 2, kBoth = 3 };

struct Bucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
  Ends ends = Ends::kUpperOnly;
};

// The buckets of positive values, by index; those of negative values are their mirror.
std::vector<Bucket> buckets_of(const Histogram& h, const std::vector<HistogramSpan>& spans,
                               const std::vector<double>& counts) {
  const bool custom = h.schema == kCustomBucketsSchema;
  std::vector<Bucket> out;
  std::int32_t index = 0;
  std::size_t i = 0;
  for (const HistogramSpan& span : spans) {
    index += span.offset;
    for (std::uint32_t n = 0; n < span.length && i < counts.size(); ++n, ++index, ++i) {
      if (counts[i] == 0) continue;
      Bucket bucket{bucket_upper_bound(h, index - 1), bucket_upper_bound(h, index), counts[i],
                    custom && index == 0 ? Ends::kBoth : Ends::kUpperOnly};
      // What the zero bucket covers is no part of its neighbour.
      if (!custom && bucket.lower < h.zero_threshold) bucket.lower = h.zero_threshold;
      out.push_back(bucket);
    }
  }
  return out;
}

void write_bucket(JsonWriter& json, const Bucket& bucket) {
  json.begin_array().value(static_cast<int>(bucket.ends));
  json.value(api_number(bucket.lower)).value(api_number(bucket.upper));
  json.value(api_number(bucket.count)).end_array();
}

}  // namespace

std::string api_number(double value) {
  const double magnitude = std::fabs(value);
  if (magnitude == 0 || !std::isfinite(value) || (magnitude >= 1e-6 && magnitude < 1e21)) {
    return format_double(value);
  }
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  return std::string(text.data(), end.ptr);
}

void write_histogram(JsonWriter& json, const Histogram& h) {
  const std::vector<Bucket> negative = buckets_of(h, h.negative_spans, h.negative_buckets);
  const std::vector<Bucket> positive = buckets_of(h, h.positive_spans, h.positive_buckets);
  json.begin_object().field("count", api_number(h.count)).field("sum", api_number(h.sum));
  if (!negative.empty() || !positive.empty() || h.zero_count > 0) {
    json.key("buckets").begin_array();
    for (auto it = negative.rbegin(); it != negative.rend(); ++it) {
      write_bucket(json, {-it->upper, -it->lower, it->count, Ends::kLowerOnly});
    }
    if (h.zero_count > 0) {
      write_bucket(json, {-h.zero_threshold, h.zero_threshold, h.zero_count, Ends::kBoth});
    }
    for (const Bucket& bucket : positive) write_bucket(json, bucket);
    json.end_array();
  }
  json.end_object();
}

}  // namespace nines::web
