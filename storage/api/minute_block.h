#pragma once
// Rows of a ledger, packed: counts are small whole numbers mostly, most minutes have no bad event,
// and minutes follow each other. Format: docs/formats/ledger.md.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "storage/api/slo_ledger.h"

namespace nines::storage {

// Immutable. What comes out is what went in, bit by bit, but for the sign of zeros.
class MinuteBlock {
 public:
  static constexpr std::size_t kRows = 128;  // at most

  explicit MinuteBlock(std::span<const LedgerMinute> rows);  // ascending, not empty
  // What encode() gave, with the minutes it does not hold. kCorrupt.
  static Result<MinuteBlock> decode(std::int64_t first, std::int64_t last, std::string_view bytes);
  std::string encode() const;

  void unpack(std::vector<LedgerMinute>& out) const;  // appends
  std::int64_t first_minute() const { return first_; }
  std::int64_t last_minute() const { return last_; }
  std::size_t bytes() const { return packed_.capacity(); }  // of memory

 private:
  // Bytes of each value of a column: 0 (all are 0), 1, 2, 4, or 8 (doubles as they are).
  struct Widths {
    std::uint8_t step = 0;  // of minutes, less one
    std::uint8_t valid = 0;
    std::uint8_t bad = 0;  // valid - good; of `good` itself where doubles are kept
    std::uint8_t excluded = 0;

    std::size_t row() const { return std::size_t{step} + valid + bad + excluded; }
  };
  MinuteBlock() = default;

  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
  std::uint8_t rows_ = 0;
  Widths widths_;
  std::vector<std::uint8_t> packed_;  // column after column
};

}  // namespace nines::storage
