#pragma once
// Numbers of an exposition.

#include <cstdint>
#include <optional>
#include <string_view>

namespace nines::collector {

// A sample's value. Go's float syntax without hexadecimal and underscores, as Prometheus reads it.
std::optional<double> scan_value(std::string_view text);

// Milliseconds since the epoch from text 0.0.4 (an integer of them) and OpenMetrics (seconds).
std::optional<std::int64_t> scan_time_ms(std::string_view text);
std::optional<std::int64_t> scan_time_seconds(std::string_view text);

}  // namespace nines::collector
