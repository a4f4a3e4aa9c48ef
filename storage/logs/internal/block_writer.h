#pragma once
// Writes blocks into the logs segments of the ring, and their footers.

#include <optional>
#include <span>
#include <vector>

#include "base/core/result.h"
#include "storage/logs/internal/footer.h"
#include "storage/logs/internal/head.h"
#include "storage/ring/ring.h"

namespace nines::storage::logs {

inline constexpr std::uint8_t kBlockFrame = 1;
inline constexpr std::uint8_t kBatchFrame = 2;

// One thread at a time.
class BlockWriter {
 public:
  explicit BlockWriter(ring::Ring& ring) : ring_(ring) {}

  // Goes on in the segment that was open when the ring was closed: `blocks` are the valid ones in
  // it.
  void resume(std::span<const BlockPtr> blocks);
  // Appends one block; when the segment is full, seals it with its footer and opens the next, which
  // may evict the oldest. kIo: everything since the last sync() must be written again.
  Result<BlockPtr> write(const CutId& cut, bool last_of_cut, std::span<const BlockLine> lines);
  Result<void> sync();

 private:
  Result<void> seal();
  ring::Ring& ring_;
  FooterBuilder footer_;                     // of the open segment
  std::optional<std::uint64_t> generation_;  // of the segment footer_ speaks of
};

}  // namespace nines::storage::logs
