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
  Duration evaluation_interval{15'000};  // of groups without an interval of their own
  std::size_t steps_per_query = 10'000;  // evaluations asked for at once, at least 1
};

// One alert from pending to its end. Its state is kInactive when it ended within the span, kFiring
// when it still fires at its end, kPending when it never fired, or not yet.
struct BacktestAlert {
  std::string group;
  Alert alert;           // `value` is the one it began to fire with (pending with)
  double value_min = 0;  // of all evaluations it was in
  double value_max = 0;
};

// The expression at `from`, `from` + `step` and so on to `to`.
using RangeQuery = std::function<Result<promql::Matrix>(const std::string& expr, Timestamp from,
                                                        Timestamp to, Duration step)>;

// Evaluates every alerting rule at the instants of the span that are multiples of its group's
// interval, with `for`, `keep_firing_for`, `limit` and `query_offset`. Recording rules are not
// evaluated, nor are LogQL rules and what TOML has beyond Prometheus: what they record must stand
// in the history. The function `query` of templates has nothing to ask; such templates expand to an
// error text. In order of rules, then of time. An error names the rule.
Result<std::vector<BacktestAlert>> backtest(const std::vector<GroupConfig>& groups,
                                            const BacktestSpan& span, const RangeQuery& query);

}  // namespace nines::alerts
