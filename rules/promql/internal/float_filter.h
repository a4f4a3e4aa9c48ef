#pragma once
// Comparisons that are known before rows are made: of most alerting rules nothing is left.

#include <cstddef>
#include <vector>

#include "rules/promql/ast.h"
#include "rules/promql/internal/values.h"

namespace nines::promql {

// `value op scalar` at every step, or the other way round.
struct ScalarSide {
  BinaryOp op;
  const Column& scalars;  // one a step
  bool left = false;      // the scalar is the left operand
};

// A comparison with scalars that floats must stand, after arithmetic with scalars, or their row is
// not even made. Histograms pass, and whoever asked compares once more.
class FloatFilter {
 public:
  // Columns must outlive it.
  explicit FloatFilter(const ScalarSide& comparison) : comparison_(comparison) {}
  // The same for values that this is done to first: value / 4 < 2 for value < 2.
  FloatFilter after(const ScalarSide& arithmetic) const;

  bool keeps(double value, std::size_t step) const;
  // Is there a step whose value it keeps? `row` has absent() where there is none.
  bool keeps_any(const double* row, std::size_t steps) const;

 private:
  ScalarSide comparison_;
  std::vector<ScalarSide> before_;  // the last is done first
};

}  // namespace nines::promql
