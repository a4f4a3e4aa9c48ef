#pragma once
// An OTLP metrics export request, read from either of its encodings.
// Source: opentelemetry-proto, opentelemetry/proto/metrics/v1/metrics.proto, and the JSON mapping of
// opentelemetry.io/docs/specs/otlp ("JSON Protobuf Encoding").

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/result.h"

namespace nines::collector {

struct OtlpAttribute {
  std::string key, value;  // values that are no text are written as OpenTelemetry's AsString does
};
using OtlpAttributes = std::vector<OtlpAttribute>;

struct OtlpExemplar {
  OtlpAttributes attributes;
  std::uint64_t time_ns = 0;
  double value = 0;
  std::string trace_id, span_id;  // in hex; empty: none
};

struct OtlpBuckets {
  std::int32_t offset = 0;
  std::vector<std::uint64_t> counts;
};

struct OtlpPoint {
  OtlpAttributes attributes;
  std::uint64_t start_ns = 0, time_ns = 0;
  bool no_value = false;  // the series has ended
  double value = 0;       // gauge, sum
  std::uint64_t count = 0;
  double sum = 0;
  bool has_sum = false;
  std::vector<std::uint64_t> counts;  // histogram: one more than bounds
  std::vector<double> bounds;
  std::int32_t scale = 0;  // exponential histogram
  std::uint64_t zero_count = 0;
  double zero_threshold = 0;
  OtlpBuckets positive, negative;
  std::vector<std::pair<double, double>> quantiles;  // summary
  std::vector<OtlpExemplar> exemplars;
};

enum class OtlpKind : std::uint8_t { kNone, kGauge, kSum, kHistogram, kExponential, kSummary };
enum class OtlpTemporality : std::uint8_t { kUnspecified, kDelta, kCumulative };

struct OtlpMetric {
  std::string name, description, unit;
  OtlpKind kind = OtlpKind::kNone;
  OtlpTemporality temporality = OtlpTemporality::kUnspecified;
  bool monotonic = false;
  std::vector<OtlpPoint> points;
};

struct OtlpScope {
  std::string name, version, schema_url;
  OtlpAttributes attributes;
  std::vector<OtlpMetric> metrics;
};

struct OtlpResource {
  OtlpAttributes attributes;
  std::vector<OtlpScope> scopes;
};

struct OtlpRequest {
  std::vector<OtlpResource> resources;
};

// Points, metrics, attributes, buckets and the like are counted together: what bounds the memory of
// a request whose bytes say little.
struct OtlpLimits {
  std::size_t parts_max = 2'000'000;
};

// kInvalid: no such message. kLimit: more than parts_max parts.
Result<OtlpRequest> read_otlp_protobuf(std::string_view message, const OtlpLimits& limits);
Result<OtlpRequest> read_otlp_json(std::string_view text, const OtlpLimits& limits);

// A double as OpenTelemetry writes an attribute: as JSON does, NaN and infinities as "NaN", "+Inf".
std::string otlp_double_text(double value);

}  // namespace nines::collector
