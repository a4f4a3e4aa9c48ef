#pragma once
// Sums at every step.

#include <array>
#include <cstddef>

namespace nines::promql {

// kahan_add() of each value that is not absent() to its step's sum and error.
void add_row(const double* row, std::size_t count, double* sums, double* errors);

// Sums of four windows over one column, each in the order of its values, and their errors. What
// kahan_add() makes of them where the sum is finite; else it means nothing.
inline constexpr std::size_t kWindowsAtOnce = 4;
struct FourWindows {
  std::array<std::size_t, kWindowsAtOnce> begin, end;  // values [begin, end)
  std::array<double, kWindowsAtOnce> sums, errors;
};
void sum_windows(const double* values, FourWindows& windows);

}  // namespace nines::promql
