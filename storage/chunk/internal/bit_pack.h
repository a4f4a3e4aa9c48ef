#pragma once
// Unsigned integers of one width, packed without gaps, low bits first.

#include <cstdint>
#include <span>
#include <string>

#include "storage/chunk/bytes.h"

namespace nines::storage::chunk {

// `width` 0..64. Appends (values.size() * width + 7) / 8 bytes; bits above `width` are left out.
void pack_bits(std::span<const std::uint64_t> values, unsigned width, std::string& out);
// Writes `count` values to `out`; a short input fails the reader.
void unpack_bits(ByteReader& in, std::size_t count, unsigned width, std::uint64_t* out);

constexpr std::size_t packed_size(std::size_t count, unsigned width) {
  return (count * width + 7) / 8;
}

}  // namespace nines::storage::chunk
