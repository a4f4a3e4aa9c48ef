#include "collector/receive/internal/unpack.h"

#include <algorithm>
#include <array>
#include <memory>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/net/inflate.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr int kWindowLogMax = 23;  // 8 MiB

Error too_long(std::size_t bytes_max) {
  return {ErrorCode::kLimit, "the body inflates to more than " + std::to_string(bytes_max) +
                                 " bytes, or a hundred times its size; send smaller batches"};
}

// Frames of a body of several are joined.
Result<void> unpack_zstd(std::string_view body, std::size_t bytes_max, std::string& out) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> stream(ZSTD_createDCtx(),
                                                                    &ZSTD_freeDCtx);
  if (!stream) return Error(ErrorCode::kUnavailable, "no memory to unpack the body");
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  std::array<char, 32u << 10> buffer;
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  std::size_t left = 0;  // 0: at the end of a frame
  bool full = false;     // there may be more to fetch
  while (in.pos < in.size || full) {
    ZSTD_outBuffer made{buffer.data(), buffer.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &made, &in);
    if (ZSTD_isError(left) != 0) {
      if (ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge) {
        return Error(ErrorCode::kLimit,
                     "the zstd body wants a window of more than 8 MiB; pack it with a lower level");
      }
      return Error(ErrorCode::kInvalid, "the body is no valid zstd");
    }
    full = made.pos == made.size && left != 0;
    if (made.pos > bytes_max - out.size()) return too_long(bytes_max);
    out.append(buffer.data(), made.pos);
    if (out.size() > net::kRatioFreeBytes && out.size() / net::kRatioMax > body.size()) {
      return too_long(bytes_max);
    }
  }
  if (left != 0) return Error(ErrorCode::kInvalid, "the zstd body stops before its end");
  return {};
}

}  // namespace

Result<std::string_view> unpack(std::string_view content_encoding, std::string_view body,
                                std::size_t bytes_max, std::string& room) {
  const std::string coding = to_lower(trim(content_encoding));
  if (coding.empty() || coding == "identity") {
    if (body.size() <= bytes_max) return body;
    return Error(ErrorCode::kLimit, "the body is longer than " + std::to_string(bytes_max) +
                                        " bytes; send smaller batches");
  }
  if (coding == "zstd") {
    if (Result<void> done = unpack_zstd(body, bytes_max, room); !done) return done.error();
    return std::string_view(room);
  }
  if (coding != "gzip") {
    return Error(ErrorCode::kNotFound,
                 "Content-Encoding " + quote_go(coding) + " is not taken; send gzip, zstd or none");
  }
  net::GzipInflater inflater(bytes_max);
  Result<void> done = inflater.feed(body, room);
  if (done) done = inflater.finish();
  if (done) return std::string_view(room);
  if (done.error().code() == ErrorCode::kLimit) return too_long(bytes_max);
  return Error(ErrorCode::kInvalid, "the body is no valid gzip");
}

}  // namespace nines::collector
