#include "rules/alerts/lint.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace nines::alerts {
namespace {

RuleConfig alert(const std::string& expr, const std::string& annotation = "") {
  RuleConfig rule;
  rule.alert = "A";
  rule.expr = expr;
  rule.hold = Duration(60'000);
  rule.line = 7;
  if (!annotation.empty()) rule.annotations["summary"] = annotation;
  return rule;
}

std::vector<LintFinding> lint(std::vector<RuleConfig> rules, const SelectorExists& exists = {}) {
  GroupConfig group;
  group.file = "f";
  group.name = "g";
  group.rules = std::move(rules);
  auto found = lint_groups({group}, {}, exists);
  REQUIRE(found);
  return *found;
}

// The checks that speak, in order.
std::string checks(const RuleConfig& rule) {
  std::string out;
  for (const LintFinding& one : lint({rule})) out += one.check + " ";
  return out;
}

TEST_CASE("a sound rule has no findings") {
  CHECK(checks(alert("up{job=\"a\"} == 0", "{{ $labels.instance }} {{ $value }}")).empty());
}

TEST_CASE("an alert without `for` is told, with its place") {
  RuleConfig rule = alert("up == 0");
  rule.hold = Duration(0);
  const auto found = lint({rule});
  REQUIRE(found.size() == 1);
  CHECK(found[0].check == "missing-for");
  CHECK(found[0].place == "f:7");
  CHECK(found[0].rule == "A");
}

TEST_CASE("two rules that give the same series are told, a label tells them apart") {
  RuleConfig first = alert("up == 0");
  RuleConfig second = alert("up == 1");
  REQUIRE(lint({first, second}).size() == 1);
  CHECK(lint({first, second})[0].check == "duplicate");
  second.labels["severity"] = "page";
  CHECK(lint({first, second}).empty());
}

TEST_CASE("patterns that are none, are anchored twice, or match everything") {
  CHECK(checks(alert("up{job=~\"api\"} == 0")) == "regex ");
  CHECK(checks(alert("up{job=~\"^api.*\"} == 0")) == "regex ");
  CHECK(checks(alert("up{job=~\"api.*$\"} == 0")) == "regex ");
  CHECK(checks(alert("up{job=~\".*\"} == 0")) == "regex ");
  CHECK(checks(alert("up{job=~\"api|web\"} == 0")).empty());
  CHECK(checks(alert("up{job=~\"api.+\"} == 0")).empty());
  CHECK(checks(alert("count({job=~\".+x\"}) > 0")) == "regex ");
}

TEST_CASE("a label that the expression drops must not be used") {
  const auto uses = [](const std::string& expr, const std::string& label) {
    return checks(alert(expr, "{{ $labels." + label + " }}")).find("dropped-label ") !=
           std::string::npos;
  };
  CHECK(uses("sum by (job) (up) > 1", "instance"));
  CHECK_FALSE(uses("sum by (job) (up) > 1", "job"));
  CHECK(uses("sum(up) > 1", "job"));
  CHECK(uses("sum without (job) (up) > 1", "job"));
  CHECK_FALSE(uses("sum without (job) (up) > 1", "instance"));
  CHECK(uses("rate(x[5m]) / on (job) y > 1", "instance"));
  CHECK_FALSE(uses("rate(x[5m]) / on (job) group_left (zone) y > 1", "instance"));
  CHECK(uses("sum by (job) (x) / on (job) group_left (zone) y > 1", "instance"));
  CHECK_FALSE(uses("sum by (job) (x) / on (job) group_left (zone) y > 1", "zone"));
  CHECK(uses("x / ignoring (path) y > 1", "path"));
  CHECK(uses("sum by (a) (x) or sum by (b) (y)", "c"));
  CHECK_FALSE(uses("sum by (a) (x) or sum by (b) (y)", "b"));
  CHECK_FALSE(uses("sum by (a) (x) or y", "c"));
  CHECK(uses("sum by (a) (x) and y", "c"));
  CHECK(uses("topk(3, sum by (a) (x))", "c"));
  CHECK_FALSE(uses("topk(3, x)", "c"));
  CHECK(uses("absent(up{job=\"a\"})", "instance"));
  CHECK_FALSE(uses("absent(up{job=\"a\"})", "job"));
  CHECK(uses("vector(1)", "job"));
  CHECK_FALSE(uses("label_replace(sum(x), \"dst\", \"$1\", \"src\", \"(.*)\")", "dst"));
  CHECK_FALSE(uses("count_values(\"v\", x)", "v"));
  CHECK(uses("histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[5m]))) > 1", "le"));
  CHECK(uses("max_over_time(sum by (job) (x)[5m:1m]) > 1", "instance"));
  CHECK(uses("2 * (sum by (job) (x)) > 1", "instance"));
}

TEST_CASE(
    "dead selectors are asked for once each; recorded series and absent() are not asked for") {
  std::vector<std::string> asked;
  const SelectorExists exists = [&](const std::string& selector) -> Result<bool> {
    asked.push_back(selector);
    return selector.find("dead") == std::string::npos;
  };
  RuleConfig record;
  record.record = "mine";
  record.expr = "sum(alive)";
  RuleConfig other = alert("dead{a=\"b\"} > alive");
  other.alert = "B";
  const auto found =
      lint({record, alert("mine > 1 and absent(dead2) and ALERTS == 1"), other}, exists);
  REQUIRE(found.size() == 1);
  CHECK(found[0].check == "dead-selector");
  CHECK(found[0].rule == "B");
  CHECK(asked == std::vector<std::string>{"{__name__=\"alive\"}", "{a=\"b\",__name__=\"dead\"}",
                                          "{__name__=\"dead\"}"});
  const auto refused = lint_groups({GroupConfig{"f", "g", {}, {}, 0, {}, {record}}}, {},
                                   [](const std::string&) -> Result<bool> {
                                     return Error(ErrorCode::kUnavailable, "no server");
                                   });
  CHECK_FALSE(refused);
}

TEST_CASE("a selector that is dead by one label says which") {
  // up{job="a",site="x"} and nothing else.
  const SelectorExists exists = [&](const std::string& selector) -> Result<bool> {
    const auto has = [&](const char* text) { return selector.find(text) != std::string::npos; };
    return has("__name__=\"up\"") && !has("job=\"b\"") && !has("sitte=\"x\"");
  };
  const auto text = [&](const std::string& expr) {
    const auto found = lint({alert(expr)}, exists);
    REQUIRE(found.size() == 1);
    CHECK(found[0].check == "dead-selector");
    return found[0].text;
  };
  CHECK(
      text("up{job=\"b\",site=\"x\"} == 0").ends_with("up is there, but none of it has job=\"b\""));
  CHECK(text("up{job=\"a\",sitte=\"x\"} == 0").ends_with("none of it has sitte=\"x\""));
  CHECK(text("down{job=\"a\"} == 0").ends_with("the target is missing, or a name is misspelt"));
}

TEST_CASE("labels that no series has: grouped by, or used in a template") {
  const SelectorExists exists = [](const std::string& selector) -> Result<bool> {
    return selector.find("zone!=\"\"") == std::string::npos;  // everything but the label zone
  };
  const auto findings = [&](const std::string& expr, const std::string& template_text = "") {
    RuleConfig rule = alert(expr);
    if (!template_text.empty()) rule.annotations["a"] = template_text;
    std::string out;
    for (const LintFinding& one : lint({rule}, exists)) out += one.check + ": " + one.text + "\n";
    return out;
  };
  CHECK(findings("sum by (zone) (up) > 1") ==
        "absent-label: groups by \"zone\", which nothing in `up` has\n");
  CHECK(findings("sum by (job) (up) > 1").empty());
  CHECK(findings("sum without (zone) (up) > 1").empty());
  CHECK(findings("up == 0", "{{ $labels.zone }}") ==
        "absent-label: a template uses $labels.zone, which none of the series has that the "
        "expression reads\n");
  CHECK(findings("up == 0", "{{ $labels.job }}").empty());
  CHECK(
      findings("label_replace(up, \"zone\", \"$1\", \"job\", \"(.*)\") == 0", "{{ $labels.zone }}")
          .empty());
  CHECK(findings("count_values(\"zone\", up) > 1", "{{ $labels.zone }}").empty());
  CHECK(findings("absent(up{zone=\"a\"})", "{{ $labels.zone }}").empty());
  CHECK(findings("ALERTS == 1", "{{ $labels.zone }}").empty());
  CHECK(findings("vector(1) > 0").empty());
  RuleConfig record;
  record.record = "mine";
  record.expr = "sum by (job) (up)";
  RuleConfig reader = alert("sum by (zone) (mine) > 1");
  CHECK(lint({record, reader}, exists).empty());
}

TEST_CASE("an alert needs a condition") {
  for (const char* with : {"m > 1", "absent(m)", "m unless n", "m and on () (hour() > 8)",
                           "vector(1)", "m > 1 or n > 1", "sum(m > 1)", "(m > 1) * 100",
                           "ALERTS{alertname=\"B\"}", "(m > bool 1) == 1"}) {
    CAPTURE(with);
    CHECK(checks(alert(with)).find("condition") == std::string::npos);
  }
  for (const char* without :
       {"m", "sum by (job) (m)", "m > bool 1", "m > 1 or n", "rate(m[5m]) * 2"}) {
    CAPTURE(without);
    CHECK(checks(alert(without)) == "condition ");
  }
}

TEST_CASE("a metric that is recorded under a condition is one") {
  RuleConfig recorded;
  recorded.record = "r:high";
  recorded.expr = "m > 1";
  CHECK(lint({recorded, alert("r:high")}).empty());
  recorded.expr = "m";
  CHECK(lint({recorded, alert("r:high")}).size() == 1);
}

TEST_CASE("sides of an operator that can never match are told") {
  for (const char* bad :
       {"sum by (job) (m) / sum by (instance) (n) > 1", "sum by (job) (m) / on (instance) n > 1",
        "m * on (job) group_left (zone) sum by (job) (n) > 1", "sum(m) / sum by (job) (n) > 1"}) {
    CAPTURE(bad);
    CHECK(checks(alert(bad)) == "vector-matching ");
  }
  for (const char* good :
       {"sum by (job) (m) / sum by (job) (n) > 1", "m / on (instance) n > 1", "m / n > 1",
        "sum by (job, zone) (m) / ignoring (zone) group_left () sum by (job) (n) > 1",
        "m * on (instance) group_left (version) n_info > 1", "sum(m) / sum(n) > 1",
        "sum by (job) (m) > 1 or sum by (zone) (n) > 1", "sum by (a) (m) and on () (n > 1)"}) {
    CAPTURE(good);
    CHECK(checks(alert(good)).empty());
  }
}

TEST_CASE("rates of gauges and of sums, changes of counters") {
  for (const char* bad : {"rate(node_memory_MemFree_bytes[5m]) > 1", "delta(x_total[5m]) > 1",
                          "rate(sum(x_total)[5m:1m]) > 1", "deriv(x_total[5m]) > 1"}) {
    CAPTURE(bad);
    CHECK(checks(alert(bad)) == "rate ");
  }
  for (const char* good :
       {"rate(x_total[5m]) > 1", "histogram_quantile(0.9, sum(rate(x_seconds[5m]))) > 1",
        "delta(node_memory_MemFree_bytes[5m]) > 1", "rate(x_seconds_sum[5m]) > 1",
        "max_over_time(rate(x_total[1m])[5m:]) > 1"}) {
    CAPTURE(good);
    CHECK(checks(alert(good)).empty());
  }
}

TEST_CASE("what is fragile in alerts") {
  CHECK(checks(alert("topk(3, m) > 1")) == "fragile ");
  CHECK(checks(alert("sum without (a) (m) / n > 1")) == "fragile ");
  CHECK(checks(alert("sum without (a) (m) / sum without (a) (n) > 1")).empty());
  CHECK(checks(alert("sum without (a) (m) / on (job) n > 1")).empty());
  RuleConfig recorded;
  recorded.record = "top";
  recorded.expr = "topk(3, m)";
  CHECK(lint({recorded}).empty());
}

TEST_CASE("a label must not hold the value; labels are looked for by index, too") {
  RuleConfig rule = alert("m > 1");
  rule.labels["v"] = "{{ $value }}";
  CHECK(checks(rule) == "value-in-label ");
  rule.labels["v"] = "{{ .Value | humanize }}";
  CHECK(checks(rule) == "value-in-label ");
  rule.labels["v"] = "{{ $labels.value }} of $value";
  CHECK(checks(rule).empty());
  CHECK(checks(alert("sum by (job) (m) > 1", "{{ index $labels \"instance\" }}")) ==
        "dropped-label ");
  CHECK(checks(alert("sum by (job) (m) > 1", "{{ index $labels \"job\" }}")).empty());
}

}  // namespace
}  // namespace nines::alerts
