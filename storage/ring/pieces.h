#pragma once
// Many frames to be read, as the pieces of segments that one read each brings.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "storage/ring/ring.h"

namespace nines::storage::ring {

struct PieceLimits {
  std::uint32_t gap = 32u << 10;     // bytes between two frames that are read along
  std::uint32_t bytes = 256u << 10;  // of a piece, unless one frame is larger
};

// Puts `frames` in the order they lie in, each once. The pieces are parts of it.
std::vector<std::span<const Location>> pieces_of(std::vector<Location>& frames,
                                                 const PieceLimits& limits = {});

// A Ring may be one; who reads many frames looks whether it is. Thread-safe.
class PieceReader {
 public:
  virtual ~PieceReader() = default;
  // A hint that read_piece() of the same piece follows: the disk may bring it meanwhile.
  virtual void will_read(std::span<const Location> piece) const = 0;
  // As Ring::read() of each frame of a piece, by one read of the disk into `room`, which the next
  // call may have again. Visits those that are there and intact, in order; Ring::read() tells what
  // became of others.
  virtual void read_piece(std::span<const Location> piece, std::vector<std::byte>& room,
                          const std::function<void(const Frame&)>& visit) const = 0;
};

}  // namespace nines::storage::ring
