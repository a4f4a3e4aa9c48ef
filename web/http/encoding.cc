#include "web/http/encoding.h"

#include <algorithm>
#include <optional>

#include <zlib.h>
#include <zstd.h>

#include "base/text/text.h"

namespace nines::web {
namespace {

constexpr int kGzipLevel = 3;         // JSON shrinks 8-fold already, at three times the speed of 6
constexpr int kGzipWindow = 15 + 16;  // zlib: a gzip header instead of zlib's own
constexpr int kZstdLevel = 1;         // as small as gzip's 6, at several times its speed
constexpr int kFullWeight = 1000;     // weights have three decimals

// qvalue: 0, 0.123, 1, 1.000; anything else is none.
std::optional<int> read_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * kFullWeight;
  if (text.size() == 1) return weight;
  if (text[1] != '.') return std::nullopt;
  int scale = kFullWeight / 10;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return std::nullopt;
    weight += (c - '0') * scale;
    scale /= 10;
  }
  return weight <= kFullWeight ? std::optional(weight) : std::nullopt;
}

// The weight of one list element: `name`, `name;q=0.5`. Other parameters do not exist here.
int weight_of(const std::vector<std::string_view>& parts) {
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = trim(parts[i]);
    if (part.starts_with("q=")) return read_weight(part.substr(2)).value_or(0);
  }
  return kFullWeight;
}

struct Weights {
  std::optional<int> identity, gzip, zstd, any;
};

Weights read_weights(std::string_view header) {
  Weights out;
  const std::string lower = to_lower(header);
  for (const std::string_view item : split(lower, ',')) {
    const std::vector<std::string_view> parts = split(item, ';');
    const std::string_view name = trim(parts.front());
    std::optional<int>* slot = nullptr;
    if (name == "identity") slot = &out.identity;
    if (name == "gzip" || name == "x-gzip") slot = &out.gzip;
    if (name == "zstd") slot = &out.zstd;
    if (name == "*") slot = &out.any;
    if (slot != nullptr && !*slot) *slot = weight_of(parts);
  }
  return out;
}

}  // namespace

Acceptance negotiate_coding(std::string_view accept_encoding) {
  if (trim(accept_encoding).empty()) return {};
  const Weights weights = read_weights(accept_encoding);
  const int zstd = weights.zstd.value_or(0);
  const int gzip = weights.gzip.value_or(weights.any.value_or(0));
  // Plain bytes are welcome unless refused by name or by `*;q=0`, but only a weight given by name
  // puts them ahead of a coding.
  const bool plain = weights.identity.value_or(weights.any.value_or(kFullWeight)) > 0;
  const int identity = weights.identity.value_or(0);
  const int best = std::max({zstd, gzip, identity});
  if (best == 0) return {plain ? Coding::kIdentity : Coding::kNone, plain, false};
  if (zstd == best) return {Coding::kZstd, plain, gzip > 0};
  if (gzip == best) return {Coding::kGzip, plain, true};
  return {Coding::kIdentity, plain, gzip > 0};
}

std::string_view to_string(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kZstd:
      return "zstd";
    default:
      return "identity";
  }
}

bool gzip(std::string_view in, std::string& out) {
  z_stream stream{};
  if (deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return false;
  }
  out.resize(deflateBound(&stream, static_cast<uLong>(in.size())));
  // zlib reads through a pointer to non-const, and never writes.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool ended = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return ended;
}

bool zstd(std::string_view in, std::string& out) {
  out.resize(ZSTD_compressBound(in.size()));
  const std::size_t size = ZSTD_compress(out.data(), out.size(), in.data(), in.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0) return false;
  out.resize(size);
  return true;
}

}  // namespace nines::web
