#pragma once
// One io.prometheus.client.Metric, as its fields say.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/result.h"
#include "base/model/histogram.h"
#include "collector/exposition/parser.h"

namespace nines::collector {

// MetricType of metrics.proto.
enum class FamilyType : std::int32_t {
  kCounter,
  kGauge,
  kSummary,
  kUntyped,
  kHistogram,
  kGaugeHistogram
};

struct MessageBucket {
  double upper_bound = 0;
  double cumulative_count = 0;
  std::optional<ExposedExemplar> exemplar;
};

struct MetricMessage {
  std::vector<std::pair<std::string_view, std::string_view>> labels;  // views into the body
  std::optional<std::int64_t> time_ms;
  std::int64_t start_ms = 0;
  bool has_value = false;  // the message of the family's type was there
  double value = 0;        // of counter, gauge, untyped
  double count = 0;        // of summary and histogram, as its sum
  double sum = 0;
  std::vector<std::pair<double, double>> quantiles;  // and their values
  std::vector<MessageBucket> buckets;                // classic
  bool is_native = false;
  bool float_counts = false;
  Histogram native;                        // when is_native
  std::vector<ExposedExemplar> exemplars;  // of a counter (one), of a native histogram
};

// Reads `bytes` as a Metric of a family of this type. kInvalid: damage, exemplars with labels twice
// or not UTF-8, times past what milliseconds hold. May throw protozero::exception.
Result<void> read_metric(std::string_view bytes, FamilyType type, MetricMessage& out);

}  // namespace nines::collector
