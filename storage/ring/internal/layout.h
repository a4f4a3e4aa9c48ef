#pragma once
// The bytes of superblocks, segment headers and frame headers. Little-endian; see
// docs/formats/metrics-ring.md.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "storage/ring/ring.h"

namespace nines::storage::ring {

inline constexpr std::size_t kPage = 4096;
inline constexpr std::size_t kHeaderBytes = 512;  // one sector: written whole or not at all
inline constexpr std::size_t kFrameHeaderBytes = 24;
inline constexpr std::uint32_t kDataBegin = 2 * kPage;  // page 0: opened, page 1: sealed
inline constexpr std::size_t kSuperBytes = 2 * kPage;
inline constexpr std::uint64_t kFrameAlign = 8;

using Uuid = std::array<std::uint8_t, 16>;

struct Super {
  Uuid uuid{};
  std::uint64_t sequence = 0;  // the higher of two valid slots counts
  std::uint32_t segment_bytes = 0;
  std::uint32_t segments = 0;
  std::uint32_t segments_filled = 0;  // the first so many have been written once
  // Generations up to this were given, though no segment here may say so: a restored ring.
  std::uint64_t generations_given = 0;
};

enum class HeaderState : std::uint8_t { kOpen = 1, kSealed = 2, kReleased = 3 };

struct SegmentHeader {
  HeaderState state = HeaderState::kOpen;
  SegmentClass cls = SegmentClass::kRaw;
  Uuid uuid{};
  std::uint64_t generation = 0;
  TimeBounds times{};
  std::uint32_t data_end = 0;  // sealed only, as all below
  std::uint32_t footer_offset = 0;
  std::uint32_t footer_length = 0;
};

struct FrameHeader {
  std::uint32_t length = 0;
  std::uint32_t crc = 0;
  std::uint64_t sequence = 0;
  FrameHead head{};
};

using HeaderBytes = std::array<std::byte, kHeaderBytes>;

HeaderBytes encode_super(const Super& super);
// Of what stands in the segments, too. Other versions are refused.
inline constexpr std::uint16_t kRingVersion = 2;
// None: it is no superblock, or a damaged one.
std::optional<std::uint32_t> version_of_super(std::span<const std::byte> bytes);
std::optional<Super> decode_super(std::span<const std::byte> bytes);
HeaderBytes encode_header(const SegmentHeader& header);
std::optional<SegmentHeader> decode_header(std::span<const std::byte> bytes);

// The seed of every checksum of one life of a segment: bytes of a past life never validate.
std::uint32_t frame_seed(const Uuid& uuid, std::uint64_t generation);
// Writes the header of `payload` into the first 24 bytes of `out`, checksum included.
void encode_frame_header(std::uint32_t seed, FrameHead head, std::uint64_t sequence,
                         std::span<const std::byte> payload, std::byte* out);
FrameHeader decode_frame_header(const std::byte* bytes);
// `frame`: header and payload.
bool frame_is_intact(std::uint32_t seed, std::span<const std::byte> frame);

// Bytes a frame takes in the file.
constexpr std::uint64_t frame_extent(std::uint64_t payload) {
  return (kFrameHeaderBytes + payload + kFrameAlign - 1) / kFrameAlign * kFrameAlign;
}

}  // namespace nines::storage::ring
