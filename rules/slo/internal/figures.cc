#include "rules/slo/internal/figures.h"

#include <algorithm>

#include "base/text/numbers.h"
#include "rules/slo/internal/window.h"

namespace nines::slo {
namespace {

constexpr Duration kMinute{60'000};
constexpr Duration kHour{3'600'000};
constexpr double kAtRiskFrom = 0.9;  // of the budget consumed

bool alert_condition_holds(const SloConfig& slo, const SloStatus& status, const MinuteTable& table,
                           std::int64_t to_minute) {
  return std::any_of(slo.alerting.begin(), slo.alerting.end(), [&](const BurnWindow& row) {
    return is_judged(slo, table.sum(to_minute - minutes_in(row.long_window), to_minute)) &&
           status.burn_rates.at(window_name(row.long_window)) > row.burn_rate &&
           status.burn_rates.at(window_name(row.short_window)) > row.burn_rate;
  });
}

void add_forecast(const SloConfig& slo, const MinuteWindow& window, std::int64_t to_minute,
                  SloStatus& out) {
  const double minutes = static_cast<double>(window.minutes);
  out.budget_minutes_total = minutes * budget_ratio(slo.target_percent);
  out.budget_minutes_remaining = out.budget_minutes_total * out.budget_remaining;
  // Going on as in the last six hours, with as many events a minute as so far.
  const double elapsed = slo.calendar ? static_cast<double>(to_minute - window.from) / minutes : 0;
  const double burnt = 1 - out.budget_remaining;
  out.forecast_remaining = 1 - (elapsed * burnt + (1 - elapsed) * out.burn_rates.at("6h"));
}

// A burn rate of 1 spends the whole budget in one window.
double exhaustion_at(double burn_rate, const SloStatus& status) {
  if (status.budget_remaining <= 0) return 0;
  if (!(burn_rate > 0)) return -1;
  return status.budget_remaining * to_seconds(status.window_length) / burn_rate;
}

void add_exhaustion(double burn_1h, SloStatus& out) {
  const auto [lowest, highest] =
      std::minmax({out.burn_rates.at("1h"), out.burn_rates.at("6h"), out.burn_rates.at("1d")});
  out.exhaustion_seconds = exhaustion_at(burn_1h, out);
  out.exhaustion_band = {exhaustion_at(highest, out), exhaustion_at(lowest, out)};
}

}  // namespace

bool is_judged(const SloConfig& slo, const WindowSum& sum) {
  return sum.has_events() && sum.valid >= slo.min_events;
}

std::vector<Duration> error_windows(const SloConfig& slo) {
  std::vector<Duration> windows{5 * kMinute, 30 * kMinute, kHour,     2 * kHour,
                                6 * kHour,   24 * kHour,   72 * kHour};
  for (const BurnWindow& row : slo.alerting) {
    windows.push_back(row.short_window);
    windows.push_back(row.long_window);
  }
  std::sort(windows.begin(), windows.end());
  windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  return windows;
}

std::string window_name(Duration window) {
  return format_duration(window);
}

double remaining_budget(const WindowSum& sum, double budget) {
  return sum.has_events() ? 1 - sum.bad() / (sum.valid * budget) : 1;
}

SloStatus make_status(const SloConfig& slo, const MinuteTable& table, std::int64_t to_minute) {
  const double budget = budget_ratio(slo.target_percent);
  const MinuteWindow window = window_at(slo, to_minute);
  const WindowSum sum = table.sum(window.from, to_minute);
  SloStatus out;
  out.config = slo;
  out.good = sum.good;
  out.valid = sum.valid;
  out.excluded = sum.excluded;
  out.sli = 1 - sum.error_ratio();
  if (sum.has_events()) out.sli = std::min(1.0, sum.good / sum.valid);
  out.budget_total = sum.valid * budget;
  out.budget_consumed = sum.bad();
  out.budget_remaining = remaining_budget(sum, budget);
  out.bad_minutes = sum.bad_minutes;
  if (slo.budgeting != Budgeting::kOccurrences)
    out.bad_minutes *= minutes_in(slo.time_slice_window);
  out.window_length = Duration(window.minutes * kMinute.count());
  out.window_from = from_millis(window.from * kMinute.count());
  out.window_to = from_millis(to_minute * kMinute.count());
  double burn_1h = 0;
  for (const Duration span : error_windows(slo)) {
    const double burn = table.sum(to_minute - minutes_in(span), to_minute).error_ratio() / budget;
    out.burn_rates[window_name(span)] = burn;
    if (span == kHour) burn_1h = burn;
  }
  add_forecast(slo, window, to_minute, out);
  if (sum.has_events()) add_exhaustion(burn_1h, out);
  if (!is_judged(slo, sum)) {
    out.state = "no_data";
  } else if (out.budget_remaining < 0) {
    out.state = "breached";
  } else if (out.budget_consumed > kAtRiskFrom * out.budget_total ||
             alert_condition_holds(slo, out, table, to_minute)) {
    out.state = "at_risk";
  } else {
    out.state = "ok";
  }
  return out;
}

std::vector<BudgetPoint> budget_points(const SloConfig& slo,
                                       const std::vector<storage::LedgerMinute>& rows,
                                       std::int64_t from, std::int64_t to, std::int64_t points) {
  const double budget = budget_ratio(slo.target_percent);
  const std::int64_t step = (to - from + points - 1) / points;
  std::vector<BudgetPoint> out;
  // Two ends walk over the rows; long double keeps the running sums exact for whole numbers.
  long double good = 0;
  long double valid = 0;
  auto head = rows.begin();
  auto tail = rows.begin();
  for (std::int64_t begin = from; begin < to; begin += step) {
    const std::int64_t end = std::min(to, begin + step);
    BudgetPoint point;
    point.at = from_millis(end * kMinute.count());
    WindowSum of_step;
    for (; head != rows.end() && head->minute < end; ++head) {
      good += head->good;
      valid += head->valid;
      if (head->minute >= begin) add_to(of_step, *head);
    }
    const std::int64_t window_from = window_at(slo, end).from;
    for (; tail != head && tail->minute < window_from; ++tail) {
      good -= tail->good;
      valid -= tail->valid;
    }
    point.good = of_step.good;
    point.bad = of_step.bad();
    WindowSum in_window;
    in_window.good = static_cast<double>(good);
    in_window.valid = static_cast<double>(valid);
    point.remaining = remaining_budget(in_window, budget);
    out.push_back(point);
  }
  return out;
}

}  // namespace nines::slo
