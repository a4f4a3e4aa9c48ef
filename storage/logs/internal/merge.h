#pragma once
// Reads lines out of blocks and batches in order of time, opening each as late as it can.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "storage/api/logs.h"
#include "storage/logs/internal/batch.h"
#include "storage/logs/internal/block.h"

namespace nines::storage::logs {

// What a scan looks at: taken under the store's lock, then read without it.
struct Snapshot {
  std::vector<BlockPtr> blocks;
  std::vector<BatchPtr> batches;  // in the order of arrival
  StreamSet streams;              // that match
  std::vector<StreamPtr> kept;    // keeps `streams` alive
};

struct MergeParts {
  const ring::Ring& ring;
  const Snapshot& snapshot;
  LogRange range;
  LogOrder order;
  const StopFlag* stop;
  std::function<void(const Block&, const Error&)> on_damage;
};

// kUnavailable when stopped, kIo. A block that was evicted meanwhile is no longer there; a damaged
// one goes to on_damage, and the others are read.
Result<void> merge_lines(const MergeParts& parts,
                         const std::function<bool(const LabelSet&, const LogLine&)>& visit,
                         LogScanStats& stats);

}  // namespace nines::storage::logs
