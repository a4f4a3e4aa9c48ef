#pragma once
// Capitals and small letters of the alphabets that have them.

#include <cstdint>
#include <string>
#include <string_view>

namespace nines::internal {

// Latin, Greek, Cyrillic, Armenian and fullwidth letters; every other code point stays.
// Source: the simple case mappings of the Unicode Character Database.
std::uint32_t lower_rune(std::uint32_t code);
std::uint32_t upper_rune(std::uint32_t code);

// Of every letter; bytes that are no UTF-8 become U+FFFD, as in Go.
std::string lower_text(std::string_view text);
std::string upper_text(std::string_view text);

}  // namespace nines::internal
