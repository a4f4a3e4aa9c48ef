#pragma once
// rate(), increase() and delta() of floats alone: what depends on the times is worked out once for
// all series that were sampled at the same ones.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/promql/internal/functions.h"
#include "rules/promql/internal/ranges.h"
#include "rules/promql/internal/values.h"

namespace nines::promql {

// Prometheus extrapolates to a window's ends when samples come near them, else by half a sample
// interval; counters never below zero. Source:
// prometheus.io/docs/prometheus/latest/querying/functions, "rate()".
struct Extrapolation {
  // The first and last of `count` (two at least) samples in the window.
  Extrapolation(std::int64_t first, std::int64_t last, std::size_t count, std::int64_t from,
                std::int64_t to);
  double sampled, to_start, to_end;  // seconds between these; before and after them, at most
};

// Samples are floats that are not stale, whose starts are not known.
class PlainRate {
 public:
  PlainRate(Fn id, const RangeShape& shape, const Grid& grid)
      : id_(id), shape_(shape), grid_(grid) {}

  // The windows over samples at `times`, ascending.
  void place(const std::vector<std::int64_t>& times);
  // The answer at each step over values at these times, where there is one; `row` is absent so far.
  void answer(const std::vector<double>& values, double* row);

 private:
  void add_resets(const std::vector<double>& values);

  const Fn id_;
  const RangeShape& shape_;
  const Grid& grid_;
  // Of each step with an answer: where it stands in the row, its first and last sample.
  std::vector<std::uint32_t> steps_, first_, last_;
  std::vector<double> sampled_, to_start_, to_end_;
  // Scratch, as long.
  std::vector<double> before_, increase_;
};

}  // namespace nines::promql
