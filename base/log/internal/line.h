#pragma once
// The text of one log line, safe for terminals and for whoever reads line by line.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/log/log.h"

namespace nines {

inline constexpr std::size_t kLogLineBytesMax = 4096;

// `level=info component=scrape text`: control characters (C0, DEL, C1) and bytes that are no UTF-8
// become \n, \t, \r or \xNN, so that no text can fake a line or steer a terminal; at most
// kLogLineBytesMax bytes, a cut is marked with "..." and never splits a character.
std::string log_line(LogLevel level, std::string_view component, std::string_view text);

}  // namespace nines
