#pragma once
// Samples, their columns, and the one NaN that means "this series has ended".

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/model/histogram.h"

namespace nines {

// The staleness marker of Prometheus: a NaN of exactly these bits. Every other NaN is a value.
inline constexpr std::uint64_t kStaleNanBits = 0x7FF0000000000002ULL;
inline constexpr std::uint64_t kNormalNanBits = 0x7FF8000000000001ULL;
inline double stale_nan() {
  return std::bit_cast<double>(kStaleNanBits);
}
inline bool is_stale_nan(double v) {
  return std::bit_cast<std::uint64_t>(v) == kStaleNanBits;
}

// Whether a counter began anew between two of its samples, told by their start times (milliseconds,
// 0: unknown).
inline bool counter_restarted(std::int64_t previous_start, std::int64_t previous,
                              std::int64_t start, std::int64_t time) {
  // Unknown, or after the sample itself, which cannot be.
  if (start == 0 || start > time || start < previous) return false;
  if (start > previous) return true;
  // At the sample before: a delta, unless that one had no start (a cumulative of unknown start).
  return previous_start != 0;
}

struct Sample {
  Timestamp at{};
  double value = 0;
  HistogramPtr histogram;  // when set, `value` means nothing
};

// The samples of one series, ascending by time, as columns. `histograms` is empty when the series
// holds no histogram in the range; else it is as long as `times`, null where the sample is a float.
// `start_times` likewise (milliseconds; 0: unknown).
struct SampleColumns {
  std::vector<std::int64_t> times;  // milliseconds since the epoch
  std::vector<double> values;
  std::vector<HistogramPtr> histograms;
  std::vector<std::int64_t> start_times;

  std::size_t size() const { return times.size(); }
  void clear() {
    times.clear();
    values.clear();
    histograms.clear();
    start_times.clear();
  }
};

enum class MetricType : std::uint8_t {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateSet
};
const char* to_string(MetricType type) noexcept;  // Prometheus's words: "counter", "unknown", ...

struct Metadata {
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
  bool operator==(const Metadata&) const = default;
};

}  // namespace nines
