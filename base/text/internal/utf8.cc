#include "base/text/internal/utf8.h"

#include <algorithm>
#include <array>

namespace nines::internal {

Rune read_rune(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  std::size_t length = 0;
  std::uint32_t code = 0;
  std::uint32_t smallest = 0;  // below it, a shorter form exists
  if ((lead & 0xE0U) == 0xC0U) {
    length = 2, code = lead & 0x1FU, smallest = 0x80;
  } else if ((lead & 0xF0U) == 0xE0U) {
    length = 3, code = lead & 0x0FU, smallest = 0x800;
  } else if ((lead & 0xF8U) == 0xF0U) {
    length = 4, code = lead & 0x07U, smallest = 0x10000;
  }
  if (length == 0 || text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    code = (code << 6) | (byte(i) & 0x3FU);
  }
  if (code < smallest || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length, true};
}

void append_rune(std::string& out, std::uint32_t code) {
  const auto continuation = [&](int shift) {
    out += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6));
    continuation(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | (code >> 12));
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xF0U | (code >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

bool is_printable(std::uint32_t code) {
  if (code < 0x80) return code >= 0x20 && code != 0x7F;
  struct Range {
    std::uint32_t first, last;
  };
  // Controls, every space but U+0020, marks of direction and joining, private use, non-characters.
  static constexpr std::array<Range, 16> kHidden{{{0x80, 0xA0},
                                                  {0xAD, 0xAD},
                                                  {0x600, 0x605},
                                                  {0x61C, 0x61C},
                                                  {0x6DD, 0x6DD},
                                                  {0x1680, 0x1680},
                                                  {0x180E, 0x180E},
                                                  {0x2000, 0x200F},
                                                  {0x2028, 0x202F},
                                                  {0x205F, 0x206F},
                                                  {0x3000, 0x3000},
                                                  {0xE000, 0xF8FF},
                                                  {0xFEFF, 0xFEFF},
                                                  {0xFFF0, 0xFFFB},
                                                  {0xFFFE, 0xFFFF},
                                                  {0xE0000, 0x10FFFF}}};
  return std::none_of(kHidden.begin(), kHidden.end(),
                      [code](const Range& r) { return code >= r.first && code <= r.last; });
}

}  // namespace nines::internal
