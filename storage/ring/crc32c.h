#pragma once
// CRC32C (Castagnoli): the checksum of every frame and header on disk.

#include <cstddef>
#include <cstdint>
#include <span>

namespace nines::storage::ring {

// The checksum of `bytes`, continuing from `seed` (0 to begin): crc32c(ab) == crc32c(b, crc32c(a)).
// "123456789" gives 0xE3069283. Uses the SSE4.2 instruction where the processor has it.
//
// Source: RFC 3720, appendix B.4; reflected polynomial 0x82F63B78.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0) noexcept;

// The same by table, for processors without the instruction and for comparing the two in tests.
std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t seed = 0) noexcept;

}  // namespace nines::storage::ring
