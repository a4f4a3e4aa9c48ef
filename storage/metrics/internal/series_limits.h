#pragma once
// Which newcomers the store takes: limits of labels, and of series per metric.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/model/labels.h"
#include "base/telemetry/telemetry.h"
#include "storage/metrics/metric_store.h"

namespace nines::storage {

enum class SeriesLimit : std::uint8_t {
  kSeries,       // max_series
  kPerTarget,    // max_series_per_target
  kSegment,      // what a target's layout may take of a segment
  kPerMetric,    // max_series_per_metric
  kLabels,       // max_labels_per_series
  kNameLength,   // max_label_name_length
  kValueLength,  // max_label_value_length
};
inline constexpr std::size_t kSeriesLimits = 7;
std::string_view to_string(SeriesLimit limit) noexcept;  // as in [storage], "segment_size"

// The series of each metric name. Not thread-safe.
class MetricCounts {
 public:
  std::uint64_t of(std::string_view metric) const;
  void add(std::string_view metric, std::uint64_t series = 1);
  void clear() { counts_.clear(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> counts_;
};

// nines_storage_series_refused_total by cause, and a line in the log now and then.
class SeriesRefusals {
 public:
  explicit SeriesRefusals(Telemetry& telemetry);
  // The error for whoever brought the series: it names series, limit and remedy.
  Error refuse(SeriesLimit limit, std::uint64_t value, const LabelSet& series);
  std::uint64_t total() const { return total_; }
  // What was refused since the last call, a line for each cause; the first of each is quoted.
  void report(const std::function<void(const std::string&)>& line);

 private:
  struct Cause {
    Counter* counter = nullptr;
    std::uint64_t since_report = 0;
    std::string first;
  };
  std::array<Cause, kSeriesLimits> causes_;
  std::uint64_t total_ = 0;
};

// The limit of labels a series breaks, with its value.
struct BrokenLimit {
  SeriesLimit limit{};
  std::uint64_t value = 0;
};
std::optional<BrokenLimit> broken_label_limit(const MetricStoreOptions& options,
                                              const LabelSet& series);

}  // namespace nines::storage
