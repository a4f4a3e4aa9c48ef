#pragma once
// Questions about whole columns of values.

#include <cstddef>

namespace nines::promql {

// Is any value a staleness marker?
bool any_stale(const double* values, std::size_t count);
// Is any value less than the one before it?
bool any_decrease(const double* values, std::size_t count);

}  // namespace nines::promql
