#pragma once
// SLOs as configured, in OpenSLO's terms.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/text/time_zone.h"
#include "rules/maintenance/maintenance.h"
#include "rules/promql/engine.h"

namespace nines::slo {

enum class IndicatorKind : std::uint8_t {
  kRatio,    // good/total, bad/total, or `raw`: each sample is a share that is reckoned already
  kLatency,  // of a classic histogram: requests not slower than `threshold` of all
  kLatencyNative,  // the same of a native histogram, at any threshold
  kThreshold,      // each sample is one event, good when `value op threshold`
  kBoolean,        // each sample is one event, good when it is not 0
  kProbe,          // the same of probe_success
  kLogs,           // log lines: good/total or bad/total
  kComposite,      // each minute is one event, made of the minutes of other SLOs
};
// "ratio", "latency", "latency_native", "threshold", "boolean", "probe", "logs", "composite".
const char* to_string(IndicatorKind kind) noexcept;
enum class CompareOp : std::uint8_t { kLt, kLte, kGt, kGte, kEq, kNe };

// Of a ratio: what the values of a series that holds shares, from 0 to 1, are shares of.
enum class RawRatio : std::uint8_t { kNone, kSuccess, kFailure };

enum class CompositeMethod : std::uint8_t {
  kWeighted,  // a minute's share of good is the mean of its members' shares, by weight
  kWorst,     // the least of its members' shares
};
struct CompositeMember {
  std::string slo;  // its name; of a grouped SLO each group is a member
  double weight = 1;
  bool operator==(const CompositeMember&) const = default;
};

// What counts as good. Every text is a PromQL selector (a series selector, no functions), of logs a
// LogQL one (a stream selector and line filters).
struct IndicatorConfig {
  IndicatorKind kind = IndicatorKind::kRatio;
  bool counter = true;             // ratio: counters; false: each sample is so many events
  RawRatio raw = RawRatio::kNone;  // ratio: else `total` holds the shares, one event a sample
  std::string good;                // ratio: exactly one of good and bad is set, unless it is raw
  std::string bad;
  std::string
      total;  // ratio: all events; latency: the histogram without suffix; samples: the series
  CompareOp op = CompareOp::kLte;
  double threshold = 0;  // latency: in the histogram's unit; of a classic one a bucket bound
  CompositeMethod method = CompositeMethod::kWeighted;
  std::vector<CompositeMember> members;  // composite
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

// What the alerts on burn rates carry, besides what nines says itself. Values are templates.
struct AlertTexts {
  bool disabled = false;  // no such alerts; of `page` and `ticket`
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  bool operator==(const AlertTexts&) const = default;
};
struct AlertNaming {
  std::string name = "SLOBurnRate";  // `alertname`
  AlertTexts all;
  AlertTexts page, ticket;  // of the rows with this severity; they win over `all`
  bool operator==(const AlertNaming&) const = default;
};

// One step of the error budget policy: what is done when less than this share of the budget is
// left.
struct PolicyStep {
  double remaining_below = 0;  // 0.25: less than a quarter is left; 0: all of it is gone
  double hysteresis = 0.02;    // over again when so much more than `remaining_below` is left
  bool notify = false;         // an alert, to the routes
  std::map<std::string, std::string> labels;  // of that alert, and of the SLO while the step holds
  std::vector<std::string> receivers;         // told straight, when it begins and when it is over
  bool operator==(const PolicyStep&) const = default;
};

struct SloConfig {
  std::string name;        // unique; of one group: group_name()
  std::string definition;  // the name in [[slos]], where that gives several SLOs; else empty
  std::string objective;   // display name of the objective, may be empty
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
  std::vector<std::string> group_by;  // one SLO for each value of these labels; sorted, unique
  std::size_t max_groups = 100;       // further groups are refused and counted
  std::string grouped;                // of one group's SLO: the name of the grouped one
  LabelSet group;                     // of one group's SLO
  std::vector<BurnWindow> alerting;   // empty: preset "none"
  AlertNaming alerts;
  std::map<std::string, std::string> labels;  // of its alerts and of sloth_slo_info
  // Minutes that do not count: while such a maintenance lasts, or such an alert fires.
  std::vector<maintenance::Maintenance> exclude;
  std::vector<std::string> exclude_alerts;  // alert names
  std::vector<PolicyStep> policy;           // by remaining_below, the highest first
  std::string file;                         // where it is written
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

// The SLO of one group: NAME{a="x",b=""}, all labels of group_by, in their order.
std::string group_name(const SloConfig& slo, const LabelSet& group);
// The group of a name that group_name() made for this SLO; none of any other.
std::optional<LabelSet> group_of(const SloConfig& slo, std::string_view name);
// The SLO itself, as one of its groups.
SloConfig as_group(const SloConfig& slo, const LabelSet& group);

// How many composites deep the SLO stands: 0 is one that counts by itself. Of SLOs without cycles.
std::size_t depth_of(const std::vector<SloConfig>& slos, const SloConfig& slo);
// What is wrong between SLOs: names that are those of groups, members that do not exist, composites
// that are made of themselves (the whole path is named). Texts with the index of the SLO.
// With `some_elsewhere` a member that is not among them is no problem.
std::vector<std::pair<std::size_t, std::string>> check_together(const std::vector<SloConfig>& slos,
                                                                bool some_elsewhere = false);

// Problems of one SLO: no name or service, selectors that do not parse or are no selectors, a
// target outside (0, 100), a burn rate that this target can never reach (1 / (1 - target)). Empty:
// all well.
std::vector<std::string> check_slo(const SloConfig& slo, const promql::EngineOptions& options);

}  // namespace nines::slo
