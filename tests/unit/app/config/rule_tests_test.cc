// Unit tests of rules in TOML: read as their YAML twins, mistakes named where they stand.
#include "app/config/rule_tests.h"

#include <cmath>
#include <string>

#include <doctest/doctest.h>

namespace nines::config {
namespace {

alerts::RuleTestFile read(const std::string& text) {
  auto file = parse_rule_tests_toml("t.toml", text);
  REQUIRE_MESSAGE(file, (file ? "" : file.error().what()));
  return *std::move(file);
}
std::string mistake(const std::string& text) {
  const auto file = parse_rule_tests_toml("t.toml", text);
  return file ? "" : file.error().what();
}

constexpr const char* kToml = R"(rule_files = ["a.toml", "b.yml"]
evaluation_interval = "30s"
group_eval_order = ["x", "y"]
fuzzy_compare = true

[[tests]]
name = "n"
interval = "15s"
external_labels = { region = "eu" }
external_url = "http://e"
start_timestamp = 100
input_series = [{ series = "up", values = "1x3" }]
[[tests.alert_rule_test]]
eval_time = "1m"
alertname = "Down"
exp_alerts = [{ exp_labels = { a = "b" }, exp_annotations = { c = "d" } }]
[[tests.promql_expr_test]]
expr = "up"
eval_time = "2m"
exp_samples = [{ labels = "up", value = 1.5 }, { labels = "h", histogram = "{{count:1}}" }]
)";
constexpr const char* kYaml = R"(rule_files: [a.toml, b.yml]
evaluation_interval: 30s
group_eval_order: [x, y]
fuzzy_compare: true

tests:
- name: n
  interval: 15s
  external_labels: {region: eu}
  external_url: http://e
  start_timestamp: 100
  input_series: [{series: up, values: 1x3}]
  alert_rule_test:
  - eval_time: 1m
    alertname: Down
    exp_alerts: [{exp_labels: {a: b}, exp_annotations: {c: d}}]
  promql_expr_test:
  - expr: up
    eval_time: 2m
    exp_samples: [{labels: up, value: 1.5}, {labels: h, histogram: "{{count:1}}"}]
)";

}  // namespace

TEST_CASE("every key of a YAML test file stands in TOML under the same name and means the same") {
  const alerts::RuleTestFile toml = read(kToml);
  const auto yaml = alerts::parse_rule_tests_yaml("t.toml", kYaml);
  REQUIRE_MESSAGE(yaml, (yaml ? "" : yaml.error().what()));
  CHECK(toml.file == yaml->file);
  CHECK(toml.rule_files == yaml->rule_files);
  CHECK(toml.evaluation_interval == Duration(30'000));
  CHECK(toml.evaluation_interval == yaml->evaluation_interval);
  CHECK(toml.group_eval_order == yaml->group_eval_order);
  CHECK(toml.fuzzy_compare == yaml->fuzzy_compare);
  REQUIRE(toml.tests.size() == 1);
  REQUIRE(yaml->tests.size() == 1);
  const alerts::RuleTest& a = toml.tests[0];
  const alerts::RuleTest& b = yaml->tests[0];
  CHECK(a.name == b.name);
  CHECK(a.interval == b.interval);
  CHECK(a.start == b.start);
  CHECK(to_millis(a.start) == 100'000);
  CHECK(a.external_labels == b.external_labels);
  CHECK(a.external_url == b.external_url);
  REQUIRE(a.input_series.size() == 1);
  CHECK(a.input_series[0].series == b.input_series[0].series);
  CHECK(a.input_series[0].values == b.input_series[0].values);
  REQUIRE(a.alert_cases.size() == 1);
  CHECK(a.alert_cases[0].eval_time == b.alert_cases[0].eval_time);
  CHECK(a.alert_cases[0].alertname == b.alert_cases[0].alertname);
  REQUIRE(a.alert_cases[0].alerts.size() == 1);
  CHECK(a.alert_cases[0].alerts[0].labels == b.alert_cases[0].alerts[0].labels);
  CHECK(a.alert_cases[0].alerts[0].annotations == b.alert_cases[0].alerts[0].annotations);
  REQUIRE(a.expr_cases.size() == 1);
  CHECK(a.expr_cases[0].expr == b.expr_cases[0].expr);
  CHECK(a.expr_cases[0].eval_time == b.expr_cases[0].eval_time);
  REQUIRE(a.expr_cases[0].samples.size() == 2);
  for (int i = 0; i < 2; ++i) {
    CHECK(a.expr_cases[0].samples[i].labels == b.expr_cases[0].samples[i].labels);
    CHECK(a.expr_cases[0].samples[i].value == b.expr_cases[0].samples[i].value);
    CHECK(a.expr_cases[0].samples[i].histogram == b.expr_cases[0].samples[i].histogram);
  }
  CHECK(a.line == 6);
  CHECK(a.alert_cases[0].line == 13);
  CHECK(a.expr_cases[0].line == 17);
}

TEST_CASE("an empty file is a test of nothing, with promtool's defaults") {
  const alerts::RuleTestFile file = read("");
  CHECK(file.tests.empty());
  CHECK(file.evaluation_interval == Duration(60'000));
  CHECK(read("evaluation_interval = \"0s\"").evaluation_interval == Duration(60'000));
}

TEST_CASE("expected values are numbers, or texts that are") {
  const auto value = [](const std::string& text) {
    return read("[[tests]]\n[[tests.promql_expr_test]]\nexpr = \"up\"\nexp_samples = [{ value = " +
                text + " }]\n")
        .tests[0]
        .expr_cases[0]
        .samples[0]
        .value;
  };
  CHECK(value("7") == 7);
  CHECK(value("-7.25") == -7.25);
  CHECK(value("inf") == INFINITY);
  CHECK(value("\"-Inf\"") == -INFINITY);
  CHECK(std::isnan(value("nan")));
  CHECK(std::isnan(value("\"NaN\"")));
  CHECK(value("\"0x1p3\"") == 8);
}

TEST_CASE("a test may begin at any time, in any form a time is written") {
  const auto start = [](const std::string& text) {
    return to_millis(read("[[tests]]\nstart_timestamp = " + text + "\n").tests[0].start);
  };
  CHECK(start("1700000000") == 1'700'000'000'000);
  CHECK(start("1700000000.5") == 1'700'000'000'500);
  CHECK(start("\"1700000000\"") == 1'700'000'000'000);
  CHECK(start("\"2023-11-14T22:13:20Z\"") == 1'700'000'000'000);
  CHECK(start("2023-11-14T22:13:20Z") == 1'700'000'000'000);
  CHECK(start("2023-11-14T23:13:20+01:00") == 1'700'000'000'000);
  CHECK(mistake("[[tests]]\nstart_timestamp = \"noon\"\n").starts_with("t.toml:2:19: `start_t"));
  CHECK(mistake("[[tests]]\nstart_timestamp = true\n").starts_with("t.toml:2:19: `start_t"));
}

TEST_CASE("a mistake is named with file, line, column and remedy; several are all named") {
  const auto says = [](const std::string& text, const std::string& what) {
    const std::string said = mistake(text);
    CAPTURE(text);
    CAPTURE(said);
    CHECK(said.find(what) != std::string::npos);
  };
  says("test = []\n", "t.toml:1:1: unknown key `test`; did you mean `tests`?");
  says("[[tests]]\nintervall = \"1m\"\n", "t.toml:2:1: unknown key `intervall` in [[tests]]");
  says("[[tests]]\ninterval = 15\n", "t.toml:2:12: `interval` in [[tests]] must be a duration");
  says("[[tests]]\ninterval = \"x\"\n", "t.toml:2:12: `interval`: ");
  says("rule_files = \"a\"\n", "t.toml:1:14: `rule_files`");
  says("tests = 1\n", "an array of tables: write [[tests]]");
  says("[[tests]]\ninput_series = [{ serie = \"up\" }]\n", "did you mean `series`");
  says("[[tests]]\n[[tests.alert_rule_test]]\neval_time = \"1m\"\n", "needs an `alertname`");
  says("[[tests]]\n[[tests.promql_expr_test]]\neval_time = \"1m\"\n", "needs an `expr`");
  says("[[tests]]\nexternal_labels = { a = 1 }\n", "`external_labels.a`");
  says(
      "[[tests]]\n[[tests.promql_expr_test]]\nexpr = \"up\"\nexp_samples = [{ value = \"much\" "
      "}]\n",
      "t.toml:4:26: `value` must be a number, not \"much\"");
  says("a = \n", "t.toml:1:");
  const std::string both = mistake("evaluation_interval = 1\nfuzzy_compare = \"yes\"\n");
  CHECK(both.find("t.toml:1:") != std::string::npos);
  CHECK(both.find("\nt.toml:2:") != std::string::npos);
}

}  // namespace nines::config
