#pragma once
// A native histogram as Prometheus's API writes it.

#include <string>

#include "base/model/histogram.h"
#include "base/text/json.h"

namespace nines::web {

// A float as Prometheus's API writes it: an exponent below 1e-6 and from 1e21.
std::string api_number(double value);

// {"count":"..","sum":"..","buckets":[[kind,"lower","upper","count"],...]}, buckets ascending,
// empty ones left out. kind: 0 (lower, upper], 1 [lower, upper), 2 open, 3 closed on both sides.
// Source: prometheus.io/docs/prometheus/latest/querying/api, "Native histograms".
void write_histogram(JsonWriter& json, const Histogram& histogram);

}  // namespace nines::web
