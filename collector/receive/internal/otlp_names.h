#pragma once
// OpenTelemetry's names as Prometheus's.
// Source: opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics and
// prometheus.io/docs/prometheus/latest/configuration, "otlp".

#include <string>
#include <string_view>

#include "collector/receive/internal/otlp_message.h"
#include "collector/receive/otlp.h"

namespace nines::collector {

// The family's name; empty when nothing is left of it.
std::string otlp_metric_name(const OtlpMetric& metric, OtlpTranslation translation);

// A label's name; empty when nothing is left of it.
std::string otlp_label_name(std::string_view attribute, OtlpTranslation translation);

// Of metadata: "By" is "bytes", "m/s" is "meters_per_second"; what stands in braces is nothing.
std::string otlp_unit(std::string_view unit);

}  // namespace nines::collector
