#include "rules/remediation/config.h"

#include <algorithm>

#include "base/text/text.h"

namespace nines::remediation {

std::vector<std::string> check_remediation(const RemediationConfig& config,
                                           const promql::EngineOptions& options) {
  std::vector<std::string> problems;
  const std::string who = "remediation " + quote_go(config.name) + ": ";
  if (config.name.empty()) problems.emplace_back("a remediation needs a `name`");
  // An empty match must never mean everything.
  if (std::all_of(config.matchers.begin(), config.matchers.end(),
                  [](const Matcher& m) { return m.matches_empty(); })) {
    problems.push_back(who + "`matchers` need at least one that does not match the empty string");
  }
  if (config.mode == Mode::kApprove) {
    problems.push_back(
        who + "mode \"approve\" is not in this version yet: write \"dry_run\" or \"auto\"");
  }
  if (config.action.url.empty())
    problems.push_back(who + "`action = { webhook = { url = \"...\" } }` is missing");
  if (config.mode == Mode::kAuto && config.verify.expr.empty()) {
    problems.push_back(who +
                       "`verify = { expr = '...' }` is missing: an action whose effect nobody "
                       "checks is not taken");
  }
  if (config.limits.max_per_hour < 1) problems.push_back(who + "`max_per_hour` must be at least 1");
  if (config.limits.max_concurrent < 1)
    problems.push_back(who + "`max_concurrent` must be at least 1");
  for (const std::string& expr : {config.verify.expr, config.precondition_expr}) {
    if (expr.empty()) continue;
    if (const auto query = promql::Query::parse(expr, options); !query)
      problems.push_back(who + query.error().what());
  }
  return problems;
}

}  // namespace nines::remediation
