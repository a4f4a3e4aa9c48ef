#include "rules/slo/internal/window.h"

#include <algorithm>
#include <chrono>

#include "rules/slo/internal/figures.h"

namespace nines::slo {
namespace {

constexpr std::int64_t kMsPerMinute = 60'000;

int months_in(char unit) {
  return unit == 'M' ? 1 : unit == 'Q' ? 3 : 12;
}

// The start of the k-th window. A day that a month does not have is its last day.
std::int64_t boundary(const CalendarWindow& calendar, std::int64_t k) {
  const auto day = std::chrono::floor<std::chrono::days>(calendar.start);
  const auto of_day = calendar.start - day;
  const std::int64_t steps = k * calendar.count;
  std::chrono::local_days at;
  if (calendar.unit == 'd' || calendar.unit == 'w') {
    at = day + std::chrono::days(steps * (calendar.unit == 'w' ? 7 : 1));
  } else {
    const std::chrono::year_month_day date(day);
    const std::chrono::year_month month = std::chrono::year_month(date.year(), date.month()) +
                                          std::chrono::months(steps * months_in(calendar.unit));
    const std::chrono::year_month_day_last last(month.year(),
                                                std::chrono::month_day_last(month.month()));
    at = std::chrono::local_days(month / std::min(date.day(), last.day()));
  }
  return to_millis(calendar.zone.to_utc(LocalTime(at + of_day))) / kMsPerMinute;
}

MinuteWindow calendar_window(const CalendarWindow& calendar, Duration longest_window,
                             std::int64_t minute) {
  const std::int64_t since = minute - boundary(calendar, 0);
  std::int64_t k = since / std::max<std::int64_t>(1, minutes_in(longest_window)) - 1;
  while (boundary(calendar, k) > minute) --k;
  while (boundary(calendar, k + 1) <= minute) ++k;
  const std::int64_t from = boundary(calendar, k);
  return {from, boundary(calendar, k + 1) - from};
}

std::int64_t floor_to(std::int64_t minute, std::int64_t step) {
  const std::int64_t rest = minute % step;
  return minute - (rest < 0 ? rest + step : rest);
}

}  // namespace

MinuteWindow window_at(const SloConfig& slo, std::int64_t to_minute) {
  if (!slo.calendar) {
    const std::int64_t length = minutes_in(slo.window);
    return {to_minute - length, length};
  }
  return calendar_window(*slo.calendar, slo.window, to_minute - 1);
}

std::vector<storage::LedgerMinute> slice_rows(const SloConfig& slo, const MinuteTable& minutes,
                                              std::int64_t from_minute, std::int64_t to_minute) {
  std::vector<storage::LedgerMinute> out;
  if (minutes.empty()) return out;
  const std::int64_t step = minutes_in(slo.time_slice_window);
  const std::int64_t first = floor_to(minutes.first_minute(), step);
  for (std::int64_t at = std::max(first, floor_to(from_minute, step)); at + step <= to_minute;
       at += step) {
    const WindowSum sum = minutes.sum(at, at + step);
    storage::LedgerMinute row{at + step - 1, 0, 1, 0};
    if (sum.has_events()) {
      const double share = std::min(1.0, sum.good / sum.valid);
      row.good = slo.budgeting == Budgeting::kRatioTimeslices ? share
                 : share >= slo.time_slice_target             ? 1
                                                              : 0;
    } else if (sum.excluded_minutes == step) {  // left out as a whole
      row.valid = 0;
      row.excluded = 1;
      row.is_excluded = true;
    } else if (slo.on_no_data == OnNoData::kFreeze) {
      row.valid = 0;  // replaces what stood here before a rebuild
    } else {
      row.good = slo.on_no_data == OnNoData::kGood ? 1 : 0;
    }
    out.push_back(row);
  }
  return out;
}

}  // namespace nines::slo
