#pragma once
// The first byte of every column: its mode and what follows.

#include <cstdint>
#include <span>
#include <string>

#include "base/core/result.h"
#include "storage/chunk/bytes.h"

namespace nines::storage::chunk {

enum Mode : std::uint8_t {
  kConst = 0,      // a whole number
  kFor = 1,        // frame of the values
  kDelta = 2,      // first, frame of the differences
  kDod = 3,        // first, first difference, frame of the second differences
  kSparse = 4,     // first, number of changes, (distance, difference) each
  kXor = 5,        // values only: first 8 bytes, then the bytes that changed
  kBits = 6,       // values only: 8 bytes each
  kConstBits = 7,  // values only: 8 bytes
};
inline constexpr std::uint8_t kModeMask = 0x07;
inline constexpr std::uint8_t kScaled = 0x08;      // values only: a scale byte follows
inline constexpr std::uint8_t kFactored = 0x10;    // the frame has a factor
inline constexpr std::uint8_t kPatched = 0x20;     // the frame has patches
inline constexpr std::uint8_t kExceptions = 0x40;  // values only: some are no whole numbers

// The body of an integer column (all but the head byte) in its smallest form; gives the head byte.
std::uint8_t encode_body(std::span<const std::int64_t> values, std::string& out);
// Reads the body that `head` announces: modes up to kSparse.
Result<void> decode_body(ByteReader& in, std::uint8_t head, std::size_t count, std::int64_t* out);

}  // namespace nines::storage::chunk
