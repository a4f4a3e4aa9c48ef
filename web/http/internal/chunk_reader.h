#pragma once
// The lines between the data of a chunked body.

#include <cstdint>

namespace nines::web {

// RFC 9112, section 7.1, strictly: a size is 1 to 16 hexadecimal digits, lines end in CRLF.
// Extensions and trailers are read over: at most 256 bytes of a size's line, 8 KiB of trailers, and
// 16 KiB of extensions beyond what their data excuses (16 bytes and twice the chunk).
class ChunkReader {
 public:
  enum class Step : std::uint8_t { kMore, kData, kEnd, kBad };

  // One byte that is no data. kData: chunk_bytes() of data follow, then data_over(). kEnd: the body
  // is whole.
  Step take(char c);
  std::uint64_t chunk_bytes() const { return size_; }
  void data_over() { at_ = At::kDataEnd; }

 private:
  enum class At : std::uint8_t { kSize, kExtension, kDataEnd, kTrailer };
  Step take_size(char c);
  Step take_trailer(char c);
  Step end_data();
  Step end_line();

  At at_ = At::kSize;
  std::uint64_t size_ = 0;
  int digits_ = 0;
  bool cr_ = false;            // the byte before was one
  bool colon_ = false;         // in this line of a trailer
  std::uint32_t line_ = 0;     // bytes of the line so far
  std::uint32_t trailer_ = 0;  // bytes of all trailers
  std::uint64_t excess_ = 0;
};

}  // namespace nines::web
