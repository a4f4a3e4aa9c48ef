#pragma once
// A row of each series of a selection, found by several threads, in the order of the selection.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "rules/promql/internal/evaluator.h"

namespace nines::promql {

// The rows of neighbouring series, and what there is to be said of them.
class FoundRows final : public Piece {
 public:
  FoundRows(QueryContext& q, std::size_t steps) : rows(steps, q.budget), annotations(q.query) {}
  Notes notes() { return {annotations, samples}; }

  Block rows;
  std::vector<std::size_t> series;  // of each row
  Annotations annotations;
  std::uint64_t samples = 0;   // decoded
  std::optional<Error> error;  // where it ended
};

// Finds the row of a series, if it has one. Each thread has its own, which touches nothing of the
// query but its limits.
class Scanner {
 public:
  virtual ~Scanner() = default;
  // The series [first, end) are asked for next, one after the other.
  virtual void begin(std::size_t /*first*/, std::size_t /*end*/) {}
  // Appends at most one row to `to.rows`.
  virtual Result<void> find(std::size_t series, FoundRows& to) = 0;
};

// The labels of a row: those the sink asks for; without one, all.
inline LabelSet row_labels(const storage::SeriesSelection& of, std::size_t series,
                           const RowSink* sink) {
  const std::vector<std::string>* const wanted = sink != nullptr ? sink->labels() : nullptr;
  if (wanted == nullptr) return of.labels(series);
  return wanted->empty() ? LabelSet() : of.keep(series, *wanted);
}

}  // namespace nines::promql
