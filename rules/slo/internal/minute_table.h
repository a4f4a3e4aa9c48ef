#pragma once
// The minutes of one SLO in memory, and sums over windows of them.

#include <cstdint>
#include <vector>

#include "storage/api/minute_block.h"
#include "storage/api/slo_ledger.h"

namespace nines::slo {

struct WindowSum {
  double good = 0;
  double valid = 0;
  double excluded = 0;
  std::int64_t bad_minutes = 0;
  std::int64_t excluded_minutes = 0;

  // Good events may run ahead of the valid ones for a moment, when two targets count them.
  double bad() const { return valid > good ? valid - good : 0; }
  bool has_events() const { return valid > 0; }
  double error_ratio() const { return has_events() ? bad() / valid : 0; }
};

// Everything up to some row. long double: differences of whole numbers stay exact.
struct Running {
  long double good = 0, valid = 0, excluded = 0;
  std::int64_t bad_minutes = 0;
  std::int64_t excluded_minutes = 0;

  void add(const storage::LedgerMinute& row) {
    good += row.good;
    valid += row.valid;
    excluded += row.excluded;
    if (row.good < row.valid) ++bad_minutes;
    if (row.is_excluded) ++excluded_minutes;
  }
};

// Old minutes are packed: a month of an SLO is about 150 KB. Each block of them knows the sum of
// all before it, so that a sum over any window looks at two blocks.
class MinuteTable {
 public:
  // Rows ascending; a row replaces the one of the same minute.
  void merge(const std::vector<storage::LedgerMinute>& rows);
  // Some of what stands before may stay for a while.
  void forget_before(std::int64_t minute);

  // Over the minutes [from, to). Exact where the counts are whole numbers below 2^53.
  WindowSum sum(std::int64_t from, std::int64_t to) const;
  // Those of `rows` that are not in the table just so.
  std::vector<storage::LedgerMinute> news(const std::vector<storage::LedgerMinute>& rows) const;
  std::vector<storage::LedgerMinute> rows() const;
  bool empty() const { return blocks_.empty() && tail_.empty(); }
  std::int64_t first_minute() const;  // INT64_MAX without rows
  std::int64_t last_minute() const;   // INT64_MIN without rows
  std::size_t bytes() const;          // of memory, about

 private:
  struct Sealed {
    Running before;
    storage::MinuteBlock block;
  };
  Running up_to(std::int64_t minute) const;  // everything before the minute
  // The block that may hold it; blocks_.size() when it would stand in the tail.
  std::size_t block_of(std::int64_t minute) const;
  void seal();

  std::vector<Sealed> blocks_;               // ascending
  std::vector<storage::LedgerMinute> tail_;  // after the blocks, ascending
  Running before_tail_;
};

void add_to(WindowSum& sum, const storage::LedgerMinute& row);

}  // namespace nines::slo
