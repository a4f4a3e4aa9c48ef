#pragma once
// Advice on rules that load and yet are likely not what was meant.

#include <functional>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "rules/alerts/config.h"

namespace nines::alerts {

struct LintFinding {
  std::string place;  // `file:line` where the line is known
  std::string rule;   // its name
  std::string
      check;  // duplicate | missing-for | regex | dropped-label | dead-selector | absent-label
  std::string text;  // what, and what to do about it
};

// Whether any series matches the selector, written as PromQL.
using SelectorExists = std::function<Result<bool>(const std::string& selector)>;

// The groups have passed check_group(). Findings are in the order of the rules:
//  duplicate      two rules give series of the same name and labels
//  missing-for    an alert that fires on one evaluation, without `for`
//  regex          a pattern that is no pattern, is anchored twice, or lets everything through
//  dropped-label  a template uses a label that the expression never has in its result
//  dead-selector  nothing in the store matches (only with `exists`; series that rules of the same
//                 groups record count as there, and so do ALERTS and what absent() asks for)
//  absent-label   an aggregation groups by a label, or a template uses one, that no series which
//  the
//                 expression reads has (only with `exists`, and not where such series are recorded)
// An error is one that `exists` gave.
Result<std::vector<LintFinding>> lint_groups(const std::vector<GroupConfig>& groups,
                                             const promql::EngineOptions& options,
                                             const SelectorExists& exists);

}  // namespace nines::alerts
