#pragma once
// SLOs as configured, in OpenSLO's terms.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/text/time_zone.h"
#include "rules/promql/engine.h"

namespace nines::slo {

enum class IndicatorKind : std::uint8_t {
  kRatio,    // good/total or bad/total
  kLatency,  // of a classic histogram: requests not slower than `threshold` of all
  kSamples,  // each sample is one event, good when `value op threshold`: gauges, probes, booleans
};
enum class CompareOp : std::uint8_t { kLt, kLte, kGt, kGte, kEq, kNe };

// What counts as good. Every text is a PromQL selector (a series selector, no functions).
struct IndicatorConfig {
  IndicatorKind kind = IndicatorKind::kRatio;
  bool counter = true;  // ratio: counters; false: each sample is so many events
  std::string good;     // ratio: exactly one of good and bad is set
  std::string bad;
  std::string
      total;  // ratio: all events; latency: the histogram without suffix; samples: the series
  CompareOp op = CompareOp::kLte;
  double threshold = 0;  // latency: in the histogram's unit, one of its bucket bounds
  bool operator==(const IndicatorConfig&) const = default;
};

// Months, quarters and years of a wall clock; the window begins anew with each.
struct CalendarWindow {
  int count = 1;
  char unit = 'M';  // d w M Q Y
  LocalTime start{};
  TimeZone zone = TimeZone::utc();
};

enum class Budgeting : std::uint8_t {
  kOccurrences,      // events
  kTimeslices,       // slices that reach `time_slice_target` are good
  kRatioTimeslices,  // each slice counts with its own share of good events
};
enum class OnNoData : std::uint8_t { kFreeze, kGood, kBad };  // a slice without events

struct BurnWindow {  // one row of a multi-window multi-burn-rate alert
  Duration long_window{};
  Duration short_window{};
  double burn_rate = 0;
  std::string severity;  // label of the alert: page | ticket
};

struct SloConfig {
  std::string name;  // unique
  std::string service;
  std::string description;
  Budgeting budgeting = Budgeting::kOccurrences;
  double time_slice_target = 0;        // (0, 1], Timeslices only
  Duration time_slice_window{60'000};  // whole minutes, aligned to the epoch
  OnNoData on_no_data = OnNoData::kFreeze;
  double min_events = 0;               // with fewer a window is not judged, and pages nobody
  Duration window{30LL * 86'400'000};  // rolling; with `calendar` the longest it can be
  std::optional<CalendarWindow> calendar;
  double target_percent = 99.9;
  IndicatorConfig indicator;
  std::vector<BurnWindow> alerting;  // empty: preset "none"
  int line = 0;
};

// What may go wrong, as a share of the events: 0.001 for 99.9. Rounded to 11 decimals, so that it
// is the double nearest to what the operator meant.
double budget_ratio(double target_percent);

// The SRE workbook's table for 30 days: 1h/5m 14.4 and 6h/30m 6 page, 1d/2h 3 and 3d/6h 1 ticket. A
// burn rate means the same for any window, so the table is taken as it is for other windows too;
// only the share of the budget that is gone when it fires differs. Source:
// sre.google/workbook/alerting-on-slos, table 5-8.
std::vector<BurnWindow> google_30d();

// The same shares of the budget (2, 5, 10, 10 %) for 28 days.
std::vector<BurnWindow> google_28d();
// Pyrra's four windows for 28 days, scaled to `window` and rounded to minutes.
// Source: github.com/pyrra-dev/pyrra, README, "Multi Burn Rate Alerts".
std::vector<BurnWindow> pyrra(Duration window);

const char* to_string(Budgeting budgeting) noexcept;  // "Occurrences", ...
const char* to_string(CompareOp op) noexcept;         // "lt", "lte", ... as OpenSLO's `op`

// "1d" "2w" "1M" "1Q" "1Y": what a calendar window may last. kInvalid.
Result<CalendarWindow> parse_calendar_duration(std::string_view text);
// The longest such a window can be.
Duration longest(const CalendarWindow& calendar);

// Problems of one SLO: no name or service, selectors that do not parse or are no selectors, a
// target outside (0, 100), a burn rate that this target can never reach (1 / (1 - target)). Empty:
// all well.
std::vector<std::string> check_slo(const SloConfig& slo, const promql::EngineOptions& options);

}  // namespace nines::slo
