#pragma once
// Reads the two headers of a segment file.

#include <string>
#include <vector>

#include "storage/ring/internal/layout.h"
#include "storage/ring/internal/segment_ring.h"

namespace nines::storage::ring {

// Fills in what the headers of `segment.file` say; leaves it as a free segment when they say
// nothing of this ring. A line for `name` is added to `damage` when a header cannot be used. kIo.
Result<void> read_segment_headers(const Uuid& uuid, const std::string& name, Segment& segment,
                                  std::vector<std::string>& damage);

}  // namespace nines::storage::ring
