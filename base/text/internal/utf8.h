#pragma once
// UTF-8, one code point at a time.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nines::internal {

struct Rune {
  std::uint32_t code = 0xFFFD;
  std::size_t length = 1;  // bytes; 1 when invalid, so that a reader moves on
  bool valid = false;
};

// The first code point of `text`, which must not be empty. Overlong forms, surrogates and numbers
// above U+10FFFF are invalid.
Rune read_rune(std::string_view text);

void append_rune(std::string& out, std::uint32_t code);

// Go's unicode.IsPrint, near enough: the unassigned code points inside a block count as printable.
bool is_printable(std::uint32_t code);

}  // namespace nines::internal
