#include "storage/logs/frame_check.h"

#include <cstddef>
#include <limits>
#include <memory>
#include <string>

#include "storage/logs/internal/batch.h"
#include "storage/logs/internal/block.h"
#include "storage/logs/internal/block_writer.h"

namespace nines::storage {
namespace {

using ring::Frame;
using ring::TimeBounds;

Error unreadable(const char* what, const Error& why) {
  return Error(ErrorCode::kCorrupt, std::string(what) + " does not read: " + why.what());
}

}  // namespace

ring::FrameCheck make_log_frame_check(ring::SegmentClass cls, std::uint64_t& blocks) {
  if (cls == ring::SegmentClass::kLogJournal) {
    return [](const Frame& frame) -> Result<TimeBounds> {
      if (frame.head.type != logs::kBatchFrame) return TimeBounds{};
      const auto batch = logs::decode_batch(frame.payload);
      if (!batch) return unreadable("a batch of lines", batch.error());
      return batch->batch.bounds;
    };
  }
  if (cls != ring::SegmentClass::kLogs) return [](const Frame&) { return TimeBounds{}; };
  const auto streams =
      std::make_shared<logs::StreamTable>(std::numeric_limits<std::size_t>::max());
  return [streams, &blocks](const Frame& frame) -> Result<TimeBounds> {
    if (frame.head.type != logs::kBlockFrame) return TimeBounds{};
    ++blocks;
    const auto header = logs::decode_header(frame.payload, *streams);
    if (!header) return unreadable("a block", header.error());
    if (const auto columns = logs::decode_columns(frame.payload, *header); !columns)
      return unreadable("a block", columns.error());
    return header->times;
  };
}

}  // namespace nines::storage
