#include "web/http/internal/chunk_reader.h"

#include <algorithm>

namespace nines::web {
namespace {

constexpr int kDigitsMax = 16;
constexpr std::uint32_t kLineMax = 256;
constexpr std::uint32_t kTrailerMax = 8u << 10;
constexpr std::uint64_t kExcessMax = 16u << 10;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

ChunkReader::Step ChunkReader::take(char c) {
  if (cr_) {
    cr_ = false;
    if (c != '\n') return Step::kBad;
    return at_ == At::kDataEnd ? end_data() : end_line();
  }
  if (c == '\r') {
    cr_ = true;
    return Step::kMore;
  }
  const auto byte = static_cast<unsigned char>(c);
  const bool control = (byte < 0x20 && c != '\t') || byte == 0x7F;
  if (control || at_ == At::kDataEnd) return Step::kBad;
  ++line_;
  if (at_ == At::kTrailer) return take_trailer(c);
  return line_ > kLineMax ? Step::kBad : take_size(c);
}

ChunkReader::Step ChunkReader::take_size(char c) {
  if (at_ == At::kExtension) return Step::kMore;
  if (c == ';' && digits_ > 0) {
    at_ = At::kExtension;
    return Step::kMore;
  }
  const int digit = hex_digit(c);
  if (digit < 0 || ++digits_ > kDigitsMax) return Step::kBad;
  size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
  return Step::kMore;
}

ChunkReader::Step ChunkReader::take_trailer(char c) {
  if (++trailer_ > kTrailerMax) return Step::kBad;
  if (line_ == 1 && (c == ' ' || c == '\t' || c == ':')) return Step::kBad;  // folded, or nameless
  colon_ = colon_ || c == ':';
  return Step::kMore;
}

ChunkReader::Step ChunkReader::end_data() {
  at_ = At::kSize;
  size_ = 0;
  digits_ = 0;
  line_ = 0;
  return Step::kMore;
}

ChunkReader::Step ChunkReader::end_line() {
  if (at_ == At::kTrailer) {
    if (line_ == 0) return Step::kEnd;
    if (!colon_) return Step::kBad;
    colon_ = false;
    line_ = 0;
    return Step::kMore;
  }
  if (digits_ == 0) return Step::kBad;
  const std::uint64_t excused = 16 + 2 * std::min<std::uint64_t>(size_, 1u << 30);
  excess_ += line_ + 4;  // this line's end and the data's
  excess_ -= std::min(excess_, excused);
  if (excess_ > kExcessMax) return Step::kBad;
  if (size_ > 0) return Step::kData;
  at_ = At::kTrailer;
  line_ = 0;
  return Step::kMore;
}

}  // namespace nines::web
