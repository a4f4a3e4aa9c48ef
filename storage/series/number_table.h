#pragma once
// Numbers found by a hash; what a number stands for is kept elsewhere, and compared there.

#include <cstdint>
#include <optional>
#include <vector>

namespace nines::storage::series {

// Open addressing, four bytes a place, at most three quarters full. Not thread-safe; reading while
// nobody adds is.
class NumberTable {
 public:
  // The number added with this hash for which `same(number)` is true.
  template <typename Same>
  std::optional<std::uint32_t> find(std::uint64_t hash, Same&& same) const {
    if (places_.empty()) return std::nullopt;
    const std::size_t mask = places_.size() - 1;
    for (std::size_t at = hash & mask; places_[at] != 0; at = (at + 1) & mask) {
      if (same(places_[at] - 1)) return places_[at] - 1;
    }
    return std::nullopt;
  }
  // The number must be new, and below UINT32_MAX. `hash_of(number)`: of those added before.
  template <typename HashOf>
  void add(std::uint64_t hash, std::uint32_t number, HashOf&& hash_of) {
    if ((used_ + 1) * 4 > places_.size() * 3) {
      std::vector<std::uint32_t> old(places_.empty() ? 8 : places_.size() * 2);
      old.swap(places_);
      for (const std::uint32_t place : old) {
        if (place != 0) put(hash_of(place - 1), place);
      }
    }
    put(hash, number + 1);
    ++used_;
  }
  std::size_t bytes() const { return places_.capacity() * sizeof(std::uint32_t); }

 private:
  void put(std::uint64_t hash, std::uint32_t place) {
    const std::size_t mask = places_.size() - 1;
    std::size_t at = hash & mask;
    while (places_[at] != 0) at = (at + 1) & mask;
    places_[at] = place;
  }

  std::vector<std::uint32_t> places_;  // number + 1, or 0
  std::size_t used_ = 0;
};

}  // namespace nines::storage::series
