#pragma once
// Where the buckets of native histograms end.

#include <cstdint>

#include "base/model/histogram.h"

namespace nines {

// The inclusive upper bound of the positive bucket `index`, which is the exclusive lower bound of
// the next one; buckets of negative values mirror it. Custom buckets: -Inf below the first, +Inf
// from the last on. Exponential ones: 2^(index * 2^-schema), with the largest finite number for the
// last bucket of finite numbers, and +Inf behind it. The same doubles as Prometheus's.
// Source: prometheus.io/docs/specs/native_histograms, "Buckets".
double bucket_upper_bound(const Histogram& h, std::int32_t index);

}  // namespace nines
