#pragma once
// The minutes of one SLO in memory, and sums over windows of them.

#include <cstdint>
#include <vector>

#include "storage/api/slo_ledger.h"

namespace nines::slo {

struct WindowSum {
  double good = 0;
  double valid = 0;
  double excluded = 0;
  std::int64_t bad_minutes = 0;

  // Good events may run ahead of the valid ones for a moment, when two targets count them.
  double bad() const { return valid > good ? valid - good : 0; }
  bool has_events() const { return valid > 0; }
  double error_ratio() const { return has_events() ? bad() / valid : 0; }
};

class MinuteTable {
 public:
  // Rows ascending; a row replaces the one of the same minute.
  void merge(const std::vector<storage::LedgerMinute>& rows);
  void forget_before(std::int64_t minute);

  // Over the minutes [from, to), in O(log rows). Exact where the counts are whole numbers below
  // 2^53.
  WindowSum sum(std::int64_t from, std::int64_t to) const;
  // Those of `rows` that are not in the table just so.
  std::vector<storage::LedgerMinute> news(const std::vector<storage::LedgerMinute>& rows) const;
  const std::vector<storage::LedgerMinute>& rows() const { return rows_; }

 private:
  // Everything up to and with a row. long double: differences of whole numbers stay exact.
  struct Running {
    long double good = 0, valid = 0, excluded = 0;
    std::int64_t bad_minutes = 0;
  };
  void sum_up(std::size_t first);  // rows_[first] is the first whose running sum is not up to date
  Running before(std::size_t row) const { return row == 0 ? Running{} : running_[row - 1]; }

  std::vector<storage::LedgerMinute> rows_;  // ascending
  std::vector<Running> running_;             // one per row
};

void add_to(WindowSum& sum, const storage::LedgerMinute& row);

}  // namespace nines::slo
