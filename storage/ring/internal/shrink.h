#pragma once
// A ring becomes smaller: which segments stay, and under which numbers.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/fs/fs.h"
#include "storage/ring/internal/layout.h"
#include "storage/ring/ring.h"

namespace nines::storage::ring {

// A segment file before the ring becomes smaller.
struct HeldSegment {
  std::uint32_t number = 0;
  bool live = false;  // holds data
  SegmentClass cls = SegmentClass::kRaw;
  std::uint64_t generation = 0;
};

struct ShrinkPlan {
  struct Move {
    std::uint32_t from = 0, to = 0;
  };
  std::vector<Move> moves;              // over what stands there, if anything
  std::vector<std::uint32_t> removed;   // files that go, those moved over not among them
  std::vector<std::uint32_t> given_up;  // those with data among the files that go, oldest first
};

// What has to happen so that only numbers below `segments` are left. Free segments go first; then
// the oldest of the class furthest above its share; a journal only when nothing else is left. The
// highest generation ever given stays on disk, or it would be given twice. A plan that was carried
// out in part is completed by planning again from what is there.
ShrinkPlan plan_shrink(const std::vector<HeldSegment>& held, const Parts& parts,
                       std::uint32_t segments);

// Reads the headers, plans, and moves and removes files. The superblock is not written: until the
// caller does, the ring opens as the old one, without what has been given up already. Returns a
// line for the log. kIo.
Result<std::string> shrink_files(Fs& fs, const std::string& folder, const Super& super,
                                 const Parts& parts, std::uint32_t segments);

}  // namespace nines::storage::ring
