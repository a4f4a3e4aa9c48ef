#pragma once
// Which rules the unit tests of rules look at.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rules/alerts/config.h"
#include "rules/alerts/rule_test.h"

namespace nines::app {

// A rule is tested when a test of a file that names its rule file asks for it: an alert_rule_test
// by the alert's name, a promql_expr_test by a selector that the recording rule's name matches.
class RuleCoverage {
 public:
  // One test file with the rules it names. Rules that are known already stay one.
  void add(const std::vector<alerts::GroupConfig>& groups, const alerts::RuleTestFile& tests);
  double percent() const;  // of all rules; 100 when there is none
  // A line a rule file, a line a rule without a test, a line for all.
  std::string report() const;

 private:
  struct Rule {
    std::string group, name;  // "alert X" or "record y"
    bool tested = false;
  };
  // By file, by (group, place in the group).
  std::map<std::string, std::map<std::pair<std::string, std::size_t>, Rule>> files_;
};

}  // namespace nines::app
