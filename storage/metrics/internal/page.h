#pragma once
// COLS pages: the rows of one group, column by column. Layout: docs/formats/metrics-ring.md,
// "COLS".

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/result.h"
#include "storage/metrics/internal/entry.h"

namespace nines::storage {

// What a page is made from: the open points of each slot, ascending by time.
using OpenColumns = std::vector<std::vector<Point>>;

// A range of slots, [first, end).
struct SlotRange {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
};

// Appends one page of the columns of `slots`; `flushed` is the sequence of the last journal frame all
// of whose rows are in pages once this one is on disk (0: none).
void encode_page(const OpenColumns& columns, SlotRange slots, std::uint64_t flushed, std::string& out);

// A page unpacked, with the places of its columns.
class Page {
 public:
  static Result<std::shared_ptr<const Page>> open(std::string_view packed);
  std::uint64_t flushed() const { return flushed_; }
  std::size_t bytes() const { return bytes_.size(); }
  // Appends the points of `slot`; nothing when the page has none of it. kCorrupt.
  Result<void> read(std::uint32_t slot, std::vector<Point>& out) const;

 private:
  std::string bytes_;
  std::uint64_t flushed_ = 0;
  std::vector<std::int64_t> times_;  // shared by most columns
  std::vector<std::pair<std::uint32_t, std::size_t>>
      directory_;  // slot, offset of its column; ascending
};

}  // namespace nines::storage
