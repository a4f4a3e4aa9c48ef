#include "base/text/internal/letter_case.h"

#include <array>

#include "base/text/internal/utf8.h"

namespace nines::internal {
namespace {

// Capitals from `first` to `last`, each so far below its small letter.
struct Shifted {
  std::uint32_t first, last, distance;
};
constexpr std::array<Shifted, 13> kShifted = {{{'A', 'Z', 32},
                                               {0xC0, 0xD6, 32},
                                               {0xD8, 0xDE, 32},
                                               {0x386, 0x386, 38},
                                               {0x388, 0x38A, 37},
                                               {0x38C, 0x38C, 64},
                                               {0x38E, 0x38F, 63},
                                               {0x391, 0x3A1, 32},
                                               {0x3A3, 0x3AB, 32},
                                               {0x400, 0x40F, 80},
                                               {0x410, 0x42F, 32},
                                               {0x531, 0x556, 48},
                                               {0xFF21, 0xFF3A, 32}}};

// Capital and small letter take turns from `first`, a capital, to `last`.
struct Paired {
  std::uint32_t first, last;
};
constexpr std::array<Paired, 11> kPaired = {{{0x100, 0x12F},
                                             {0x132, 0x137},
                                             {0x139, 0x148},
                                             {0x14A, 0x177},
                                             {0x179, 0x17E},
                                             {0x1CD, 0x1DC},
                                             {0x1DE, 0x1EF},
                                             {0x460, 0x481},
                                             {0x48A, 0x4BF},
                                             {0x4D0, 0x52F},
                                             {0x1E00, 0x1E95}}};
constexpr Paired kVietnamese{0x1EA0, 0x1EFF};

const Paired* paired(std::uint32_t code) {
  for (const Paired& one : kPaired) {
    if (code >= one.first && code <= one.last) return &one;
  }
  return code >= kVietnamese.first && code <= kVietnamese.last ? &kVietnamese : nullptr;
}

std::string map_text(std::string_view text, std::uint32_t (*map)(std::uint32_t)) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = read_rune(text);
    append_rune(out, rune.valid ? map(rune.code) : 0xFFFD);
    text.remove_prefix(rune.length);
  }
  return out;
}

}  // namespace

std::uint32_t lower_rune(std::uint32_t code) {
  for (const Shifted& one : kShifted) {
    if (code >= one.first && code <= one.last) return code + one.distance;
  }
  if (code == 0x130) return 'i';
  if (code == 0x178) return 0xFF;
  if (const Paired* one = paired(code)) return code + ((code - one->first) % 2 == 0 ? 1 : 0);
  return code;
}

std::uint32_t upper_rune(std::uint32_t code) {
  for (const Shifted& one : kShifted) {
    if (code >= one.first + one.distance && code <= one.last + one.distance)
      return code - one.distance;
  }
  if (code == 0xB5) return 0x39C;
  if (code == 0xFF) return 0x178;
  if (code == 0x131) return 'I';
  if (code == 0x17F) return 'S';
  if (code == 0x3C2) return 0x3A3;
  if (const Paired* one = paired(code)) return code - (code - one->first) % 2;
  return code;
}

std::string lower_text(std::string_view text) {
  return map_text(text, lower_rune);
}

std::string upper_text(std::string_view text) {
  return map_text(text, upper_rune);
}

}  // namespace nines::internal
