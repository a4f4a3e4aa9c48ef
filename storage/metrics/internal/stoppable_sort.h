#pragma once
// Sorting so much that whoever waits for it may change his mind meanwhile.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace nines::storage {

inline constexpr std::size_t kSortBlock = 1024;  // elements sorted or merged between two looks

// [begin, end) of `all`; `left` is room to work in. Halves before their whole, so that what is
// merged is still in the cache.
template <typename T, typename Less, typename Stopped>
bool stoppable_sort(std::vector<T>& all, std::size_t begin, std::size_t end, std::vector<T>& left,
                    const Less& less, const Stopped& stopped) {
  const auto at = [&](std::size_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
  if (end - begin <= kSortBlock) {
    if (stopped()) return false;
    std::stable_sort(at(begin), at(end), less);
    return true;
  }
  const std::size_t middle = begin + (end - begin) / 2;
  if (!stoppable_sort(all, begin, middle, left, less, stopped) ||
      !stoppable_sort(all, middle, end, left, less, stopped)) {
    return false;
  }
  left.assign(std::move_iterator(at(begin)), std::move_iterator(at(middle)));
  std::size_t b = middle;
  for (std::size_t a = 0, out = begin; a < left.size(); ++out) {
    if ((out - begin) % kSortBlock == 0 && stopped()) return false;
    all[out] = std::move(b < end && less(all[b], left[a]) ? all[b++] : left[a++]);
  }
  return true;
}

// As std::stable_sort(), but asks `stopped()` now and then: at least every kSortBlock elements that
// are sorted or merged. False when it said yes: what `all` holds means nothing then.
template <typename T, typename Less, typename Stopped>
bool stoppable_sort(std::vector<T>& all, const Less& less, const Stopped& stopped) {
  std::vector<T> left;
  left.reserve(all.size() / 2);
  return stoppable_sort(all, 0, all.size(), left, less, stopped);
}

}  // namespace nines::storage
