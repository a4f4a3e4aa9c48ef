#pragma once
// Neumaier's summation: the error of each addition is kept beside the sum.
// Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen",
// 1974.

#include <cmath>

namespace nines::promql {

inline void kahan_add(double value, double& sum, double& error) {
  const double next = sum + value;
  if (std::isinf(next)) {
    error = 0;
  } else if (std::fabs(sum) >= std::fabs(value)) {
    error += (sum - next) + value;
  } else {
    error += (value - next) + sum;
  }
  sum = next;
}

}  // namespace nines::promql
