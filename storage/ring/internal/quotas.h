#pragma once
// How many segments each class of a ring may hold.

#include <array>
#include <cstdint>

#include "storage/ring/ring.h"

namespace nines::storage::ring {

using Quotas = std::array<std::uint32_t, kSegmentClasses>;

// Segments to classes by their parts, each class with a part at least as many as least_segments()
// says; what rounding leaves goes to the largest. The sum is `segments`, which must not be less
// than segments_min().
Quotas share_out(const Parts& parts, std::uint32_t segments);

// Rows and lines not yet elsewhere: evicting such a segment would lose what nobody else has.
constexpr bool is_journal(SegmentClass cls) {
  return cls == SegmentClass::kJournal || cls == SegmentClass::kLogJournal;
}

}  // namespace nines::storage::ring
