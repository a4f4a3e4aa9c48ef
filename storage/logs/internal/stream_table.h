#pragma once
// Which streams there are. A stream lives as long as a batch or a block speaks of it.

#include <cstddef>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"

namespace nines::storage::logs {

struct Stream {
  LabelSet labels;
};
// Shared by every batch and block of the stream, and by readers that still look at them.
using StreamPtr = std::shared_ptr<const Stream>;
using StreamSet = std::unordered_set<const Stream*>;

// Not thread-safe: the store's mutex guards it.
class StreamTable {
 public:
  explicit StreamTable(std::size_t streams_max) : streams_max_(streams_max) {}

  // The stream with these labels; a new one when there is room. kLimit.
  Result<StreamPtr> get(const LabelSet& labels);
  // As get(), but never refuses: what is on disk already is taken as it is.
  StreamPtr adopt(const LabelSet& labels);
  StreamSet matching(std::span<const Matcher> matchers) const;
  void sweep();  // forgets the streams nobody speaks of
  std::size_t size() const { return streams_.size(); }

 private:
  std::size_t streams_max_;
  std::unordered_map<LabelSet, StreamPtr> streams_;
};

}  // namespace nines::storage::logs
