#pragma once
// The arithmetic of rate() and its like at the end, over columns of windows.

#include <cstddef>

namespace nines::promql {

struct RateColumns {
  const double* sampled;   // seconds between the first and the last sample
  const double* to_start;  // how much further to extrapolate, at most
  const double* to_end;
  const double* before;  // the first sample's value
};

// From `increase` between first and last sample to what the function says, for each of `count`
// windows. `counter`: not extrapolated below zero. `seconds`: of the window, to divide by; 0: do
// not. `out` may be `increase`.
void finish_rates(const RateColumns& columns, const double* increase, std::size_t count,
                  bool counter, double seconds, double* out);

}  // namespace nines::promql
