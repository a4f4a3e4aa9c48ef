#pragma once
// SLOs as configured, in OpenSLO's terms.

#include <string>
#include <vector>

#include "base/core/clock.h"
#include "rules/promql/engine.h"

namespace nines::slo {

// good/total or bad/total, both PromQL selectors (a series selector, no functions) of counters.
struct RatioIndicator {
  bool counter = true;
  std::string good;   // exactly one of good and bad is set
  std::string bad;
  std::string total;
  bool operator==(const RatioIndicator&) const = default;
};

struct BurnWindow {         // one row of a multi-window multi-burn-rate alert
  Duration long_window{};
  Duration short_window{};
  double burn_rate = 0;
  std::string severity;     // label of the alert: page | ticket
};

struct SloConfig {
  std::string name;                     // unique
  std::string service;
  std::string description;
  std::string budgeting_method = "Occurrences";
  Duration window{30LL * 86'400'000};   // rolling
  double target_percent = 99.9;
  RatioIndicator indicator;
  std::vector<BurnWindow> alerting;     // empty: preset "none"
  int line = 0;
};

// What may go wrong, as a share of the events: 0.001 for 99.9. Rounded to 11 decimals, so that it is
// the double nearest to what the operator meant.
double budget_ratio(double target_percent);

// The SRE workbook's table for 30 days: 1h/5m 14.4 and 6h/30m 6 page, 1d/2h 3 and 3d/6h 1 ticket. A
// burn rate means the same for any window, so the table is taken as it is for other windows too; only
// the share of the budget that is gone when it fires differs.
// Source: sre.google/workbook/alerting-on-slos, table 5-8.
std::vector<BurnWindow> google_30d();

// Problems of one SLO: no name or service, selectors that do not parse or are no selectors, a target outside (0, 100), a
// burn rate that this target can never reach (1 / (1 - target)). Empty: all well.
std::vector<std::string> check_slo(const SloConfig& slo, const promql::EngineOptions& options);

}  // namespace nines::slo
