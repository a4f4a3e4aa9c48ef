#pragma once
// The door through which somebody takes samples back.

#include <span>
#include <vector>

#include "base/core/result.h"
#include "base/model/matcher.h"
#include "storage/api/querier.h"

namespace nines::storage {

class SeriesDeleter {
 public:
  virtual ~SeriesDeleter() = default;

  // Hides the samples in the closed `range` of the series that match all matchers of at least one
  // set, and their exemplars: those the store has now. What comes later is not touched, whatever
  // its time. When it returns no read sees them any more, and that is on disk; their bytes leave
  // with the oldest of the ring. A range that ends before it begins hides nothing. kInvalid: a set
  // without a matcher that a series must have a label for, because it would be everything. kLimit:
  // too many deletions cover data that is still there (the text names the limit), kIo. Thread-safe.
  virtual Result<void> delete_series(std::span<const std::vector<Matcher>> sets,
                                     TimeRange range) = 0;
  // Forgets the deletions all of whose data has left; the store does so by itself, too. kIo.
  virtual Result<void> clean_deletions() = 0;
};

}  // namespace nines::storage
