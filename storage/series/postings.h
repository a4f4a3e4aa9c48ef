#pragma once
// Which series carry a label: ascending numbers. As runs of neighbours with the distances between
// them: a run costs two bytes and a lone number one, where they are close. As a bitmap once that
// takes fewer bytes: a label of many series that lie scattered.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/chunk/bytes.h"

namespace nines::storage::series {

// Not thread-safe; reading while nobody adds is.
class Postings {
 public:
  void add(std::uint32_t number);  // larger than all before
  std::uint32_t size() const { return count_; }
  // Appends all numbers, ascending.
  void append_to(std::vector<std::uint32_t>& out) const;
  // Then contains() takes the same time whatever the number.
  bool is_bitmap() const { return !bits_.empty(); }
  bool contains(std::uint32_t number) const;  // of a bitmap
  std::size_t bytes() const {                 // of memory, beyond the object itself
    return (closed_.capacity() > sizeof(std::string) / 2 ? closed_.capacity() : 0) +
           bits_.capacity() * sizeof(std::uint64_t);
  }

 private:
  void close();
  void set(std::uint32_t number);

  // Closed runs: varint distance from the end of the run before << 1 | longer than one, then, if
  // so, varint length - 2.
  std::string closed_;
  std::uint32_t closed_end_ = 0;  // one past the last closed run
  std::uint32_t first_ = 0;       // of the run that may still grow
  std::uint32_t length_ = 0;
  std::uint32_t count_ = 0;
  std::vector<std::uint64_t> bits_;  // number n is bit n % 64 of word n / 64; then no runs are kept
};

}  // namespace nines::storage::series
