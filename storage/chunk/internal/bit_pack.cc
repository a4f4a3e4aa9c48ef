#include "storage/chunk/internal/bit_pack.h"

#include <algorithm>
#include <cstring>

#include "storage/chunk/internal/column_kernels.h"

namespace nines::storage::chunk {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t mask_of(unsigned width) {
  return width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

// Value `i`; 16 bytes may be read from `bytes + i * width / 8`.
std::uint64_t value_at(const char* bytes, std::size_t i, unsigned width) {
  const std::size_t bit = i * width;
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&low, bytes + bit / 8, 8);
  std::memcpy(&high, bytes + bit / 8 + 8, 8);
  return static_cast<std::uint64_t>((static_cast<Wide>(high) << 64 | low) >> (bit % 8)) &
         mask_of(width);
}

}  // namespace

void pack_bits(std::span<const std::uint64_t> values, unsigned width, std::string& out) {
  if (width == 0) return;
  const std::uint64_t mask = mask_of(width);
  Wide pending = 0;
  unsigned bits = 0;
  for (const std::uint64_t value : values) {
    pending |= static_cast<Wide>(value & mask) << bits;
    bits += width;
    while (bits >= 8) {
      out.push_back(static_cast<char>(static_cast<std::uint8_t>(pending)));
      pending >>= 8;
      bits -= 8;
    }
  }
  if (bits > 0) out.push_back(static_cast<char>(static_cast<std::uint8_t>(pending)));
}

void unpack_bits(ByteReader& in, std::size_t count, unsigned width, std::uint64_t* out) {
  if (width == 0) {
    std::fill_n(out, count, 0);
    return;
  }
  const std::string_view bytes = in.raw(packed_size(count, width));
  if (in.failed()) return;
  // As long as whole words may be read without looking past the end of what the reader has.
  const std::size_t readable = bytes.size() + in.left();
  const auto* const from = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t i = 0;
  if (width <= kGroupWidthMost && readable >= 8) {
    const std::size_t groups = std::min(count / 8, (readable - 8) / width);
    unpack_groups(from, groups, width, out);
    const std::size_t fast = std::min(count, (readable - 8) * 8 / width);
    const std::uint64_t mask = mask_of(width);
    for (i = groups * 8; i < fast; ++i) {
      const std::size_t bit = i * width;
      std::uint64_t word = 0;
      std::memcpy(&word, from + bit / 8, 8);
      out[i] = word >> (bit % 8) & mask;
    }
  } else if (readable >= 16) {
    const std::size_t fast = std::min(count, (readable - 16) * 8 / width);
    for (; i < fast; ++i) out[i] = value_at(bytes.data(), i, width);
  }
  if (i == count) return;
  // The rest from a copy with room behind it.
  char tail[16 + 16 + 16 + 8] = {};
  const std::size_t first = i * width / 8;
  const std::size_t skipped = i * width % 8;
  std::memcpy(tail, bytes.data() + first, std::min(bytes.size() - first, sizeof(tail) - 16));
  for (std::size_t bit = skipped; i < count; ++i, bit += width) {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::memcpy(&low, tail + bit / 8, 8);
    std::memcpy(&high, tail + bit / 8 + 8, 8);
    out[i] = static_cast<std::uint64_t>((static_cast<Wide>(high) << 64 | low) >> (bit % 8)) &
             mask_of(width);
  }
}

}  // namespace nines::storage::chunk
