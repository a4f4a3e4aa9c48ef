#include "rules/slo/internal/minute_table.h"

#include <algorithm>

namespace nines::slo {
namespace {

using storage::LedgerMinute;

bool is_before(const LedgerMinute& row, std::int64_t minute) {
  return row.minute < minute;
}

}  // namespace

void add_to(WindowSum& sum, const LedgerMinute& row) {
  sum.good += row.good;
  sum.valid += row.valid;
  sum.excluded += row.excluded;
  if (row.good < row.valid) ++sum.bad_minutes;
}

void MinuteTable::merge(const std::vector<LedgerMinute>& rows) {
  if (rows.empty()) return;
  // Almost always the tail: what stands before it is not touched.
  const auto first = std::lower_bound(rows_.begin(), rows_.end(), rows.front().minute, is_before);
  const auto unchanged = static_cast<std::size_t>(first - rows_.begin());
  const std::vector<LedgerMinute> old(first, rows_.end());
  rows_.erase(first, rows_.end());
  auto left = old.begin();
  for (const LedgerMinute& row : rows) {
    while (left != old.end() && left->minute < row.minute) rows_.push_back(*left++);
    if (left != old.end() && left->minute == row.minute) ++left;
    rows_.push_back(row);
  }
  rows_.insert(rows_.end(), left, old.end());
  sum_up(unchanged);
}

void MinuteTable::sum_up(std::size_t first) {
  running_.resize(rows_.size());
  Running sum = before(first);
  for (std::size_t i = first; i < rows_.size(); ++i) {
    sum.good += rows_[i].good;
    sum.valid += rows_[i].valid;
    sum.excluded += rows_[i].excluded;
    if (rows_[i].good < rows_[i].valid) ++sum.bad_minutes;
    running_[i] = sum;
  }
}

void MinuteTable::forget_before(std::int64_t minute) {
  rows_.erase(rows_.begin(), std::lower_bound(rows_.begin(), rows_.end(), minute, is_before));
  sum_up(0);
}

WindowSum MinuteTable::sum(std::int64_t from, std::int64_t to) const {
  const auto row_of = [&](std::int64_t minute) {
    return static_cast<std::size_t>(
        std::lower_bound(rows_.begin(), rows_.end(), minute, is_before) - rows_.begin());
  };
  WindowSum out;
  if (to <= from) return out;
  const Running begin = before(row_of(from));
  const Running end = before(row_of(to));
  out.good = static_cast<double>(end.good - begin.good);
  out.valid = static_cast<double>(end.valid - begin.valid);
  out.excluded = static_cast<double>(end.excluded - begin.excluded);
  out.bad_minutes = end.bad_minutes - begin.bad_minutes;
  return out;
}

std::vector<LedgerMinute> MinuteTable::news(const std::vector<LedgerMinute>& rows) const {
  std::vector<LedgerMinute> out;
  for (const LedgerMinute& row : rows) {
    const auto at = std::lower_bound(rows_.begin(), rows_.end(), row.minute, is_before);
    const bool same = at != rows_.end() && at->minute == row.minute && at->good == row.good &&
                      at->valid == row.valid && at->excluded == row.excluded;
    if (!same) out.push_back(row);
  }
  return out;
}

}  // namespace nines::slo
