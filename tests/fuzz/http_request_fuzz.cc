// The framer must say the same of a text whole and byte by byte, and keep its limits.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "web/http/internal/framing.h"

using nines::web::FrameLimits;
using nines::web::RequestFramer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  FrameLimits limits;
  limits.head_bytes_max = 512;
  limits.headers_max = 8;
  limits.body_bytes_max = 64;
  limits.request_line_max = 100;
  RequestFramer whole(limits);
  const std::size_t used = whole.take(text);
  RequestFramer dripped(limits);
  std::size_t used_dripped = 0;
  for (const char c : text) {
    const std::size_t n = dripped.take(std::string_view(&c, 1));
    if (n == 0) break;
    used_dripped += n;
  }
  if (used != used_dripped || whole.state() != dripped.state()) __builtin_trap();
  if (whole.request().body != dripped.request().body) __builtin_trap();
  if (whole.request().body.size() > limits.body_bytes_max) __builtin_trap();
  if (whole.state() == RequestFramer::State::kDone) {
    if (whole.request().headers.size() > limits.headers_max) __builtin_trap();
    if (!whole.request().path.starts_with('/')) __builtin_trap();
  }
  return 0;
}
