#include "collector/receive/internal/unpack.h"

#include <algorithm>
#include <string>

#include <zstd.h>

#include <doctest/doctest.h>

namespace nines::collector {
namespace {

std::string packed(const std::string& text, int level = 3, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  // Streamed, so that the frame names its window and not its size.
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (in.pos < in.size) ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
  while (ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

// Text that does not pack well.
std::string noise(std::size_t bytes) {
  std::string out;
  std::uint32_t state = 1;
  while (out.size() < bytes) {
    state = state * 1664525U + 1013904223U;
    out += static_cast<char>(state >> 24);
  }
  return out;
}

TEST_CASE("zstd is unpacked, several frames are joined, nothing is nothing") {
  std::string room;
  const std::string text = noise(100'000) + std::string(200'000, 'a');
  Result<std::string_view> out = unpack("ZSTD", packed(text), 300'000, room);
  REQUIRE(out);
  CHECK(*out == text);
  room.clear();
  out = unpack("zstd", packed("one ") + packed("two"), 7, room);
  REQUIRE(out);
  CHECK(*out == "one two");
  room.clear();
  out = unpack("zstd", "", 7, room);
  REQUIRE(out);
  CHECK(out->empty());
}

TEST_CASE("zstd beyond the bound, a bomb and a wide window are limits") {
  std::string room;
  CHECK(unpack("zstd", packed("1234567"), 6, room).error().code() == ErrorCode::kLimit);
  room.clear();
  // 16 MiB out of a few hundred bytes.
  const std::string bomb = packed(std::string(16u << 20, 'a'));
  REQUIRE(bomb.size() < 10'000);
  CHECK(unpack("zstd", bomb, 64u << 20, room).error().code() == ErrorCode::kLimit);
  CHECK(room.size() < 3u << 20);
  room.clear();
  CHECK(unpack("zstd", packed("a", 3, 23), 10, room));
  room.clear();
  CHECK(unpack("zstd", packed("a", 3, 24), 10, room).error().code() == ErrorCode::kLimit);
}

TEST_CASE("what is no zstd, or breaks off, is refused at every place") {
  const std::string whole = packed(noise(70'000));
  for (std::size_t size = 1; size < whole.size(); size += std::max<std::size_t>(1, size / 4)) {
    std::string room;
    const auto out = unpack("zstd", whole.substr(0, size), 100'000, room);
    REQUIRE_FALSE(out);
    CHECK(out.error().code() == ErrorCode::kInvalid);
  }
  std::string room;
  CHECK(unpack("zstd", "no zstd at all", 100, room).error().code() == ErrorCode::kInvalid);
  room.clear();
  CHECK(unpack("zstd", whole + "x", 100'000, room).error().code() == ErrorCode::kInvalid);
  room.clear();
  CHECK(unpack("br", "x", 100, room).error().code() == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nines::collector
