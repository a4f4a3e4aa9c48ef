#include "storage/chunk/internal/bit_pack.h"

#include <cstring>

namespace nines::storage::chunk {
namespace {
__extension__ using Wide = unsigned __int128;
}

void pack_bits(std::span<const std::uint64_t> values, unsigned width, std::string& out) {
  if (width == 0) return;
  Wide pending = 0;
  unsigned bits = 0;
  for (const std::uint64_t value : values) {
    pending |= static_cast<Wide>(value) << bits;
    bits += width;
    while (bits >= 8) {
      out.push_back(static_cast<char>(static_cast<std::uint8_t>(pending)));
      pending >>= 8;
      bits -= 8;
    }
  }
  if (bits > 0) out.push_back(static_cast<char>(static_cast<std::uint8_t>(pending)));
}

void unpack_bits(ByteReader& in, std::size_t count, unsigned width,
                 std::vector<std::uint64_t>& out) {
  if (width == 0) {
    out.resize(out.size() + count, 0);
    return;
  }
  const std::string_view bytes = in.raw(packed_size(count, width));
  if (in.failed()) return;
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bit = i * width;
    const std::size_t first = bit / 8;
    const unsigned shift = static_cast<unsigned>(bit % 8);
    // Nine bytes cover any 64 bits at any shift.
    std::uint64_t low = 0;
    const std::size_t here = bytes.size() - first;
    std::memcpy(&low, bytes.data() + first, here < 8 ? here : 8);
    std::uint64_t value = low >> shift;
    if (shift + width > 64) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[first + 8]))
               << (64 - shift);
    }
    out.push_back(value & mask);
  }
}

}  // namespace nines::storage::chunk
