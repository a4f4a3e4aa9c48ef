#pragma once
// Native histograms, as Prometheus defines them (float form; integer counts are exact below 2^53).
// Source: prometheus.io/docs/specs/native_histograms.

#include <cstdint>
#include <memory>
#include <vector>

namespace nines {

// What is known about a counter reset between this sample and the one before it.
enum class ResetHint : std::uint8_t { kUnknown, kReset, kNotReset, kGauge };

struct HistogramSpan {
  std::int32_t offset = 0;   // gap to the end of the span before (the first: the bucket index)
  std::uint32_t length = 0;  // consecutive buckets
  bool operator==(const HistogramSpan&) const = default;
};

inline constexpr std::int32_t kCustomBucketsSchema = -53;

struct Histogram {
  std::int32_t schema = 0;  // -4..8 exponential, kCustomBucketsSchema custom bounds
  ResetHint reset_hint = ResetHint::kUnknown;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<HistogramSpan> positive_spans, negative_spans;
  std::vector<double> positive_buckets,
      negative_buckets;               // absolute counts, one per spanned bucket
  std::vector<double> custom_values;  // upper bounds of custom buckets, ascending, without +Inf

  bool operator==(const Histogram&) const = default;
};

using HistogramPtr = std::shared_ptr<const Histogram>;

}  // namespace nines
