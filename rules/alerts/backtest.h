#pragma once
// Alerting rules over stored history: what would have fired, and when.

#include <functional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "rules/alerts/alert.h"
#include "rules/alerts/config.h"

namespace nines::alerts {

struct BacktestSpan {
  Timestamp from{};
  Timestamp to{};
  Duration evaluation_interval{15'000};           // of groups without an interval of their own
  std::size_t steps_per_query = 10'000;           // evaluations asked for at once, at least 1
  std::size_t recorded_samples_max = 20'000'000;  // of recording rules, held at once
  // At what place of its interval a group is evaluated; without it, at multiples of the interval.
  std::function<Duration(const GroupConfig&)> phase;
  promql::EngineOptions engine;  // of expressions that read what is recorded
};

// One alert from pending to its end. Its state is kInactive when it ended within the span, kFiring
// when it still fires at its end, kPending when it never fired, or not yet.
struct BacktestAlert {
  std::string group;
  Alert alert;           // `value` is the one it began to fire with (pending with)
  double value_min = 0;  // of all evaluations it was in
  double value_max = 0;
};

// What the history is asked.
struct BacktestHistory {
  // The expression at `from`, `from` + `step` and so on to `to`.
  std::function<Result<promql::Matrix>(const std::string& expr, Timestamp from, Timestamp to,
                                       Duration step)>
      range;
  // Single samples of the series that a selector means, in the closed interval.
  std::function<Result<promql::Matrix>(const std::string& selector, Timestamp from, Timestamp to)>
      samples;
  // Told of a rule whose expression fails (kInvalid, kLimit): it is left out, the others go on.
  // Without it such an error ends the backtest, as any other does.
  std::function<void(const Error&)> failed = nullptr;
};

// Evaluates every alerting rule at the instants of the span at which its group would have been,
// with `for`, `keep_firing_for`, `limit`, `query_offset`, `resolve_expr`, `on_no_data` and
// `flap_detection`. Recording rules that an alert reads are evaluated before it, when they stand
// before it; what they record takes the place of what the history has under their names. LogQL
// rules are left out, and so are `on_error` and
// `depends_on` (which keeps people from being told, not alerts from firing). The function `query`
// of templates has nothing to ask; such templates expand to an error text. In order of rules, then
// of time. An error names the rule.
Result<std::vector<BacktestAlert>> backtest(const std::vector<GroupConfig>& groups,
                                            const BacktestSpan& span,
                                            const BacktestHistory& history);

}  // namespace nines::alerts
