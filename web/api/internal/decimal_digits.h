#pragma once
// The shortest decimal text of a double, for the numbers that answers are full of.

#include <cstddef>

namespace nines::web {

inline constexpr std::size_t kDecimalMost = 48;  // bytes that write_decimal() may touch

// Writes the digits that std::to_chars(..., std::chars_format::fixed) finds and returns their end.
// `value` is neither whole nor a power of two, and its size is within 1e-6 and 2^52.
char* write_decimal(char* to, double value);

}  // namespace nines::web
