// The keys of alerting rules beyond Prometheus's: what is read, and what each says of a bad value.
#include <string>

#include <doctest/doctest.h>

#include "app/config/config.h"
#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

const std::string kHead =
    "[[groups]]\nname = \"g\"\n[[groups.rules]]\nalert = \"A\"\nexpr = \"up == 0\"\n";

// What is said of a rule file with these lines after the five of the rule's head.
std::string said(const std::string& lines, const std::string& head = kHead) {
  testing::MemFs fs;
  fs.put("/etc/r.toml", head + lines);
  const auto config = load_text(fs, "/etc/n.toml", "rule_files = [\"r.toml\"]\n");
  return config ? "" : config.error().what();
}
void check(const std::string& lines, const std::string& place, const std::string& what,
           const std::string& head = kHead) {
  const std::string text = said(lines, head);
  CAPTURE(lines);
  CAPTURE(text);
  CHECK(text.find("r.toml:" + place + ": ") != std::string::npos);
  CHECK(text.find(what) != std::string::npos);
}

}  // namespace

TEST_CASE("every key beyond Prometheus's is read from a rule file") {
  testing::MemFs fs;
  fs.put("/etc/r.toml", kHead + R"(resolve_expr = "up == 1"
on_no_data = "alert"
on_error = "ok"
flap_detection = { high = 0.5, low = 0.2 }
depends_on = ['alertname="Network"', 'severity=~"page|warn"']
equal = ["site"]

[[groups.rules]]
alert = "B"
type = "logql"
expr = 'sum(count_over_time({app="shop"} |= "panic" [5m])) > 0'
flap_detection = {}
on_no_data = "ok"
on_error = "keep"

[[groups.rules]]
record = "panics"
type = "logql"
expr = 'sum(count_over_time({app="shop"} |= "panic" [5m]))'
)");
  const auto config = load_text(
      fs, "/etc/n.toml", "rule_files = [\"r.toml\"]\n[builtin]\nrules = false\nslo = false\n");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  REQUIRE(config->groups.size() == 1);
  const auto& rules = config->groups[0].rules;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].resolve_expr == "up == 1");
  CHECK(rules[0].on_no_data == alerts::Fallback::kAlert);
  CHECK(rules[0].on_error == alerts::Fallback::kOk);
  CHECK(rules[0].flap_detection == alerts::FlapDetection{0.5, 0.2});
  CHECK(rules[0].depends_on.size() == 2);
  CHECK(rules[0].equal == std::vector<std::string>{"site"});
  CHECK_FALSE(rules[0].logql);
  CHECK(rules[1].logql);
  CHECK(rules[1].flap_detection == alerts::FlapDetection{});
  CHECK(rules[1].on_error == alerts::Fallback::kKeep);
  CHECK(rules[2].logql);
}

TEST_CASE("without these keys a rule is Prometheus's") {
  testing::MemFs fs;
  fs.put("/etc/r.toml", kHead);
  const auto config = load_text(
      fs, "/etc/n.toml", "rule_files = [\"r.toml\"]\n[builtin]\nrules = false\nslo = false\n");
  REQUIRE(config);
  alerts::RuleConfig plain;
  plain.alert = "A";
  plain.expr = "up == 0";
  plain.line = 3;
  CHECK(config->groups[0].rules[0] == plain);
}

TEST_CASE("a bad value of each key is told with file, line, key and remedy") {
  check("type = \"sql\"\n", "6:8", "`type` must be one of \"promql\", \"logql\", not \"sql\"");
  check("type = 1\n", "6:8", "`type`");
  check("on_no_data = \"kep\"\n", "6:14", "did you mean \"keep\"?");
  check("on_no_data = true\n", "6:14", "`on_no_data`");
  check("on_error = \"fire\"\n", "6:12", "`on_error` must be one of \"ok\", \"alert\", \"keep\"");
  check("resolve_expr = \"up ==\"\n", "6:16", "`resolve_expr`: 1:6: parse error");
  check("resolve_expr = 1\n", "6:16", "`resolve_expr` in [[rules]] must be a string");
  check("flap_detection = true\n", "6:18", "`flap_detection` in [[rules]] must be a table");
  check("flap_detection = { hi = 0.5 }\n", "6:20", "unknown key `hi` in flap_detection");
  check("flap_detection = { high = \"much\" }\n", "6:27", "must be a number");
  for (const char* range : {"{ high = 0.2, low = 0.3 }", "{ high = 0.3, low = 0.3 }",
                            "{ high = 1.0, low = 0.3 }", "{ low = 0.0 }", "{ high = nan }"}) {
    check("flap_detection = " + std::string(range) + "\n", "6:18",
          "`flap_detection` wants 0 < low < high < 1");
  }
  check("depends_on = \"A\"\n", "6:14", "`depends_on` in [[rules]] must be an array of strings");
  check("depends_on = ['alertname=~\"(\"']\n", "6:14", "`depends_on`: ");
  check("equal = [\"site\"]\n", "6:9", "`equal` belongs to `depends_on`");
  check("resolv_expr = \"up\"\n", "6:1", "did you mean `resolve_expr`?");
}

TEST_CASE("flap_detection is taken on both sides of its bounds") {
  CHECK(said("flap_detection = { high = 0.999, low = 0.998 }\n").empty());
  CHECK(said("flap_detection = { high = 0.002, low = 0.001 }\n").empty());
}

TEST_CASE("LogQL rules: what LogQL cannot do is refused") {
  const std::string head =
      "[[groups]]\nname = \"g\"\n[[groups.rules]]\nalert = \"A\"\ntype = \"logql\"\n";
  check("expr = '{app=\"shop\"}'\n", "6:8", "a rule needs numbers", head);
  check("expr = 'up == 0'\n", "6:8", "`expr`: parse error at line 1, col 1", head);
  check("expr = 'count_over_time({app=\"shop\"}[5m]) > 0'\non_no_data = \"keep\"\n", "3:1",
        "on_no_data needs PromQL", head);
  CHECK(said("expr = 'count_over_time({app=\"shop\"}[5m]) > 0'\n", head).empty());
}

TEST_CASE("recording rules take none of what belongs to alerts") {
  const std::string head =
      "[[groups]]\nname = \"g\"\n[[groups.rules]]\nrecord = \"a:b\"\nexpr = \"up\"\n";
  for (const char* line : {"resolve_expr = \"up\"", "on_no_data = \"keep\"", "on_error = \"ok\"",
                           "flap_detection = {}", "depends_on = ['a=\"b\"']"}) {
    check(std::string(line) + "\n", "3:1", "belong to alerts", head);
  }
}

TEST_CASE("YAML files, which are Prometheus's, know none of these keys") {
  testing::MemFs fs;
  fs.put("/etc/r.yml",
         "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    resolve_expr: up\n");
  const auto config = load_text(fs, "/etc/n.toml", "rule_files = [\"r.yml\"]\n");
  REQUIRE_FALSE(config);
  CHECK(config.error().what().find("r.yml:6:5: unknown key \"resolve_expr\" in a rule") !=
        std::string::npos);
}

TEST_CASE("a file that two patterns name is read once, under its plain name") {
  testing::MemFs fs;
  fs.put("/etc/rules/a.yml", "groups:\n- name: g\n  rules:\n  - {record: r, expr: up}\n");
  fs.put("/etc/rules/b.json", "{\"groups\":[{\"name\":\"j\"}]}");
  const auto config =
      load_text(fs, "/etc/n.toml",
                "rule_files = [\"./rules/*.yml\", \"rules/a.yml\", \"rules/../rules/b.json\"]\n"
                "[builtin]\nrules = false\nslo = false\n");
  REQUIRE_MESSAGE(config, config.error().what());
  REQUIRE(config->groups.size() == 2);
  CHECK(config->groups[0].file == "/etc/rules/a.yml");
  CHECK(config->groups[1].file == "/etc/rules/b.json");
}

TEST_CASE("a bad expression of a YAML file is named where it is bad") {
  testing::MemFs fs;
  fs.put("/etc/r.yml",
         "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      up\n        == ==\n");
  const auto config = load_text(fs, "/etc/n.toml", "rule_files = [\"r.yml\"]\n");
  REQUIRE_FALSE(config);
  CHECK(config.error().what().find("/etc/r.yml:7:12: group \"g\", rule 1, \"A\": could not parse "
                                   "expression: 2:6: parse error") != std::string::npos);
}

}  // namespace nines::config
