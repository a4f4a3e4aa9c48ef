#pragma once
// The blocks there are, oldest segment first.

#include <cstddef>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "base/model/matcher.h"
#include "storage/api/logs.h"
#include "storage/logs/internal/block.h"

namespace nines::storage::logs {

// [from, to) of a LogRange against the closed bounds of a block, batch or stream.
inline bool overlaps(const ring::TimeBounds& times, LogRange range) {
  return times.min < range.to.time_since_epoch().count() &&
         times.max >= range.from.time_since_epoch().count();
}

// Not thread-safe: the store's mutex guards it.
class BlockIndex {
 public:
  void add(BlockPtr block) { blocks_.push_back(std::move(block)); }
  void forget_segment(std::uint64_t generation);
  const std::deque<BlockPtr>& blocks() const { return blocks_; }
  std::size_t size() const { return blocks_.size(); }
  // The blocks that may hold a line of one of `streams` in `range`; counts the others as skipped.
  std::vector<BlockPtr> find(const StreamSet& streams, LogRange range, LogScanStats& stats) const;

 private:
  std::deque<BlockPtr> blocks_;
};

// Of the blocks found on disk, in the order they were written, those that hold: see CutId, and
// docs/formats/log-ring.md "Recovery". `journal_first`: the oldest sequence the journal still has
// (UINT64_MAX: none). Also says up to which journal frame they reach.
struct ValidBlocks {
  std::vector<Block> blocks;
  std::uint64_t covered = 0;
  std::uint64_t next_cut = 1;
};
ValidBlocks choose_blocks(std::vector<Block> found, std::uint64_t journal_first);

}  // namespace nines::storage::logs
