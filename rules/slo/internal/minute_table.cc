#include "rules/slo/internal/minute_table.h"

#include <algorithm>
#include <span>

namespace nines::slo {
namespace {

using storage::LedgerMinute;
using storage::MinuteBlock;

constexpr std::size_t kTailMax = 2 * MinuteBlock::kRows;

bool is_before(const LedgerMinute& row, std::int64_t minute) {
  return row.minute < minute;
}

// `rows` and `others`, which win.
std::vector<LedgerMinute> merged(const std::vector<LedgerMinute>& rows,
                                 const std::vector<LedgerMinute>& others) {
  std::vector<LedgerMinute> out;
  out.reserve(rows.size() + others.size());
  auto left = rows.begin();
  for (const LedgerMinute& row : others) {
    while (left != rows.end() && left->minute < row.minute) out.push_back(*left++);
    if (left != rows.end() && left->minute == row.minute) ++left;
    out.push_back(row);
  }
  out.insert(out.end(), left, rows.end());
  return out;
}

}  // namespace

void add_to(WindowSum& sum, const LedgerMinute& row) {
  sum.good += row.good;
  sum.valid += row.valid;
  sum.excluded += row.excluded;
  if (row.good < row.valid) ++sum.bad_minutes;
  if (row.is_excluded) ++sum.excluded_minutes;
}

std::size_t MinuteTable::block_of(std::int64_t minute) const {
  const auto found = std::lower_bound(
      blocks_.begin(), blocks_.end(), minute,
      [](const Sealed& one, std::int64_t at) { return one.block.last_minute() < at; });
  return static_cast<std::size_t>(found - blocks_.begin());
}

void MinuteTable::merge(const std::vector<LedgerMinute>& rows) {
  if (rows.empty()) return;
  // Almost always the tail. What stands in blocks is unpacked from there on.
  const std::size_t block = block_of(rows.front().minute);
  if (block < blocks_.size()) {
    std::vector<LedgerMinute> unpacked;
    for (std::size_t i = block; i < blocks_.size(); ++i) blocks_[i].block.unpack(unpacked);
    unpacked.insert(unpacked.end(), tail_.begin(), tail_.end());
    before_tail_ = blocks_[block].before;
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(block), blocks_.end());
    tail_ = std::move(unpacked);
  }
  if (tail_.empty() || tail_.back().minute < rows.front().minute) {
    tail_.insert(tail_.end(), rows.begin(), rows.end());
  } else {
    tail_ = merged(tail_, rows);
  }
  seal();
}

void MinuteTable::seal() {
  if (tail_.size() < kTailMax) return;
  std::size_t sealed = 0;
  for (; tail_.size() - sealed >= kTailMax; sealed += MinuteBlock::kRows) {
    const std::span<const LedgerMinute> rows(&tail_[sealed], MinuteBlock::kRows);
    blocks_.push_back({before_tail_, MinuteBlock(rows)});
    for (const LedgerMinute& row : rows) before_tail_.add(row);
  }
  tail_ =
      std::vector<LedgerMinute>(tail_.begin() + static_cast<std::ptrdiff_t>(sealed), tail_.end());
}

void MinuteTable::forget_before(std::int64_t minute) {
  const std::size_t kept = block_of(minute);
  blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(kept));
  if (!blocks_.empty()) return;
  const auto first = std::lower_bound(tail_.begin(), tail_.end(), minute, is_before);
  tail_.erase(tail_.begin(), first);
  before_tail_ = {};
}

Running MinuteTable::up_to(std::int64_t minute) const {
  const std::size_t index = block_of(minute);
  if (index < blocks_.size()) {
    Running sum = blocks_[index].before;
    std::vector<LedgerMinute> rows;
    blocks_[index].block.unpack(rows);
    for (const LedgerMinute& row : rows) {
      if (row.minute >= minute) break;
      sum.add(row);
    }
    return sum;
  }
  Running sum = before_tail_;
  for (const LedgerMinute& row : tail_) {
    if (row.minute >= minute) break;
    sum.add(row);
  }
  return sum;
}

WindowSum MinuteTable::sum(std::int64_t from, std::int64_t to) const {
  WindowSum out;
  if (to <= from) return out;
  const Running begin = up_to(from);
  const Running end = up_to(to);
  out.good = static_cast<double>(end.good - begin.good);
  out.valid = static_cast<double>(end.valid - begin.valid);
  out.excluded = static_cast<double>(end.excluded - begin.excluded);
  out.bad_minutes = end.bad_minutes - begin.bad_minutes;
  out.excluded_minutes = end.excluded_minutes - begin.excluded_minutes;
  return out;
}

std::vector<LedgerMinute> MinuteTable::news(const std::vector<LedgerMinute>& rows) const {
  std::vector<LedgerMinute> out;
  std::vector<LedgerMinute> unpacked;
  std::size_t of = blocks_.size();  // whose rows are unpacked
  for (const LedgerMinute& row : rows) {
    const std::size_t block = block_of(row.minute);
    if (block < blocks_.size() && block != of) {
      unpacked.clear();
      blocks_[block].block.unpack(unpacked);
      of = block;
    }
    const std::vector<LedgerMinute>& known = block < blocks_.size() ? unpacked : tail_;
    const auto at = std::lower_bound(known.begin(), known.end(), row.minute, is_before);
    const bool same = at != known.end() && at->minute == row.minute && at->good == row.good &&
                      at->valid == row.valid && at->excluded == row.excluded &&
                      at->is_excluded == row.is_excluded;
    if (!same) out.push_back(row);
  }
  return out;
}

std::vector<LedgerMinute> MinuteTable::rows() const {
  std::vector<LedgerMinute> out;
  out.reserve(blocks_.size() * MinuteBlock::kRows + tail_.size());
  for (const Sealed& one : blocks_) one.block.unpack(out);
  out.insert(out.end(), tail_.begin(), tail_.end());
  return out;
}

std::int64_t MinuteTable::first_minute() const {
  if (!blocks_.empty()) return blocks_.front().block.first_minute();
  return tail_.empty() ? INT64_MAX : tail_.front().minute;
}

std::int64_t MinuteTable::last_minute() const {
  if (!tail_.empty()) return tail_.back().minute;
  return blocks_.empty() ? INT64_MIN : blocks_.back().block.last_minute();
}

std::size_t MinuteTable::bytes() const {
  std::size_t sum = blocks_.capacity() * sizeof(Sealed) + tail_.capacity() * sizeof(LedgerMinute);
  for (const Sealed& one : blocks_) sum += one.block.bytes();
  return sum;
}

}  // namespace nines::slo
