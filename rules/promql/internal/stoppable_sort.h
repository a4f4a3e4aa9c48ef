#pragma once
// Sorting that a stopped query gets out of.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/core/result.h"

namespace nines::promql {

// Sorts as std::stable_sort does, asking `q.check()` every so many elements and giving its error
// when there is one; the order is then undefined. What is sorted already costs one pass.
template <typename T, typename Less, typename Context>
Result<void> stoppable_sort(std::vector<T>& items, const Less& less, const Context& q) {
  constexpr std::size_t kRun = 8192;
  if (std::is_sorted(items.begin(), items.end(), less)) return q.check();
  const auto at = [&](std::size_t i) {
    return items.begin() + static_cast<std::ptrdiff_t>(std::min(i, items.size()));
  };
  for (std::size_t i = 0; i < items.size(); i += kRun) {
    if (Result<void> ok = q.check(); !ok) return ok;
    std::stable_sort(at(i), at(i + kRun), less);
  }
  for (std::size_t run = kRun; run < items.size(); run *= 2) {
    for (std::size_t i = 0; i < items.size(); i += 2 * run) {
      if (Result<void> ok = q.check(); !ok) return ok;
      std::inplace_merge(at(i), at(i + run), at(i + 2 * run), less);
    }
  }
  return {};
}

}  // namespace nines::promql
