#pragma once
// How an outage of one constant error ratio, after a clean window, would be judged.

#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/text/json.h"
#include "rules/slo/config.h"

namespace nines::app {

// What is judged: an SLO's target, window, budgeting and alert rows.
struct Judged {
  double target_percent = 99.9;
  Duration window{30LL * 86'400'000};
  slo::Budgeting budgeting = slo::Budgeting::kOccurrences;
  double slice_target = 0;        // Timeslices
  Duration slice_window{60'000};  // of both kinds of slices
  std::vector<slo::BurnWindow> rows;
};
Judged judged_of(const slo::SloConfig& slo);
// Of what /api/nines/v1/slos/NAME answers.
Judged judged_of(const Json& slo);

struct Outage {
  double error_percent = 1;            // of the events, the traffic being even
  std::optional<Duration> lasts = {};  // whole minutes; absent: without end
};

struct RowOutcome {
  slo::BurnWindow row;
  std::optional<Duration> fires_after;  // from the outage's beginning; absent: never
  double spent = 0;                     // share of the budget at that time
  std::optional<Duration> over_after;   // from the outage's end, when it has one
};
struct Simulated {
  double burn_rate = 0;  // 0: no slice is bad
  std::vector<RowOutcome> rows;
  std::optional<Duration> gone_after;  // the budget; absent: it outlasts the outage, or the window
  double spent = 0;                    // share of the budget at the outage's end, or the window's
};

// In whole minutes, as nines counts, or in whole slices that the outage begins with: an alert
// fires with the first minute after which both of its windows burn faster than its rate, and is
// over with the first after which one does not.
Simulated simulate(const Judged& judged, const Outage& outage);

}  // namespace nines::app
