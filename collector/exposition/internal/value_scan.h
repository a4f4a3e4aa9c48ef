#pragma once
// Numbers of an exposition.

#include <cstdint>
#include <optional>
#include <string_view>

namespace nines::collector {

// A sample's value. Go's float syntax without hexadecimal and underscores, as Prometheus reads it.
std::optional<double> scan_value(std::string_view text);

// A value that ends its line, between `p` and the line feed: where the line feed is. Null when
// there is anything else on the line, or no line feed.
const char* scan_plain_value(const char* p, const char* end, double& value);

// Milliseconds since the epoch from text 0.0.4 (an integer of them) and OpenMetrics (seconds).
std::optional<std::int64_t> scan_time_ms(std::string_view text);
std::optional<std::int64_t> scan_time_seconds(std::string_view text);

}  // namespace nines::collector
