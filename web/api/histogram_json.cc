#include "web/api/internal/histogram_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "base/text/numbers.h"

namespace nines::web {
namespace {

struct Bucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
};

// The upper bound of the bucket `index`: 2^(index * 2^-schema), or the configured one.
double upper_bound(const Histogram& h, std::int32_t index) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (h.schema == kCustomBucketsSchema) {
    if (index < 0) return -kInfinity;
    const auto i = static_cast<std::size_t>(index);
    return i < h.custom_values.size() ? h.custom_values[i] : kInfinity;
  }
  const double bound = std::exp2(std::ldexp(static_cast<double>(index), -h.schema));
  // The last finite bucket ends at the largest number; the one behind it holds the infinities.
  const bool largest =
      std::isinf(bound) && std::ldexp(static_cast<double>(index), -h.schema) == 1024;
  return largest ? std::numeric_limits<double>::max() : bound;
}

std::vector<Bucket> buckets_of(const Histogram& h, const std::vector<HistogramSpan>& spans,
                               const std::vector<double>& counts) {
  std::vector<Bucket> out;
  std::int32_t index = 0;
  std::size_t i = 0;
  for (const HistogramSpan& span : spans) {
    index += span.offset;
    for (std::uint32_t n = 0; n < span.length && i < counts.size(); ++n, ++index, ++i) {
      if (counts[i] != 0)
        out.push_back({upper_bound(h, index - 1), upper_bound(h, index), counts[i]});
    }
  }
  return out;
}

void write_bucket(JsonWriter& json, const Bucket& bucket, bool closed) {
  const bool with_lower = closed || bucket.lower < 0;
  const bool with_upper = closed || bucket.upper > 0;
  const int kind = with_lower ? (with_upper ? 3 : 1) : (with_upper ? 0 : 2);
  json.begin_array().value(kind).value(api_number(bucket.lower)).value(api_number(bucket.upper));
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
  if (!negative.empty() || !positive.empty() || h.zero_count != 0) {
    json.key("buckets").begin_array();
    for (auto it = negative.rbegin(); it != negative.rend(); ++it) {
      write_bucket(json, {-it->upper, -it->lower, it->count}, false);
    }
    if (h.zero_count != 0) {
      write_bucket(json, {-h.zero_threshold, h.zero_threshold, h.zero_count}, true);
    }
    for (const Bucket& bucket : positive) write_bucket(json, bucket, false);
    json.end_array();
  }
  json.end_object();
}

}  // namespace nines::web
