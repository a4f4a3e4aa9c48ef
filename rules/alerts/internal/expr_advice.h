#pragma once
// What is likely wrong with an expression, read off the expression alone.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rules/promql/engine.h"

namespace nines::alerts {

struct ExprAdvice {
  const char* check;  // condition | vector-matching | rate | fragile
  std::string text;
};

// `alerting`: the expression decides whether an alert is there. `filtered`: metrics that are
// recorded by expressions which leave out what is well, so that their series alone say something.
// In the order of the text.
std::vector<ExprAdvice> advice_on(const promql::Query& query, bool alerting,
                                  const std::set<std::string>& filtered);

// Whether the expression leaves series out by a condition: a comparison, absent(), unless.
bool is_condition(const promql::Query& query, const std::set<std::string>& filtered);

}  // namespace nines::alerts
