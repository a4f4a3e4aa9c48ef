#include "rules/slo/config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/slo/internal/indicator.h"

namespace nines::slo {
namespace {

constexpr Duration kMinute{60'000};
constexpr Duration kHour{3'600'000};
constexpr Duration kDay{86'400'000};

void check_windows(const SloConfig& slo, std::vector<std::string>& problems) {
  const double reachable = 1 / budget_ratio(slo.target_percent);
  for (const BurnWindow& row : slo.alerting) {
    const std::string name =
        format_duration(row.long_window) + "/" + format_duration(row.short_window);
    if (row.short_window < kMinute || row.long_window <= row.short_window) {
      problems.push_back(
          "alerting " + name +
          ": the long window must be longer than the short one, that one at least 1m");
    } else if (row.short_window % kMinute != Duration::zero() ||
               row.long_window % kMinute != Duration::zero()) {
      problems.push_back("alerting " + name + ": windows are whole minutes");
    }
    if (!(row.burn_rate > 0)) {
      problems.push_back("alerting " + name + ": the burn rate must be above 0");
    } else if (row.burn_rate >= reachable) {
      problems.push_back("alerting " + name + ": a burn rate of " + format_double(row.burn_rate) +
                         " can never be exceeded, the highest possible with a target of " +
                         format_double(slo.target_percent) + "% is " + format_double(reachable) +
                         ": write rows of your own in `alerting = { windows = [...] }`, or "
                         "`alerting = { preset = \"none\" }`");
    }
    if (row.severity.empty()) problems.push_back("alerting " + name + ": severity is missing");
  }
}

void check_slices(const SloConfig& slo, std::vector<std::string>& problems) {
  if (slo.budgeting == Budgeting::kOccurrences) {
    if (slo.on_no_data != OnNoData::kFreeze) {
      problems.emplace_back(
          "on_no_data is about time slices: with Occurrences a minute without events has nothing "
          "to "
          "count, so only \"freeze\" makes sense");
    }
    return;
  }
  if (slo.budgeting == Budgeting::kTimeslices &&
      !(slo.time_slice_target > 0 && slo.time_slice_target <= 1)) {
    problems.emplace_back("Timeslices need a time_slice_target above 0 and at most 1");
  }
  if (slo.time_slice_window < kMinute || slo.time_slice_window % kMinute != Duration::zero() ||
      slo.time_slice_window > kDay) {
    problems.emplace_back("time_slice_window must be whole minutes, at least one, at most a day");
    return;
  }
  for (const BurnWindow& row : slo.alerting) {
    if (row.short_window < slo.time_slice_window) {
      problems.push_back("alerting: a window of " + format_duration(row.short_window) +
                         " holds no whole slice of " + format_duration(slo.time_slice_window));
    }
  }
}

// Names that the SLO's own series and alerts need.
bool is_reserved(const std::string& label) {
  constexpr std::array kReserved = {"__name__", "alertname",   "le",           "severity",
                                    "slo",      "long_window", "short_window", "slo_definition"};
  return label.starts_with("sloth_") ||
         std::find(kReserved.begin(), kReserved.end(), label) != kReserved.end();
}

void check_groups(const SloConfig& slo, std::vector<std::string>& problems) {
  if (slo.group_by.empty()) return;
  if (slo.indicator.kind == IndicatorKind::kComposite) {
    problems.emplace_back("a composite has no labels to group by: group its members");
  }
  if (slo.max_groups < 1 || slo.max_groups > 10'000) {
    problems.emplace_back("max_groups must be between 1 and 10000");
  }
  for (const std::string& label : slo.group_by) {
    if (!is_legacy_label_name(label)) {
      problems.push_back("group_by: \"" + label + "\" is no label name");
    } else if (is_reserved(label)) {
      problems.push_back("group_by: \"" + label +
                         "\" is a label that the SLO's own series and alerts have");
    }
  }
}

Duration scaled(Duration of_28_days, Duration window) {
  const Duration exact = of_28_days * (window / kMinute) / (28 * kDay / kMinute);
  return std::max(kMinute, (exact + kMinute / 2) / kMinute * kMinute);
}

}  // namespace

std::vector<BurnWindow> google_28d() {
  return {{kHour, 5 * kMinute, 13.44, "page"},
          {6 * kHour, 30 * kMinute, 5.6, "page"},
          {kDay, 2 * kHour, 2.8, "ticket"},
          {3 * kDay, 6 * kHour, 0.933, "ticket"}};
}

std::vector<BurnWindow> pyrra(Duration window) {
  return {{scaled(kHour, window), scaled(5 * kMinute, window), 14, "page"},
          {scaled(6 * kHour, window), scaled(30 * kMinute, window), 7, "page"},
          {scaled(kDay, window), scaled(2 * kHour, window), 2, "ticket"},
          {scaled(4 * kDay, window), scaled(6 * kHour, window), 1, "ticket"}};
}

const char* to_string(Budgeting budgeting) noexcept {
  switch (budgeting) {
    case Budgeting::kOccurrences:
      return "Occurrences";
    case Budgeting::kTimeslices:
      return "Timeslices";
    case Budgeting::kRatioTimeslices:
      return "RatioTimeslices";
  }
  return "unknown";
}

const char* to_string(IndicatorKind kind) noexcept {
  constexpr std::array kNames = {"ratio",   "latency", "latency_native", "threshold",
                                 "boolean", "probe",   "logs",           "composite"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* to_string(CompareOp op) noexcept {
  constexpr std::array kNames = {"lt", "lte", "gt", "gte", "eq", "ne"};
  return kNames[static_cast<std::size_t>(op)];
}

Result<CalendarWindow> parse_calendar_duration(std::string_view text) {
  CalendarWindow out;
  const auto count = text.empty() ? std::nullopt : parse_int(text.substr(0, text.size() - 1));
  if (!count || *count < 1 || *count > 36 ||
      std::string_view("dwMQY").find(text.back()) == std::string_view::npos) {
    return Error(ErrorCode::kInvalid,
                 "a calendar window lasts whole days, weeks, months, quarters or years, like "
                 "\"1M\" or \"1Q\" (d w M Q Y), not \"" +
                     std::string(text) + "\"");
  }
  out.count = static_cast<int>(*count);
  out.unit = text.back();
  return out;
}

Duration longest(const CalendarWindow& calendar) {
  const Duration one = calendar.unit == 'd'   ? kDay
                       : calendar.unit == 'w' ? 7 * kDay
                       : calendar.unit == 'M' ? 31 * kDay
                       : calendar.unit == 'Q' ? 92 * kDay
                                              : 366 * kDay;
  return calendar.count * one + kHour;  // the day on which the clock is set back
}

double budget_ratio(double target_percent) {
  return std::round((100 - target_percent) * 1e9) / 1e11;
}

std::vector<BurnWindow> google_30d() {
  return {{kHour, 5 * kMinute, 14.4, "page"},
          {6 * kHour, 30 * kMinute, 6, "page"},
          {kDay, 2 * kHour, 3, "ticket"},
          {3 * kDay, 6 * kHour, 1, "ticket"}};
}

std::vector<std::string> check_slo(const SloConfig& slo, const promql::EngineOptions& options) {
  std::vector<std::string> problems;
  if (slo.name.empty() || !is_valid_utf8(slo.name)) problems.push_back("an SLO needs a name");
  if (slo.service.empty() || !is_valid_utf8(slo.service)) {
    problems.push_back("an SLO needs a service");
  }
  check_slices(slo, problems);
  if (!(slo.min_events >= 0)) problems.emplace_back("min_events must not be negative");
  if (slo.window < kMinute || slo.window % kMinute != Duration::zero()) {
    problems.push_back("the window must be whole minutes, at least one");
  }
  check_groups(slo, problems);
  const auto indicator = Indicator::parse(slo.indicator, options);
  if (!indicator) problems.push_back(indicator.error().what());
  // Compared so that NaN is refused too.
  if (!(slo.target_percent > 0 && slo.target_percent < 100) ||
      !(budget_ratio(slo.target_percent) > 0)) {
    problems.push_back("the target must be above 0% and below 100%, it is " +
                       format_double(slo.target_percent) + "%");
    return problems;
  }
  check_windows(slo, problems);
  if (!slo.name.empty()) {
    for (std::string& problem : problems) problem.insert(0, "SLO \"" + slo.name + "\": ");
  }
  return problems;
}

}  // namespace nines::slo
