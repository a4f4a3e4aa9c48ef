#pragma once
// Looks into frames of the classes the metric store writes, for `nines verify`.

#include <cstdint>

#include "storage/ring/check.h"

namespace nines::storage {

// Of one segment. Frames of other stores' classes pass unread. `pages` counts the pages that were
// decoded whole; it must outlive the check.
ring::FrameCheck make_metric_frame_check(ring::SegmentClass cls, std::uint64_t& pages);

}  // namespace nines::storage
