#include <string>

#include <doctest/doctest.h>

#include "rules/alerts/config.h"

using namespace nines;
using namespace nines::alerts;

namespace {

std::string refusal(std::string_view text) {
  const auto parsed = parse_rules_yaml("r.yml", text);
  return parsed ? "accepted" : parsed.error().what();
}

std::vector<std::string> problems(RuleConfig rule) {
  GroupConfig group;
  group.name = "g";
  group.rules = {std::move(rule)};
  return check_group(group, {});
}

RuleConfig alert(std::string name, std::string expr) {
  RuleConfig rule;
  rule.alert = std::move(name);
  rule.expr = std::move(expr);
  return rule;
}

}  // namespace

TEST_CASE("what begins no document is an error with its place, not documents without end") {
  for (const char* text : {",", ",x", ", - a", ",gme: null ruleu []\nv"}) {
    CAPTURE(text);
    CHECK(refusal(text).starts_with("r.yml:1:1: this character begins no YAML"));
  }
  CHECK(refusal("groups: []\n---\ngroups: []\n...\n ,x").starts_with("r.yml:5:2: this character"));
  CHECK(refusal("]").starts_with("r.yml:1:1: "));
  CHECK(refusal("groups: [] ]").starts_with("r.yml:1:12: "));
  CHECK(refusal("---\n---\ngroups: []\n---\n") == "accepted");
}

TEST_CASE("a rule file is read with all its fields") {
  const auto parsed = parse_rules_yaml("r.yml", R"(
groups:
  - name: shop
    interval: 30s
    query_offset: 5s
    limit: 7
    labels: {team: blue}
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels:
          tier: 1
      - alert: Down
        expr: |
          up == 0
        for: 1m
        keep_firing_for: 2m
        labels: {severity: page}
        annotations:
          summary: "{{ $labels.instance }} is down"
)");
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 1);
  const GroupConfig& group = parsed->front();
  CHECK(group.file == "r.yml");
  CHECK(group.name == "shop");
  CHECK(group.interval == Duration(30'000));
  CHECK(group.query_offset == Duration(5'000));
  CHECK(group.limit == 7);
  CHECK(group.labels.at("team") == "blue");
  REQUIRE(group.rules.size() == 2);
  CHECK(group.rules[0].record == "job:up:sum");
  CHECK(group.rules[0].labels.at("tier") == "1");
  CHECK(group.rules[0].line == 9);
  CHECK(group.rules[1].alert == "Down");
  CHECK(group.rules[1].expr == "up == 0\n");
  CHECK(group.rules[1].hold == Duration(60'000));
  CHECK(group.rules[1].keep_firing_for == Duration(120'000));
  CHECK(group.rules[1].annotations.at("summary") == "{{ $labels.instance }} is down");
  for (const std::string& problem : check_group(group, {})) FAIL_CHECK(problem);
}

TEST_CASE("several documents of one file make one list of groups") {
  const auto parsed = parse_rules_yaml("r.yml", "groups: [{name: a}]\n---\ngroups: [{name: b}]\n");
  REQUIRE(parsed);
  REQUIRE(parsed->size() == 2);
  CHECK((*parsed)[1].name == "b");
  CHECK(parse_rules_yaml("r.yml", "")->empty());
  CHECK(parse_rules_yaml("r.yml", "groups:\n")->empty());
}

TEST_CASE("merge keys give what the mapping does not say itself") {
  const auto parsed = parse_rules_yaml("r.yml", R"(
groups:
  - name: a
    rules:
      - &base {alert: A, expr: up, for: 1m}
      - {<<: *base, alert: B}
)");
  REQUIRE(parsed);
  CHECK(parsed->front().rules[1].alert == "B");
  CHECK(parsed->front().rules[1].hold == Duration(60'000));
}

TEST_CASE("a mistake in a rule file is named with file, line and column") {
  CHECK(refusal("groups:\n- name: a\n  intervall: 1m\n") ==
        "r.yml:3:3: unknown key \"intervall\" in a group, did you mean \"interval\"?");
  CHECK(refusal("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    fro: 1m\n")
            .find("r.yml:6:5: unknown key \"fro\"") == 0);
  CHECK(refusal("group: []\n") ==
        "r.yml:1:1: unknown key \"group\" in a rule file, did you mean \"groups\"?");
  CHECK(refusal("groups:\n- name: a\n  interval: 1 minute\n").find("r.yml:3:13: \"interval\": ") ==
        0);
  CHECK(refusal("groups:\n- name: a\n- name: a\n") ==
        "r.yml:3:3: group \"a\" stands in this file twice");
  CHECK(refusal("groups:\n- interval: 1m\n") == "r.yml:2:3: a group needs a \"name\"");
  CHECK(refusal("groups:\n- name: a\n  name: b\n") == "r.yml:3:3: key \"name\" stands here twice");
  CHECK(refusal("groups:\n- name: a\n  limit: -1\n").find("r.yml:3:10: ") == 0);
  CHECK(refusal("groups: {a: b}\n") == "r.yml:1:9: \"groups\" must be a list");
  CHECK(refusal("- groups\n") == "r.yml:1:1: a rule file must be a mapping");
  CHECK(refusal("groups: [\n").find("r.yml:2:") == 0);
  CHECK(refusal(std::string(5'000, '[')).find("r.yml:") == 0);
}

TEST_CASE("a rule is either recording or alerting, and says which") {
  const auto rule = [](const std::string& body) {
    return refusal("groups:\n- name: a\n  rules:\n  - " + body + "\n");
  };
  CHECK(rule("{record: a, expr: up}") == "accepted");
  CHECK(rule("{expr: up}") == "r.yml:4:5: a rule needs one of \"record\" and \"alert\"");
  CHECK(rule("{alert: A}") == "r.yml:4:5: a rule needs an \"expr\"");
  CHECK(rule("{record: a, alert: A, expr: up}").find("not both") != std::string::npos);
  CHECK(rule("{record: a, expr: up, for: 1m}") == "r.yml:4:27: a recording rule has no \"for\"");
  CHECK(rule("{record: a, expr: up, annotations: {a: b}}").find("\"annotations\"") !=
        std::string::npos);
}

TEST_CASE("a rule may stand in a group twice, as in Prometheus") {
  GroupConfig group;
  group.name = "g";
  group.rules = {alert("A", "up == 0"), alert("A", "up == 0")};
  CHECK(check_group(group, {}).empty());
}

TEST_CASE("bytes that are no UTF-8 are refused with their line; an empty duration is none") {
  CHECK(refusal("groups:\n- name: \"\xff\"\n") == "r.yml:2:1: this line is not valid UTF-8");
  const auto empty =
      parse_rules_yaml("r.yml", "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up, for: }\n");
  REQUIRE(empty);
  CHECK((*empty)[0].rules[0].hold == Duration::zero());
}

TEST_CASE("a check names the rule whose expression, template or name is wrong") {
  CHECK(problems(alert("A", "up == 0")).empty());
  REQUIRE(problems(alert("A", "up ==")).size() == 1);
  CHECK(problems(alert("A", "up =="))[0].find(
            "group \"g\", rule 1, \"A\": could not parse expression: 1:") == 0);
  RuleConfig rule = alert("A", "up");
  rule.annotations["summary"] = "{{ $labels.instance ";
  REQUIRE(problems(rule).size() == 1);
  CHECK(problems(rule)[0].find("annotation \"summary\": __alert_A:1:") != std::string::npos);
  rule.annotations["summary"] = "{{ nosuch $value }}";
  CHECK(problems(rule).size() == 1);
  rule.annotations["summary"] = "{{ $value }} {{ $valu }}";
  REQUIRE(problems(rule).size() == 1);
  CHECK(problems(rule)[0].find("__alert_A:1:17: undefined variable \"$valu\"") !=
        std::string::npos);
  rule.annotations["summary"] = R"({{ query "up" | first | value | humanize }} {{ tmpl "a" . }})";
  CHECK(problems(rule).empty());
  rule.labels["__name__"] = "x";
  CHECK(problems(rule).size() == 1);
  RuleConfig record;
  record.expr = "up";
  record.record = "a{b=\"c\"}";
  CHECK(problems(record).size() == 1);
  CHECK(problems(RuleConfig{}).size() == 1);
}

TEST_CASE("files are read as Prometheus reads them") {
  const auto rule = [](const std::string& body) {
    return "groups:\n- name: g\n  rules:\n  - " + body + "\n";
  };
  const auto group = [](const std::string& body) { return "groups:\n- name: g\n  " + body + "\n"; };
  const std::string good[] = {
      "",
      "# hi\n",
      "---\n",
      "~\n",
      "groups:\n",
      "groups:\n-\n",
      group("rules:\n  -"),
      "\xef\xbb\xbf" + rule("{record: a, expr: up}"),
      "groups:\r\n- name: g\r\n  rules:\r\n  - record: a\r\n    expr: |\r\n      up\r\n",
      "groups:\n- name: g\n  rules:\n  - record: a\n    expr:\tup\n",
      R"({"groups":[{"name":"g","rules":[{"alert":"A","expr":"up","for":"5m"}]}]})",
      "{\n\t\"groups\": [\n\t\t{\"name\": \"g\"}\n\t]\n}\n",
      rule("{alert: A, expr: up, for: 0}"),
      rule("{alert: A, expr: up, for: \"1h30m\"}"),
      rule("{record: a, expr: up, for: 0s, keep_firing_for: 0, annotations: {}}"),
      rule("{record: a, alert: \"\", expr: up, labels: {a: 5, b: true, c: , d: 2020-01-01}}"),
      rule("{record: a, expr: 1}"),
      rule("{record: !!str a, expr: up}"),
      rule("&b {alert: A, expr: up}\n  - *b\n  - {<<: [*b], alert: B}"),
      rule("{record: a, expr: \"up{x=\\\"\\x41\\\"}\"}"),
      group("limit:"),
      group("limit: 1_000"),
      group("limit: 10.0"),
      group("interval: 0"),
      group("labels: {a: b}"),
      group("rules:"),
      "%YAML 1.1\n---\ngroups: []\n",
      "groups: []\n...\n"};
  for (const std::string& text : good) {
    CAPTURE(text);
    CHECK(refusal(text) == "accepted");
  }
}

TEST_CASE("files that Prometheus refuses are refused, with their place") {
  const auto rule = [](const std::string& body) {
    return "groups:\n- name: g\n  rules:\n  - " + body + "\n";
  };
  const auto group = [](const std::string& body) { return "groups:\n- name: g\n  " + body + "\n"; };
  const std::string bad[] = {"hello\n",
                             "- a\n",
                             "groups: hi\n",
                             "groups:\n- hi\n",
                             group("rules: hi"),
                             rule("hi"),
                             "groups:\n- name: g\n\trules: []\n",
                             std::string("groups:\n- name: a\0b\n", 20),
                             "groups:\n- name: \"a\x01z\"\n",
                             rule("{record: a, expr: [up]}"),
                             rule("{record: a, expr: {a: b}}"),
                             rule("{alert: A, expr: up, for: 5}"),
                             rule("{alert: A, expr: up, for: -1m}"),
                             rule("{alert: A, expr: up, for: 1.5m}"),
                             rule("{alert: A, expr: up, for: \"\"}"),
                             rule("{alert: A, expr: up, for: 30m1h}"),
                             rule("{alert: A, expr: up, for: [1m]}"),
                             rule("{alert: A, expr: up, labels: [a]}"),
                             rule("{alert: A, expr: up, labels: {a: [1]}}"),
                             rule("{alert: A, expr: up, labels: {a: b, a: c}}"),
                             rule("{record: a, record: b, expr: up}"),
                             rule("*b"),
                             rule("{<<: hi, alert: B, expr: up}"),
                             rule("{Record: a, expr: up}"),
                             "groups: []\ngroups: []\n",
                             group("limit: 1.5"),
                             group("limit: 99999999999999999999"),
                             group("partial_response_strategy: warn"),
                             "groups:\n- name: \"\"\n",
                             "x-a: 1\ngroups: []\n",
                             "groups: []\n}\n",
                             "groups: &a\n- name: g\n  rules: *a\n",
                             "? [a]\n: b\n"};
  for (const std::string& text : bad) {
    CAPTURE(text);
    CHECK(refusal(text).starts_with("r.yml:"));
  }
  CHECK(refusal("groups:\n- name: \"a\x01z\"\n").starts_with("r.yml:2:11: control characters"));
  CHECK(refusal("\xff\xfe#") == "r.yml:1:1: the file is UTF-16, save it as UTF-8");
  CHECK(refusal("groups: " + std::string(3'000, '[') + std::string(3'000, ']'))
            .find("nested too deeply") != std::string::npos);
  RuleConfig longest = alert("A", "up");
  longest.hold = Duration(9'223'372'036'854);
  CHECK(problems(longest).empty());
  longest.hold += Duration(1);
  REQUIRE(problems(longest).size() == 1);
  CHECK(problems(longest)[0].find("\"for\" is longer than 292 years") != std::string::npos);
}
