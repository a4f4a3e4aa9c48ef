#pragma once
// Unit tests of rules, in the format of `promtool test rules`: series go in, alerts and query
// results are compared. Source:
// prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "rules/alerts/config.h"
#include "rules/promql/script.h"

namespace nines::alerts {

struct ExpectedAlert {
  std::map<std::string, std::string> labels;  // without alertname
  std::map<std::string, std::string> annotations;
};
struct AlertCase {
  Duration eval_time{};
  std::string alertname;
  std::vector<ExpectedAlert> alerts;  // those that fire
  int line = 0;
};
struct ExpectedSample {
  std::string labels;
  double value = 0;
  std::string histogram;  // as in series notation; empty: a float
};
struct ExprCase {
  std::string expr;
  Duration eval_time{};
  std::vector<ExpectedSample> samples;
  int line = 0;
};
struct RuleTest {
  std::string name;
  Duration interval{0};  // of the series; 0: the file's evaluation interval
  Timestamp start{};
  std::vector<promql::TestSeries> input_series;
  std::vector<AlertCase> alert_cases;
  std::vector<ExprCase> expr_cases;
  std::map<std::string, std::string> external_labels;
  std::string external_url;
  int line = 0;
};
struct RuleTestFile {
  std::string file;
  std::vector<std::string> rule_files;  // patterns, relative to the test file's folder
  Duration evaluation_interval{60'000};
  std::vector<std::string> group_eval_order;
  bool fuzzy_compare = false;  // values may differ in the last bit of their mantissas
  std::vector<RuleTest> tests;
};

// kInvalid: `file:line:col: message`. Unknown keys are errors, unless they are ignored.
Result<RuleTestFile> parse_rule_tests_yaml(const std::string& file, std::string_view text,
                                           UnknownKeys unknown = UnknownKeys::kRefuse);

struct CaseResult {
  std::string name;     // "alert InstanceDown at 10m", "expr up at 5m", "evaluation"
  std::string failure;  // empty: passed; else what was expected and what came
  int line = 0;
  // Where two lists differ: their lines, sorted; an alert has one of labels and one of annotations.
  std::vector<std::string> expected, got;
};
struct RuleTestResult {
  std::string name;
  int line = 0;
  std::vector<CaseResult> cases;
  std::vector<std::string> dump;  // every series in the end, its samples behind it; when asked
};

struct RuleTestOptions {
  promql::EngineOptions engine;
  bool dump = false;
};

// Runs every test of the file over `groups`, which have passed check_group(), each with a store of
// its own. Every group is evaluated at every evaluation interval, whatever its own interval is, as
// promtool does. A rule that fails to evaluate fails the test.
Result<std::vector<RuleTestResult>> run_rule_tests(const RuleTestFile& file,
                                                   const std::vector<GroupConfig>& groups,
                                                   const promql::ScriptStoreFactory& make_store,
                                                   const RuleTestOptions& options);

}  // namespace nines::alerts
