#pragma once
// Which minutes an SLO is judged over, and how minutes become time slices.

#include <cstdint>
#include <vector>

#include "rules/slo/config.h"
#include "rules/slo/internal/minute_table.h"

namespace nines::slo {

struct MinuteWindow {
  std::int64_t from = 0;     // its first minute
  std::int64_t minutes = 0;  // its whole length, also of what has not come yet
};

// The window that ends with the minute before `to_minute` (rolling), or that this minute lies in
// (calendar; before its first start: the one that would have been).
MinuteWindow window_at(const SloConfig& slo, std::int64_t to_minute);

// The slices that end in (from_minute, to_minute], each as a row at its last minute: Timeslices
// good 0 or 1 of 1, RatioTimeslices its share of good events of 1. Slices without events follow
// `on_no_data`, those before the first row of `minutes` are none.
std::vector<storage::LedgerMinute> slice_rows(const SloConfig& slo, const MinuteTable& minutes,
                                              std::int64_t from_minute, std::int64_t to_minute);

}  // namespace nines::slo
