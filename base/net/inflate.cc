#include "base/net/inflate.h"

#include <array>

#include <zlib.h>

namespace nines::net {
namespace {
constexpr int kGzipWindow = 15 + 16;  // zlib's way to say: a gzip header, the largest window
}

struct GzipInflater::Stream {
  z_stream z{};
  bool ok = false;
  bool inside = false;  // between a member's first byte and its last
};

GzipInflater::GzipInflater(std::size_t bytes_max)
    : bytes_max_(bytes_max), stream_(std::make_unique<Stream>()) {
  stream_->ok = ::inflateInit2(&stream_->z, kGzipWindow) == Z_OK;
}

GzipInflater::~GzipInflater() {
  if (stream_->ok) ::inflateEnd(&stream_->z);
}

Result<void> GzipInflater::feed(std::string_view bytes, std::string& out) {
  if (!stream_->ok) return Error(ErrorCode::kUnavailable, "no memory to inflate the answer");
  bytes_in_ += bytes.size();
  z_stream& z = stream_->z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
  z.avail_in = static_cast<uInt>(bytes.size());
  std::array<char, 32u << 10> buffer;
  while (z.avail_in > 0 || z.avail_out == 0) {
    if (!stream_->inside) {
      if (z.avail_in == 0) break;
      if (::inflateReset(&z) != Z_OK) return Error(ErrorCode::kUnavailable, "cannot inflate");
      stream_->inside = true;
    }
    z.next_out = reinterpret_cast<Bytef*>(buffer.data());
    z.avail_out = static_cast<uInt>(buffer.size());
    const int code = ::inflate(&z, Z_NO_FLUSH);
    const std::size_t got = buffer.size() - z.avail_out;
    if (out.size() + got > bytes_max_) {
      return Error(ErrorCode::kLimit,
                   "answer inflates to more than " + std::to_string(bytes_max_) + " bytes");
    }
    out.append(buffer.data(), got);
    if (out.size() > kRatioFreeBytes && out.size() / kRatioMax > bytes_in_) {
      return Error(ErrorCode::kLimit,
                   "answer inflates to more than " + std::to_string(kRatioMax) + " times its size");
    }
    if (code == Z_STREAM_END) {
      stream_->inside = false;
      z.avail_out = 1;  // not "full": the next member decides whether to go on
    } else if (code == Z_BUF_ERROR) {
      break;  // it wants more input
    } else if (code != Z_OK) {
      return Error(ErrorCode::kUnavailable, std::string("answer is not valid gzip: ") +
                                                (z.msg != nullptr ? z.msg : "bad data"));
    }
  }
  return {};
}

Result<void> GzipInflater::finish() const {
  if (stream_->inside) return Error(ErrorCode::kUnavailable, "gzip answer stops before its end");
  return {};
}

}  // namespace nines::net
