#include "app/cli/internal/rule_coverage.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/model/matcher.h"
#include "rules/promql/engine.h"

namespace nines::app {
namespace {

using Selectors = std::vector<std::vector<Matcher>>;

// Whether a selector says something of the metric's name that `name` meets.
bool asks_for(const std::vector<Matcher>& selector, const std::string& name) {
  bool named = false;
  for (const Matcher& m : selector) {
    if (m.name() != kMetricName) continue;
    if (!m.matches(name)) return false;
    named = true;
  }
  return named;
}

double percent_of(std::size_t part, std::size_t all) {
  return all == 0 ? 100 : 100 * static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

void RuleCoverage::add(const std::vector<alerts::GroupConfig>& groups,
                       const alerts::RuleTestFile& tests) {
  std::set<std::string> alerts;
  Selectors selectors;
  for (const alerts::RuleTest& test : tests.tests) {
    for (const alerts::AlertCase& one : test.alert_cases) alerts.insert(one.alertname);
    for (const alerts::ExprCase& one : test.expr_cases) {
      const auto query = promql::Query::parse(one.expr);
      if (!query) continue;  // the test itself tells
      for (std::vector<Matcher>& selector : query->selectors())
        selectors.push_back(std::move(selector));
    }
  }
  for (const alerts::GroupConfig& group : groups) {
    auto& known = files_[group.file];
    for (std::size_t i = 0; i < group.rules.size(); ++i) {
      const alerts::RuleConfig& rule = group.rules[i];
      const bool is_alert = !rule.alert.empty();
      Rule& kept = known[{group.name, i}];
      kept.group = group.name;
      kept.name = is_alert ? "alert " + rule.alert : "record " + rule.record;
      const bool tested =
          is_alert ? alerts.contains(rule.alert)
                   : std::any_of(selectors.begin(), selectors.end(), [&](const auto& selector) {
                       return asks_for(selector, rule.record);
                     });
      kept.tested = kept.tested || tested;
    }
  }
}

double RuleCoverage::percent() const {
  std::size_t all = 0;
  std::size_t tested = 0;
  for (const auto& [file, rules] : files_) {
    for (const auto& [place, rule] : rules) {
      ++all;
      tested += rule.tested ? 1 : 0;
    }
  }
  return percent_of(tested, all);
}

std::string RuleCoverage::report() const {
  std::string out;
  for (const auto& [file, rules] : files_) {
    std::size_t tested = 0;
    std::string missing;
    for (const auto& [place, rule] : rules) {
      tested += rule.tested ? 1 : 0;
      if (!rule.tested) missing += "  not tested: " + rule.group + ": " + rule.name + "\n";
    }
    out += fmt::format("{}: {} of {} rules tested ({:.1f} %)\n{}", file, tested, rules.size(),
                       percent_of(tested, rules.size()), missing);
  }
  return out + fmt::format("rule test coverage: {:.1f} %\n", percent());
}

}  // namespace nines::app
