#pragma once
// The lines in memory: what the journal holds and no block does yet.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "storage/logs/internal/batch.h"
#include "storage/logs/internal/block.h"

namespace nines::storage::logs {

struct Head {
  std::vector<BatchPtr> batches;  // in the order of arrival
  std::size_t text_bytes = 0;

  bool empty() const { return batches.empty(); }
  void add(BatchPtr batch) {
    text_bytes += batch->text.size();
    batches.push_back(std::move(batch));
  }
};

// One block to be: a run of the sorted lines.
struct BlockPlan {
  std::vector<BlockLine> lines;  // point into the head's batches
};

// Sorts the head's lines by (stream, time, arrival) and parts them into blocks of about
// `block_bytes` (text and labels). Views into `head`.
std::vector<BlockPlan> plan_blocks(const std::vector<BatchPtr>& head, std::size_t block_bytes);

}  // namespace nines::storage::logs
