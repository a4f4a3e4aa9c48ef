#pragma once
// What follows from the minutes of an SLO: budget, burn rates, state.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "rules/slo/config.h"
#include "rules/slo/internal/minute_table.h"
#include "rules/slo/service.h"

namespace nines::slo {

constexpr std::int64_t minutes_in(Duration span) {
  return span / Duration(60'000);
}

// 5m 30m 1h 2h 6h 1d 3d, and those of the SLO's alerting; ascending, unique.
std::vector<Duration> error_windows(const SloConfig& slo);

// As Prometheus writes durations: "5m", "1d", "30d".
std::string window_name(Duration window);

// 1 - consumed / total; 1 without events. Negative when more than the budget is gone.
double remaining_budget(const WindowSum& sum, double budget);

// The SLO as it stands at the end of the minute before `to_minute`. `table`: minutes, or slices.
SloStatus make_status(const SloConfig& slo, const MinuteTable& table, std::int64_t to_minute);

// A window with fewer events is not judged.
bool is_judged(const SloConfig& slo, const WindowSum& sum);

// The budget over the minutes [from, to) in at most `points` steps of equal length (the last may be
// shorter). `rows` (minutes, or slices): ascending, from a whole window before `from` on.
std::vector<BudgetPoint> budget_points(const SloConfig& slo,
                                       const std::vector<storage::LedgerMinute>& rows,
                                       std::int64_t from, std::int64_t to, std::int64_t points);

}  // namespace nines::slo
