#pragma once
// Inflates a gzip body as it arrives, so that a bomb is cut off before it takes the memory.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/result.h"

namespace nines::net {

inline constexpr std::size_t kRatioFreeBytes = 1u << 20;  // below this any ratio is fine
inline constexpr std::size_t kRatioMax = 100;

// One answer, one thread. Members of a multi-member stream are joined.
class GzipInflater {
 public:
  explicit GzipInflater(std::size_t bytes_max);
  ~GzipInflater();
  GzipInflater(const GzipInflater&) = delete;
  GzipInflater& operator=(const GzipInflater&) = delete;

  // Appends what `bytes` inflate to. kLimit when `out` would pass bytes_max, or grow past 1 MiB by
  // more than 100 times what came in; kUnavailable when the bytes are no gzip.
  Result<void> feed(std::string_view bytes, std::string& out);
  // kUnavailable when the stream stops before its end. No bytes at all are a whole, empty answer.
  Result<void> finish() const;

 private:
  struct Stream;
  const std::size_t bytes_max_;
  std::size_t bytes_in_ = 0;
  std::unique_ptr<Stream> stream_;
};

}  // namespace nines::net
