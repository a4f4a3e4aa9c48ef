#include "storage/ring/internal/layout.h"

#include <cstring>

#include <fmt/format.h>

#include "storage/ring/crc32c.h"

namespace nines::storage::ring {
namespace {

constexpr std::uint64_t kSuperMagic = 0x474E49525345'4E49ULL;  // "INESRING" in the file
constexpr std::uint32_t kSegmentMagic = 0x4753'4E4EU;          // "NNSG" in the file
constexpr std::uint16_t kVersion = kRingVersion;
constexpr std::size_t kCrcAt = kHeaderBytes - 4;

template <typename T>
void put(std::byte* base, std::size_t at, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(base + at, &value, sizeof(value));
}

template <typename T>
T get(const std::byte* base, std::size_t at) {
  T value;
  std::memcpy(&value, base + at, sizeof(value));
  return value;
}

void put_crc(HeaderBytes& bytes) {
  put(bytes.data(), kCrcAt, crc32c(std::span(bytes).first(kCrcAt)));
}

bool crc_holds(std::span<const std::byte> bytes) {
  return bytes.size() >= kHeaderBytes &&
         get<std::uint32_t>(bytes.data(), kCrcAt) == crc32c(bytes.first(kCrcAt));
}

}  // namespace

HeaderBytes encode_super(const Super& super) {
  HeaderBytes out{};
  std::byte* p = out.data();
  put(p, 0, kSuperMagic);
  put(p, 8, static_cast<std::uint32_t>(kVersion));
  put(p, 16, super.uuid);
  put(p, 32, super.sequence);
  put(p, 40, super.segment_bytes);
  put(p, 44, super.segments);
  put(p, 48, super.segments_filled);
  put(p, 56, super.generations_given);
  put_crc(out);
  return out;
}

std::optional<std::uint32_t> version_of_super(std::span<const std::byte> bytes) {
  if (!crc_holds(bytes) || get<std::uint64_t>(bytes.data(), 0) != kSuperMagic) return std::nullopt;
  return get<std::uint32_t>(bytes.data(), 8);
}

std::optional<Super> decode_super(std::span<const std::byte> bytes) {
  if (!crc_holds(bytes)) return std::nullopt;
  const std::byte* p = bytes.data();
  if (get<std::uint64_t>(p, 0) != kSuperMagic || get<std::uint32_t>(p, 8) != kVersion) {
    return std::nullopt;
  }
  Super super;
  super.uuid = get<Uuid>(p, 16);
  super.sequence = get<std::uint64_t>(p, 32);
  super.segment_bytes = get<std::uint32_t>(p, 40);
  super.segments = get<std::uint32_t>(p, 44);
  super.segments_filled = get<std::uint32_t>(p, 48);
  super.generations_given = get<std::uint64_t>(p, 56);
  return super;
}

HeaderBytes encode_header(const SegmentHeader& header) {
  HeaderBytes out{};
  std::byte* p = out.data();
  put(p, 0, kSegmentMagic);
  put(p, 4, kVersion);
  put(p, 6, static_cast<std::uint8_t>(header.cls));
  put(p, 7, static_cast<std::uint8_t>(header.state));
  put(p, 8, header.uuid);
  put(p, 24, header.generation);
  put(p, 32, header.times.min);
  put(p, 40, header.times.max);
  put(p, 48, header.data_end);
  put(p, 52, header.footer_offset);
  put(p, 56, header.footer_length);
  put_crc(out);
  return out;
}

std::optional<SegmentHeader> decode_header(std::span<const std::byte> bytes) {
  if (!crc_holds(bytes)) return std::nullopt;
  const std::byte* p = bytes.data();
  const auto cls = get<std::uint8_t>(p, 6);
  const auto state = get<std::uint8_t>(p, 7);
  if (get<std::uint32_t>(p, 0) != kSegmentMagic || get<std::uint16_t>(p, 4) != kVersion ||
      cls >= kSegmentClasses || state < 1 || state > 3) {
    return std::nullopt;
  }
  SegmentHeader header;
  header.cls = static_cast<SegmentClass>(cls);
  header.state = static_cast<HeaderState>(state);
  header.uuid = get<Uuid>(p, 8);
  header.generation = get<std::uint64_t>(p, 24);
  header.times.min = get<std::int64_t>(p, 32);
  header.times.max = get<std::int64_t>(p, 40);
  header.data_end = get<std::uint32_t>(p, 48);
  header.footer_offset = get<std::uint32_t>(p, 52);
  header.footer_length = get<std::uint32_t>(p, 56);
  return header;
}

std::uint32_t frame_seed(const Uuid& uuid, std::uint64_t generation) {
  std::array<std::byte, 24> key;
  std::memcpy(key.data(), uuid.data(), 16);
  std::memcpy(key.data() + 16, &generation, 8);
  return crc32c(key);
}

void encode_frame_header(std::uint32_t seed, FrameHead head, std::uint64_t sequence,
                         std::span<const std::byte> payload, std::byte* out) {
  const auto length = static_cast<std::uint32_t>(payload.size());
  put(out, 0, length);
  put(out, 8, sequence);
  put(out, 16, head.type);
  put(out, 17, head.flags);
  put(out, 18, std::uint16_t{0});
  put(out, 20, head.tag);
  std::uint32_t crc = crc32c({out, 4}, seed);
  crc = crc32c({out + 8, kFrameHeaderBytes - 8}, crc);
  put(out, 4, crc32c(payload, crc));
}

FrameHeader decode_frame_header(const std::byte* bytes) {
  FrameHeader header;
  header.length = get<std::uint32_t>(bytes, 0);
  header.crc = get<std::uint32_t>(bytes, 4);
  header.sequence = get<std::uint64_t>(bytes, 8);
  header.head.type = get<std::uint8_t>(bytes, 16);
  header.head.flags = get<std::uint8_t>(bytes, 17);
  header.head.tag = get<std::uint32_t>(bytes, 20);
  return header;
}

bool frame_is_intact(std::uint32_t seed, std::span<const std::byte> frame) {
  const FrameHeader header = decode_frame_header(frame.data());
  if (frame.size() != kFrameHeaderBytes + header.length) return false;
  std::uint32_t crc = crc32c(frame.first(4), seed);
  crc = crc32c(frame.subspan(8), crc);
  return crc == header.crc;
}

std::string segment_name(std::uint32_t segment) {
  return fmt::format("seg-{:05}", segment);
}

}  // namespace nines::storage::ring
