#pragma once
// Advice on rules that load and yet are likely not what was meant.

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "rules/alerts/config.h"

namespace nines::alerts {

inline constexpr std::array<std::string_view, 11> kLintChecks = {
    "duplicate", "missing-for",   "regex",          "condition",     "vector-matching", "rate",
    "fragile",   "dropped-label", "value-in-label", "dead-selector", "absent-label"};

struct LintFinding {
  std::string place;  // `file:line` where the line is known
  std::string rule;   // its name
  std::string check;  // one of kLintChecks
  std::string text;   // what, and what to do about it
};

// Whether any series matches the selector, written as PromQL.
using SelectorExists = std::function<Result<bool>(const std::string& selector)>;

// The groups have passed check_group(). Findings are in the order of the rules:
//  duplicate      two rules give series of the same name and labels
//  missing-for    an alert that fires on one evaluation, without `for`
//  regex          a pattern that is no pattern, is anchored twice, or lets everything through
//  condition      an alert whose expression leaves nothing out: it fires for all that exists
//  vector-matching  the two sides of an operator have labels by which they never match
//  rate           rate() of a gauge or delta() of a counter, by the name; rate() of an aggregation
//  fragile        topk() and the like in alerts; `without` on one side of an operator
//  value-in-label  a label's template holds the value
//  dropped-label  a template uses a label that the expression never has in its result
//  dead-selector  nothing in the store matches (only with `exists`; series that rules of the same
//                 groups record count as there, and so do ALERTS and what absent() asks for)
//  absent-label   an aggregation groups by a label, or a template uses one, that no series has
//  which
//                 the expression reads (only with `exists`, and not where such series are recorded)
// An error is one that `exists` gave.
Result<std::vector<LintFinding>> lint_groups(const std::vector<GroupConfig>& groups,
                                             const promql::EngineOptions& options,
                                             const SelectorExists& exists);

}  // namespace nines::alerts
