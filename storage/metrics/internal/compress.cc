#include "storage/metrics/internal/compress.h"

#include <zstd.h>

#include "storage/chunk/bytes.h"

namespace nines::storage {
namespace {
constexpr std::size_t kUnpackedMax = 256u << 20;  // larger ones are damage, not data
}

void put_packed(std::string& out, std::string_view bytes) {
  // Less than this rarely gains more than it costs.
  constexpr std::size_t kWorthTrying = 64;
  const std::size_t begin = out.size();
  chunk::put_varint(out, bytes.size() << 1 | 1);
  if (bytes.size() >= kWorthTrying) {
    const std::size_t head = out.size();
    out.resize(head + ZSTD_compressBound(bytes.size()));
    const std::size_t size =
        ZSTD_compress(out.data() + head, out.size() - head, bytes.data(), bytes.size(), 1);
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
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), rest.data(), rest.size());
  if (ZSTD_isError(got) != 0 || got != size) {
    return Error(ErrorCode::kCorrupt, "packed bytes: zstd refuses them");
  }
  return out;
}

}  // namespace nines::storage
