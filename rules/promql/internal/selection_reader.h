#pragma once
// Reads the series of a selection one after the other, on one thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "rules/promql/internal/evaluator.h"
#include "storage/api/reading_on.h"

namespace nines::promql {

class SelectionReader {
 public:
  // `resolve_hints`: of histograms whose counter resets the store cannot tell.
  SelectionReader(const QueryContext& q, bool resolve_hints,
                  const storage::SeriesSelection& selection);

  // Replaces `out`, which is what the last call left, but for changes to anything but its times.
  // True when its times are those it had before.
  Result<bool> read_on(std::size_t index, std::int64_t from, std::int64_t to, SampleColumns& out,
                       Notes notes);
  // As ReadingOn::latest(); nothing is known of a store that is none. Not when from > to.
  void latest(std::size_t first, std::int64_t from, std::int64_t to,
              std::span<storage::LatestSample> out) const;

 private:
  const QueryContext& q_;
  const bool resolve_hints_;
  const std::unique_ptr<storage::SeriesReader> reader_;
  storage::ReadingOn* const on_;  // null: the store has none that knows
};

}  // namespace nines::promql
