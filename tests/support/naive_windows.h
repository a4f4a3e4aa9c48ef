#pragma once
// What the naive evaluator computes of one window's samples.

#include <optional>
#include <string>
#include <vector>

#include "tests/support/naive_promql.h"

namespace nines::naive {

struct WindowOf {
  Points points;          // ascending, without staleness markers, never empty
  std::int64_t from = 0;  // the window is (from, to]
  std::int64_t to = 0;
  std::int64_t now = 0;  // the step
};

// Nothing where the function gives no sample.
std::optional<double> of_window(const std::string& function, const WindowOf& window,
                                const std::vector<double>& params);
double quantile(double q, std::vector<double> values);
long double variance(const std::vector<double>& values);

}  // namespace nines::naive
