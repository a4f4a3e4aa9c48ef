#include "storage/logs/internal/head.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace nines::storage::logs {
namespace {

std::size_t label_bytes(const LabelSet& labels) {
  std::size_t size = 0;
  for (const Label& l : labels) size += l.name.size() + l.value.size() + 4;
  return size;
}

}  // namespace

std::vector<BlockPlan> plan_blocks(const std::vector<BatchPtr>& head, std::size_t block_bytes) {
  std::vector<BlockLine> lines;
  for (const BatchPtr& batch : head) {
    for (std::size_t i = 0; i < batch->size(); ++i) {
      lines.push_back({&batch->stream, batch->times[i], lines.size(), batch->line(i)});
    }
  }
  // Similar label sets next to each other: their lines are alike too, and compress better together.
  std::sort(lines.begin(), lines.end(), [](const BlockLine& a, const BlockLine& b) {
    if (*a.stream != *b.stream) return (*a.stream)->labels < (*b.stream)->labels;
    return std::tie(a.at, a.arrival) < std::tie(b.at, b.arrival);
  });
  std::vector<BlockPlan> plans;
  std::size_t size = 0;
  const Stream* stream = nullptr;
  for (const BlockLine& line : lines) {
    if (plans.empty() || size >= block_bytes) {
      plans.emplace_back();
      size = 0;
      stream = nullptr;
    }
    if (line.stream->get() != stream) {
      stream = line.stream->get();
      size += label_bytes(stream->labels);
    }
    size += line.text.size();
    plans.back().lines.push_back(line);
  }
  return plans;
}

}  // namespace nines::storage::logs
