#pragma once
// How samples are cut into requests.

#include <cstddef>
#include <vector>

#include "collector/send/internal/item.h"

namespace nines::collector {

// What one request carries.
struct SendPiece {
  SendItems items;
  // The receiver may have some of it. Some receivers refuse all of a request when a sample of it is
  // older than what they have, so a refused one is sent again in parts.
  bool may_repeat = false;
  bool cut = false;  // a part of what was written at one instant; other parts may have arrived
};

// Up to `lanes` queues of pieces of at most `samples_max` items: all of one unit in one queue, in
// the order given. What was written at one instant stays in one piece when it fits.
std::vector<std::vector<SendPiece>> cut_into_lanes(SendItems items, std::size_t lanes,
                                                   std::size_t samples_max, bool may_repeat);

// The parts in which a refused piece is sent again: its instants; of a single instant, which was
// written whole or not at all, nothing when it is large and not cut, and halves otherwise. Empty:
// there is nothing left to try.
std::vector<SendPiece> split_refused(SendPiece piece);

}  // namespace nines::collector
