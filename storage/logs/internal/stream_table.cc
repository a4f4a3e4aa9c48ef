#include "storage/logs/internal/stream_table.h"

#include <string>

namespace nines::storage::logs {

Result<StreamPtr> StreamTable::get(const LabelSet& labels) {
  const auto it = streams_.find(labels);
  if (it != streams_.end()) return it->second;
  if (streams_.size() >= streams_max_) sweep();
  if (streams_.size() >= streams_max_) {
    return Error(ErrorCode::kLimit, "log stream " + labels.to_string() +
                                        " refused: streams_max = " + std::to_string(streams_max_) +
                                        " reached");
  }
  return adopt(labels);
}

StreamPtr StreamTable::adopt(const LabelSet& labels) {
  const auto it = streams_.find(labels);
  if (it != streams_.end()) return it->second;
  // Made before it is entered: an allocation that fails leaves no empty entry.
  auto stream = std::make_shared<const Stream>(Stream{labels});
  streams_.emplace(labels, stream);
  return stream;
}

StreamSet StreamTable::matching(std::span<const Matcher> matchers) const {
  StreamSet out;
  for (const auto& [labels, stream] : streams_) {
    if (matches_all(matchers, labels)) out.insert(stream.get());
  }
  return out;
}

void StreamTable::sweep() {
  std::erase_if(streams_, [](const auto& item) { return item.second.use_count() == 1; });
}

}  // namespace nines::storage::logs
