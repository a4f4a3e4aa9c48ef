#pragma once
// Looks into frames of the classes the log store writes, for `nines verify`.

#include <cstdint>

#include "storage/ring/check.h"

namespace nines::storage {

// Of one segment. Frames of other stores' classes pass unread. `blocks` counts the blocks that were
// unpacked; it must outlive the check.
ring::FrameCheck make_log_frame_check(ring::SegmentClass cls, std::uint64_t& blocks);

}  // namespace nines::storage
