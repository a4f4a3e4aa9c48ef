#include "storage/metrics/internal/compress.h"

#include <memory>

#include <zstd.h>

#include "storage/chunk/bytes.h"

namespace nines::storage {
namespace {
constexpr std::size_t kUnpackedMax = 256u << 20;  // larger ones are damage, not data

// A thread keeps its contexts: making one costs many times what a page of 64 series does.
template <typename Context, Context* (*kMake)(), std::size_t (*kFree)(Context*)>
Context* kept() {
  struct Free {
    void operator()(Context* context) const { kFree(context); }
  };
  thread_local const std::unique_ptr<Context, Free> context(kMake());
  return context.get();  // null: no memory
}

std::size_t compress(std::string_view in, char* out, std::size_t room) {
  constexpr int kLevel = 1;
  if (ZSTD_CCtx* context = kept<ZSTD_CCtx, ZSTD_createCCtx, ZSTD_freeCCtx>())
    return ZSTD_compressCCtx(context, out, room, in.data(), in.size(), kLevel);
  return ZSTD_compress(out, room, in.data(), in.size(), kLevel);
}

std::size_t decompress(std::string_view in, char* out, std::size_t room) {
  if (ZSTD_DCtx* context = kept<ZSTD_DCtx, ZSTD_createDCtx, ZSTD_freeDCtx>())
    return ZSTD_decompressDCtx(context, out, room, in.data(), in.size());
  return ZSTD_decompress(out, room, in.data(), in.size());
}

}  // namespace

void put_packed(std::string& out, std::string_view bytes) {
  // Less than this rarely gains more than it costs.
  constexpr std::size_t kWorthTrying = 64;
  const std::size_t begin = out.size();
  chunk::put_varint(out, bytes.size() << 1 | 1);
  if (bytes.size() >= kWorthTrying) {
    const std::size_t head = out.size();
    out.resize(head + ZSTD_compressBound(bytes.size()));
    const std::size_t size = compress(bytes, out.data() + head, out.size() - head);
    if (ZSTD_isError(size) == 0 && size + bytes.size() / 16 < bytes.size()) {
      out.resize(head + size);
      return;
    }
  }
  out.resize(begin);
  chunk::put_varint(out, bytes.size() << 1);
  out.append(bytes);
}

Result<std::string> unpack(std::string_view packed) {
  chunk::ByteReader in(packed);
  const std::uint64_t head = in.varint();
  const std::uint64_t size = head >> 1;
  const std::string_view rest = in.raw(in.left());
  if (in.failed() || size > kUnpackedMax)
    return Error(ErrorCode::kCorrupt, "packed bytes: bad length");
  if ((head & 1) == 0) {
    if (rest.size() != size) return Error(ErrorCode::kCorrupt, "packed bytes: cut short");
    return std::string(rest);
  }
  std::string out(static_cast<std::size_t>(size), '\0');
  const std::size_t got = decompress(rest, out.data(), out.size());
  if (ZSTD_isError(got) != 0 || got != size) {
    return Error(ErrorCode::kCorrupt, "packed bytes: zstd refuses them");
  }
  return out;
}

}  // namespace nines::storage
