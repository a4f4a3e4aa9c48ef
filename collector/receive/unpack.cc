#include "collector/receive/internal/unpack.h"

#include "base/net/inflate.h"
#include "base/text/text.h"

namespace nines::collector {

Result<std::string_view> unpack(std::string_view content_encoding, std::string_view body,
                                std::size_t bytes_max, std::string& room) {
  const std::string coding = to_lower(trim(content_encoding));
  if (coding.empty() || coding == "identity") {
    if (body.size() <= bytes_max) return body;
    return Error(ErrorCode::kLimit, "the body is longer than " + std::to_string(bytes_max) +
                                        " bytes; send smaller batches");
  }
  if (coding != "gzip") {
    return Error(ErrorCode::kNotFound,
                 "Content-Encoding " + quote_go(coding) + " is not taken; send gzip or none");
  }
  net::GzipInflater inflater(bytes_max);
  Result<void> done = inflater.feed(body, room);
  if (done) done = inflater.finish();
  if (done) return std::string_view(room);
  if (done.error().code() == ErrorCode::kLimit) {
    return Error(ErrorCode::kLimit, "the body inflates to more than " + std::to_string(bytes_max) +
                                        " bytes, or a hundred times its size; send smaller batches");
  }
  return Error(ErrorCode::kInvalid, "the body is no valid gzip");
}

}  // namespace nines::collector
