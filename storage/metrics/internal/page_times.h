#pragma once
// The times that the columns of a page share, in little memory: a cache holds very many of them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nines::storage {

// Times at a fixed step are three numbers; others take four bytes each, if they are within seven
// weeks.
class PageTimes {
 public:
  PageTimes() = default;
  explicit PageTimes(std::span<const std::int64_t> times);
  std::size_t size() const { return count_; }
  void append_to(std::vector<std::int64_t>& out) const;
  std::size_t bytes() const { return words_.size() * sizeof(std::uint32_t); }  // beside itself

 private:
  std::int64_t first_ = 0;
  std::uint64_t step_ = 0;  // meant where words_ is empty
  std::uint32_t count_ = 0;
  bool wide_ = false;
  std::vector<std::uint32_t> words_;  // from first_; wide: two each, the lower half before
};

}  // namespace nines::storage
