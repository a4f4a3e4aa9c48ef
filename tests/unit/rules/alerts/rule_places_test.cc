#include "rules/alerts/rule_places.h"

#include <string>

#include <doctest/doctest.h>

#include "rules/alerts/config.h"

namespace nines::alerts {
namespace {

constexpr const char* kFile = R"(groups:
- name: g
  rules:
  - alert: A
    expr: >
      sum(up)
      > bool
      1 +
  - alert: B
    expr: up ==
      0 and
  - alert: C
    expr: "up
      == =="
  - alert: D
    expr: |2-
        up
        ==
  - alert: E
    annotations: {summary: "{{ x }}"}
    expr: |

      sum(x) by (
       y
  - record: F
    labels: {__name__: a}
    expr: rat(x[5m])
  - {alert: G, expr: 'up{a="b"} ++', for: 1m}
)";

std::vector<std::string> placed(std::string_view text) {
  const auto groups = parse_rules_yaml("r.yml", text);
  REQUIRE(groups);
  std::vector<std::string> problems;
  for (const GroupConfig& group : *groups) {
    for (std::string& problem : check_group(group, {})) problems.push_back(std::move(problem));
  }
  return place_problems("r.yml", text, std::move(problems));
}

TEST_CASE("a problem points at its own line and column, whatever the scalar's style") {
  const char* const kPlaces[] = {"8:10",  "11:12", "14:10", "18:11", "24:9",
                                 "20:28", "26:24", "27:11", "28:35"};
  const std::vector<std::string> problems = placed(kFile);
  REQUIRE(problems.size() == std::size(kPlaces));
  for (std::size_t i = 0; i < problems.size(); ++i) {
    CAPTURE(problems[i]);
    CHECK(problems[i].starts_with("r.yml:" + std::string(kPlaces[i]) + ": group \"g\""));
  }
  CHECK(problems[0].ends_with(
      "could not parse expression: 2:1: parse error: unexpected end of input"));
}

TEST_CASE("lines that end in a carriage return keep their columns") {
  std::string text = kFile;
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.insert(at, "\r");
  const auto problems = placed(text);
  REQUIRE_FALSE(problems.empty());
  CHECK(problems[0].starts_with("r.yml:8:10: "));
}

TEST_CASE("a problem of a whole group stands at the file's beginning") {
  CHECK(place_problems("r.yml", "groups: []", {"r.yml: group \"g\": bad"}) ==
        std::vector<std::string>{"r.yml:1:1: group \"g\": bad"});
  CHECK(place_problems("r.yml", "groups: []", {"other"}) ==
        std::vector<std::string>{"r.yml:1:1: other"});
}

}  // namespace
}  // namespace nines::alerts
