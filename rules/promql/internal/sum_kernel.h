#pragma once
// Sums at every step.

#include <cstddef>

namespace nines::promql {

// kahan_add() of each value that is not absent() to its step's sum and error.
void add_row(const double* row, std::size_t count, double* sums, double* errors);

}  // namespace nines::promql
