#include "storage/logs/internal/block_index.h"

#include <algorithm>
#include <map>
#include <utility>

namespace nines::storage::logs {

void BlockIndex::forget_segment(std::uint64_t generation) {
  std::erase_if(blocks_, [&](const BlockPtr& b) { return b->location.generation == generation; });
}

std::vector<BlockPtr> BlockIndex::find(const StreamSet& streams, LogRange range,
                                       LogScanStats& stats) const {
  std::vector<BlockPtr> out;
  for (const BlockPtr& block : blocks_) {
    const auto& in_block = block->header.streams;
    const bool wanted = overlaps(block->header.times, range) &&
                        std::any_of(in_block.begin(), in_block.end(), [&](const BlockStream& s) {
                          return overlaps(s.times, range) && streams.contains(s.stream.get());
                        });
    if (wanted) {
      out.push_back(block);
    } else {
      ++stats.blocks_skipped;
    }
  }
  return out;
}

ValidBlocks choose_blocks(std::vector<Block> found, std::uint64_t journal_first) {
  struct Cut {
    CutId id;
    bool complete = false;
    bool holds = true;
  };
  std::map<std::uint64_t, Cut> cuts;  // by number: in the order they were made
  for (const Block& block : found) {
    Cut& cut = cuts[block.header.cut.number];
    cut.id = block.header.cut;
    cut.complete = cut.complete || block.header.last_of_cut;
  }
  ValidBlocks out;
  // A later cut that begins at or before a frame of an earlier one was made because the earlier one
  // had failed.
  std::uint64_t later_first = UINT64_MAX;
  for (auto it = cuts.rbegin(); it != cuts.rend(); ++it) {
    Cut& cut = it->second;
    cut.holds = cut.id.last_sequence < later_first;
    later_first = std::min(later_first, cut.id.first_sequence);
  }
  if (!cuts.empty()) {
    // Cut short by a crash, unless the journal has given back its frames, which comes after.
    Cut& newest = cuts.rbegin()->second;
    if (!newest.complete && journal_first <= newest.id.first_sequence) newest.holds = false;
    out.next_cut = newest.id.number + 1;
  }
  for (const auto& [number, cut] : cuts) {
    if (cut.holds) out.covered = std::max(out.covered, cut.id.last_sequence);
  }
  std::erase_if(found, [&](const Block& b) { return !cuts[b.header.cut.number].holds; });
  out.blocks = std::move(found);
  return out;
}

}  // namespace nines::storage::logs
