// The worked examples of docs/formats/metrics-ring.md, byte for byte.
#include <array>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "storage/ring/internal/layout.h"

namespace nines::storage::ring {
namespace {

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  for (const std::byte b : bytes)
    out += fmt::format("{}{:02x}", out.empty() ? "" : " ", static_cast<unsigned>(b));
  return out;
}

TEST_CASE("a frame, as docs/formats/metrics-ring.md shows it") {
  Uuid uuid{};
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::uint8_t>(i);
  const std::uint32_t seed = frame_seed(uuid, 7);
  CHECK(fmt::format("{:08x}", seed) == "34bfd486");
  std::array<std::byte, 26> frame{};
  const std::string payload = "hi";
  std::copy_n(reinterpret_cast<const std::byte*>(payload.data()), 2, frame.begin() + 24);
  encode_frame_header(seed, {.type = 2, .flags = 0, .tag = 5}, std::uint64_t{7} << 32 | 3,
                      std::as_bytes(std::span(payload)), frame.data());
  CHECK(hex(frame) ==
        "02 00 00 00 56 21 42 d6 03 00 00 00 07 00 00 00 02 00 00 00 05 00 00 00 68 69");
  CHECK(frame_is_intact(seed, frame));
  CHECK_FALSE(frame_is_intact(frame_seed(uuid, 8), frame));  // of another life of the segment
  CHECK(frame_extent(2) == 32);
}

}  // namespace
}  // namespace nines::storage::ring
