#include "base/core/rng.h"

#include <array>
#include <cstddef>

namespace nines {

std::string make_uuid(Rng& rng) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::uint64_t high = rng.next();
  std::uint64_t low = rng.next();
  high = (high & ~0xF000ULL) | 0x4000ULL;                       // version 4
  low = (low & 0x3FFFFFFFFFFFFFFFULL) | 0x8000000000000000ULL;  // RFC 4122 variant
  std::string out;
  out.reserve(36);
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    const std::uint64_t word = i < 16 ? high : low;
    out += kHex[static_cast<std::size_t>((word >> (60 - 4 * (i % 16))) & 0xF)];
  }
  return out;
}

}  // namespace nines
