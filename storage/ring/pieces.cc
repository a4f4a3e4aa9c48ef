#include "storage/ring/pieces.h"

#include <algorithm>
#include <tuple>

#include "storage/ring/internal/layout.h"

namespace nines::storage::ring {
namespace {

std::uint64_t end_of(const Location& frame) {
  return std::uint64_t{frame.offset} + kFrameHeaderBytes + frame.length;
}

}  // namespace

std::vector<std::span<const Location>> pieces_of(std::vector<Location>& frames,
                                                 const PieceLimits& limits) {
  std::sort(frames.begin(), frames.end(), [](const Location& a, const Location& b) {
    return std::tie(a.segment, a.generation, a.offset) <
           std::tie(b.segment, b.generation, b.offset);
  });
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  std::vector<std::span<const Location>> pieces;
  for (std::size_t first = 0; first < frames.size();) {
    const Location& begin = frames[first];
    std::size_t next = first + 1;
    for (; next < frames.size(); ++next) {
      const Location& frame = frames[next];
      const bool near = frame.segment == begin.segment && frame.generation == begin.generation &&
                        frame.offset <= end_of(frames[next - 1]) + limits.gap &&
                        end_of(frame) <= std::uint64_t{begin.offset} + limits.bytes;
      if (!near) break;
    }
    pieces.push_back(std::span<const Location>(frames).subspan(first, next - first));
    first = next;
  }
  return pieces;
}

}  // namespace nines::storage::ring
