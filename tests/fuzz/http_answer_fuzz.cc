// The reader of HTTP answers must say the same of a text whole and byte by byte, and keep its
// limits.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/net/internal/answer_reader.h"

using nines::net::AnswerLimits;
using nines::net::AnswerReader;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  AnswerLimits limits{.header_bytes_max = 256, .body_bytes_max = 300};
  if (!text.empty()) {
    limits.inflate = (text[0] & 1) != 0;
    text.remove_prefix(1);
  }
  AnswerReader whole(limits);
  const std::size_t used = whole.take(text);
  AnswerReader dripped(limits);
  std::size_t used_dripped = 0;
  for (const char c : text) {
    if (dripped.over()) break;
    used_dripped += dripped.take(std::string_view(&c, 1));
  }
  using State = AnswerReader::State;
  // What cannot become an answer is seen at another byte, or by another of its faults.
  const bool refused = whole.state() == State::kOdd || whole.state() == State::kFailed;
  const bool dripped_refused = dripped.state() == State::kOdd || dripped.state() == State::kFailed;
  if (refused != dripped_refused) __builtin_trap();
  if (whole.response().body.size() > limits.body_bytes_max) __builtin_trap();
  std::size_t header_bytes = 0;
  for (const auto& [name, value] : whole.response().headers)
    header_bytes += name.size() + value.size();
  if (header_bytes > limits.header_bytes_max) __builtin_trap();
  if (refused) return 0;
  if (used != used_dripped || whole.state() != dripped.state()) __builtin_trap();
  if (whole.response().body != dripped.response().body) __builtin_trap();
  if (whole.response().headers != dripped.response().headers) __builtin_trap();
  if (whole.state() == State::kDone && whole.keeps_alive() != dripped.keeps_alive())
    __builtin_trap();
  whole.close();
  if (!whole.over()) __builtin_trap();
  return 0;
}
