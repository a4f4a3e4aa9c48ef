#pragma once
// Points of a series as text: where the time of a large answer goes, so that nothing is allocated
// for them one by one.

#include <cstdint>
#include <string>

#include "base/model/sample.h"

namespace nines::web {

// Seconds with no or exactly three decimals, as Prometheus writes the times of samples.
void append_seconds(std::string& out, std::int64_t ms);
// As api_number() writes it.
void append_number(std::string& out, double value);
// [[1700000000.500,"1.5"],...] of the floats among the samples.
void append_floats(std::string& out, const SampleColumns& samples);

}  // namespace nines::web
