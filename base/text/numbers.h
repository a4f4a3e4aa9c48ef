#pragma once
// Numbers, durations, sizes and times as the field writes them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/clock.h"
#include "base/core/result.h"

namespace nines {

// A float as Prometheus's text formats and Go's ParseFloat take it: decimal, hex, Inf, +Inf, -inf,
// NaN in any case; the whole text must be used. Correctly rounded. NaN gives kNormalNanBits.
std::optional<double> parse_double(std::string_view text);

// Go's FormatFloat(v, 'f', -1, 64): shortest digits that read back, never an exponent; "NaN",
// "+Inf", "-Inf".
std::string format_double(double v);
// Go's FormatFloat(v, 'g', -1, 64) and %v: an exponent below 1e-4 and from 1e6 (1e+06).
std::string format_double_g(double v);

std::optional<std::int64_t> parse_int(std::string_view text);

// Prometheus durations: "90s", "1h30m", "1d", "5ms", "0"; units y w d h m s ms, each at most once,
// largest first. kInvalid points at the wrong byte, kLimit when it does not fit.
Result<Duration> parse_duration(std::string_view text);
// As Prometheus prints them: 1h30m, 15s, 0s, 1d.
std::string format_duration(Duration d);

// "10GiB", "512MB", "1048576", with KiB MiB GiB TiB and KB MB GB TB (all powers of 1024, as
// Prometheus).
Result<std::uint64_t> parse_bytes(std::string_view text);
std::string format_bytes(std::uint64_t bytes);  // "1.5 GiB"

// RFC 3339 in UTC with milliseconds: 2026-11-23T10:00:00.000Z.
std::string format_time(Timestamp at);
// RFC 3339 with any offset and fraction, or seconds since the epoch as a float. kInvalid.
Result<Timestamp> parse_time(std::string_view text);
// As parse_time, keeping nanoseconds; a bare integer of 19 digits is nanoseconds (Loki).
Result<LogTime> parse_log_time(std::string_view text);

}  // namespace nines
