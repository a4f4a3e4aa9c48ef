#pragma once
// Keeps the minute ledger of every SLO up to date, answers what is left of the budget, and makes
// the burn-rate alerting rules.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "rules/alerts/alert.h"
#include "rules/alerts/config.h"
#include "rules/slo/config.h"
#include "storage/api/appender.h"
#include "storage/api/key_values.h"
#include "storage/api/late_samples.h"
#include "storage/api/logs.h"
#include "storage/api/querier.h"
#include "storage/api/slo_ledger.h"

namespace nines::slo {

inline constexpr const char* kPolicyAlert = "SLOErrorBudgetPolicy";  // of steps that notify

struct PolicyState {
  PolicyStep step;
  bool active = false;
  Timestamp since{};  // of the last change; zero: it never held
};

// A range of seconds in which the budget ends; -1: never.
struct ExhaustionBand {
  double soonest_seconds = -1;  // at the highest of the burn rates over 1h, 6h and 1d
  double latest_seconds = -1;   // at the lowest of them
};

struct SloStatus {
  SloConfig config;
  std::string state;                         // ok | at_risk | breached | no_data
  double good = 0, valid = 0, excluded = 0;  // events in the window; with slices: slices
  double sli = 1;                            // good / valid; 1 without events
  double budget_total = 0;                   // bad events allowed: valid * (1 - target)
  double budget_consumed = 0;                // bad events
  double budget_remaining = 1;  // 1 - consumed/total; may be negative; 1 without events
  std::map<std::string, double> burn_rates;  // by window: "5m", "1h", "6h", "3d"
  Timestamp window_from{};
  Timestamp window_to{};
  Duration window_length{};         // whole, also of a calendar window that is not over
  double budget_minutes_total = 0;  // the budget as minutes in which everything fails
  double budget_minutes_remaining = 0;
  double forecast_remaining = 1;  // at the window's end (rolling: one window from now), going on as
                                  // in the last six hours
  std::int64_t bad_minutes = 0;   // minutes with at least one bad event
  std::int64_t excluded_minutes = 0;  // of the window: in maintenance, or while an alert fired
  std::vector<PolicyState> policy;    // by step, in the configuration's order
  double exhaustion_seconds = -1;     // at the 1h burn rate; -1: never, or no data
  ExhaustionBand exhaustion_band;
  // How a threshold that is no bucket bound was counted: "interpolated ...". Empty: exactly.
  std::string interpolation;
};

// A grouped SLO: what it is split by, and the groups that did not get in.
struct GroupedStatus {
  SloConfig config;
  std::size_t groups = 0;
  std::uint64_t refused = 0;                  // groups seen that `max_groups` kept out, since start
  std::vector<std::string> refused_examples;  // a few of them
};

// What was spent in some minutes.
struct Spent {
  double good = 0, valid = 0;  // events, or slices
  double bad = 0;
  double share = 0;  // of the budget of the window that ends now; 0 without one
};

// What one value of a label had of the events.
struct Contributor {
  std::string value;
  double good = 0, valid = 0, bad = 0;
};
struct ContributorsOfLabel {
  std::string label;
  std::vector<Contributor> values;  // most bad events first, those without any left out
  double bad = 0;                   // of all values, also of those that are left out
};
struct ContributorsQuery {
  Timestamp from{};
  Timestamp to{};
  std::string label;            // empty: every label that the series differ in
  std::size_t values = 5;       // at most, of each label
  std::size_t series = 20'000;  // more are refused (kLimit)
};
struct Contributors {
  Timestamp from{};  // from where on the ring still has the samples: may be later than asked for
  Timestamp to{};
  std::vector<ContributorsOfLabel> labels;  // the one that tells most first
};

struct BudgetPoint {
  Timestamp at{};
  double good = 0, bad = 0;  // events of the step
  double remaining = 1;      // of the budget at its end, over the SLO's rolling window
};

struct ServiceParts {
  const storage::Querier& querier;
  storage::Appender& appender;
  storage::SloLedger& ledger;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
  Telemetry& telemetry;
  const storage::LogQuerier* logs = nullptr;  // for indicators made of log lines
  storage::KeyValueStore* values = nullptr;   // null: what policies have told is not kept
  // Straight to a receiver; the same key is told once. Bound to the notifier by app/. Must not
  // block.
  std::function<Result<void>(const std::string& receiver, const alerts::Alert& alert,
                             const std::string& key)>
      page = {};
  storage::LateSamples* late = nullptr;        // null: no sample comes late
  Duration late_window{3'600'000};             // how far back what came late is counted
  storage::LateSamples* late_lines = nullptr;  // of logs
  std::string version = "0";                   // of nines, told in sloth_slo_info
};

// Thread-safe. The ledger counts exact reset-adjusted differences of raw samples: for each series
// and minute the increase between the last sample before the minute's start and the last in it (a
// series' first sample counts from zero only when the series is younger than its scrape group),
// never extrapolated.
//
// Minutes that late samples or log lines have changed are counted again: up to ten minutes back
// with the next update, further back, as far as `late_window`, within five minutes; and once after
// a start.
class Service {
 public:
  explicit Service(ServiceParts parts);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void load(std::vector<SloConfig> slos);  // must have passed check_slo()
  void start();  // each minute: fills the ledger up to the last whole minute, exports the series
  void stop();
  // Fills the ledger of every SLO with the minutes that ended before `now`, in the caller's thread.
  Result<void> update(Timestamp now);
  // Counts again what the ring still holds from `from` on (after late data or a changed
  // definition).
  Result<void> rebuild(const std::string& slo, Timestamp from);

  // When series were last written or ended, in milliseconds; 0: never. Lives as long as this.
  const std::atomic<std::int64_t>& written_at_ms() const;

  std::vector<SloStatus> status(Timestamp now) const;
  Result<SloStatus> status(const std::string& slo, Timestamp now) const;  // kNotFound
  // The budget over time, at most `points` points.
  Result<std::vector<BudgetPoint>> budget(const std::string& slo, Timestamp from, Timestamp to,
                                          std::size_t points) const;
  Result<std::vector<storage::LedgerMinute>> minutes(const std::string& slo, Timestamp from,
                                                     Timestamp to) const;

  std::vector<GroupedStatus> grouped() const;
  // Events, or slices, of the minutes that end in (from, to], and what they are of the budget.
  Result<Spent> spent(const std::string& slo, Timestamp from, Timestamp to, Timestamp now) const;
  // Which values of which labels had the bad events, counted anew from the samples that are left.
  // kInvalid for composites and for a range of no whole minute.
  Result<Contributors> contributors(const std::string& slo, const ContributorsQuery& query) const;

  // Burn-rate recording and alerting rules of the SLOs, one group per SLO, to be evaluated with the
  // others. They read the series this service writes (Sloth's names: slo:sli_error:ratio_rate5m,
  // ...).
  static std::vector<alerts::GroupConfig> alert_groups(const std::vector<SloConfig>& slos);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::slo
