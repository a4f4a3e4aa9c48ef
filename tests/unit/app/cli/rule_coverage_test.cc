#include "app/cli/internal/rule_coverage.h"

#include <doctest/doctest.h>

namespace nines::app {
namespace {

alerts::GroupConfig group(const std::string& file) {
  alerts::GroupConfig out;
  out.file = file;
  out.name = "g";
  for (const char* name : {"Down", "Slow"}) {
    alerts::RuleConfig rule;
    rule.alert = name;
    out.rules.push_back(rule);
  }
  for (const char* name : {"job:up", "job:down"}) {
    alerts::RuleConfig rule;
    rule.record = name;
    out.rules.push_back(rule);
  }
  return out;
}

alerts::RuleTestFile tests(const std::string& alert, const std::string& expr) {
  alerts::RuleTest test;
  alerts::AlertCase asked;
  asked.alertname = alert;
  test.alert_cases.push_back(asked);
  alerts::ExprCase queried;
  queried.expr = expr;
  test.expr_cases.push_back(queried);
  alerts::RuleTestFile out;
  out.tests.push_back(test);
  return out;
}

}  // namespace

TEST_CASE("a rule is tested when its alert or its metric is asked for") {
  RuleCoverage coverage;
  CHECK(coverage.percent() == 100);
  coverage.add({group("a.yml")}, tests("Down", "sum(job:up) > 1"));
  CHECK(coverage.percent() == 50);
  CHECK(coverage.report() ==
        "a.yml: 2 of 4 rules tested (50.0 %)\n  not tested: g: alert Slow\n"
        "  not tested: g: record job:down\nrule test coverage: 50.0 %\n");
  // Another test file of the same rules adds what it tests; a selector of every name is none's.
  coverage.add({group("a.yml")}, tests("Slow", R"({__name__=~"job:d.*"} or {job="x"})"));
  CHECK(coverage.percent() == 100);
  coverage.add({group("b.yml")}, tests("None", "broken("));
  CHECK(coverage.percent() == 50);
}

}  // namespace nines::app
