#pragma once
// What a target missed, read back from the store in order of time.

#include <cstddef>
#include <cstdint>

#include "base/core/result.h"
#include "collector/send/internal/item.h"
#include "storage/api/querier.h"

namespace nines::collector {

// One thread at a time.
class CatchUp {
 public:
  // Every sample whose time is in [from, to], milliseconds.
  CatchUp(const storage::Querier& querier, std::int64_t from, std::int64_t to,
          std::size_t samples_max)
      : querier_(querier), next_(from), to_(to), samples_max_(samples_max) {}

  bool done() const { return next_ > to_; }
  std::int64_t next() const { return next_; }  // everything before it was given
  // The samples of the next span of time that has any, ascending by time and together by unit;
  // labels as stored. No more than samples_max, except of a single second. Empty when done. After
  // an error the same span is read again.
  Result<SendItems> read();

 private:
  Result<bool> read_span(std::int64_t from, std::int64_t to, bool may_give_up, SendItems& out);

  const storage::Querier& querier_;
  std::int64_t next_;
  const std::int64_t to_;
  const std::size_t samples_max_;
  std::int64_t span_ms_ = 60'000;
};

}  // namespace nines::collector
