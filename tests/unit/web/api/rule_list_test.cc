// Which groups and rules a request is shown, and in whose words it is refused.
#include "web/api/internal/rule_list.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/text/json.h"

namespace nines::web {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

alerts::RuleStatus rule(const std::string& alert, const std::string& record,
                        std::map<std::string, std::string> labels = {}) {
  alerts::RuleStatus out;
  out.config.alert = alert;
  out.config.record = record;
  out.config.expr = "up==0";
  out.query = "up == 0";
  out.config.labels = std::move(labels);
  return out;
}

alerts::GroupStatus group(const std::string& file, const std::string& name,
                          std::vector<alerts::RuleStatus> rules) {
  alerts::GroupStatus out;
  out.config.file = file;
  out.config.name = name;
  out.interval = Duration(15'000);
  out.rules = std::move(rules);
  return out;
}

// Out of order on purpose.
std::vector<alerts::GroupStatus> groups() {
  std::vector<alerts::GroupStatus> out;
  out.push_back(group("b.yml", "one", {rule("Late", "", {{"team", "b"}})}));
  out.push_back(group("a.yml", "two", {rule("", "a:b"), rule("Down", "", {{"severity", "page"}})}));
  out.push_back(group("a.yml", "one",
                      {rule("Down", "", {{"team", "own"}}),
                       rule("Slow", "", {{"severity", "{{ $labels.severity }}"}})}));
  out.back().config.labels = {{"team", "a"}, {"site", "x"}};
  alerts::Alert alert;
  alert.labels = LabelSet{{"alertname", "Down"}};
  alert.state = alerts::AlertState::kFiring;
  alert.active_at = alert.fired_at = from_millis(1'000);
  alert.keep_firing_since = from_millis(2'000);
  alert.value = 1.5;
  out.back().rules[0].alerts = {alert};
  return out;
}

Json ask(Params params, int status = 200) {
  Request request;
  request.params = std::move(params);
  const Response response = list_rules(groups(), request);
  CAPTURE(response.body);
  CHECK(response.status == status);
  const auto json = Json::parse(response.body);
  REQUIRE(json);
  return *json;
}

// "file/group: rule rule; ..."
std::string shown(const Json& answer) {
  std::string out;
  for (const Json& one : answer["data"]["groups"].items()) {
    out +=
        (out.empty() ? "" : "; ") + one["file"].as_string() + "/" + one["name"].as_string() + ":";
    for (const Json& r : one["rules"].items()) out += " " + r["name"].as_string();
  }
  return out;
}
std::string shown(Params params) {
  return shown(ask(std::move(params)));
}

std::string refusal(Params params) {
  const Json answer = ask(std::move(params), 400);
  CHECK(answer["errorType"].as_string() == "bad_data");
  return answer["error"].as_string();
}

}  // namespace

TEST_CASE("without a filter everything is shown, by file and group") {
  CHECK(shown(Params{}) == "a.yml/one: Down Slow; a.yml/two: a:b Down; b.yml/one: Late");
}

TEST_CASE("filters choose rules, and a group of which nothing is left is not shown") {
  CHECK(shown({{"type", "record"}}) == "a.yml/two: a:b");
  CHECK(shown({{"type", "ALERT"}}) == "a.yml/one: Down Slow; a.yml/two: Down; b.yml/one: Late");
  CHECK(shown({{"rule_name[]", "Down"}}) == "a.yml/one: Down; a.yml/two: Down");
  CHECK(shown({{"rule_name[]", "a:b"}, {"rule_name[]", "Late"}}) ==
        "a.yml/two: a:b; b.yml/one: Late");
  CHECK(shown({{"rule_group[]", "one"}}) == "a.yml/one: Down Slow; b.yml/one: Late");
  CHECK(shown({{"file[]", "b.yml"}}) == "b.yml/one: Late");
  CHECK(shown({{"file[]", "a.yml"}, {"rule_group[]", "two"}, {"rule_name[]", "Down"}}) ==
        "a.yml/two: Down");
  CHECK(shown({{"rule_name[]", "down"}}).empty());
  CHECK(shown({{"file[]", ""}}).empty());
}

TEST_CASE("match[] looks at configured labels, those of the group that the rule does not set") {
  CHECK(shown({{"match[]", "{team=\"a\"}"}}) == "a.yml/one: Slow");
  CHECK(shown({{"match[]", "{site=\"x\",team=~\"own|b\"}"}}) == "a.yml/one: Down");
  CHECK(shown({{"match[]", "{team=\"own\"}"}, {"match[]", "{severity=\"page\"}"}}) ==
        "a.yml/one: Down; a.yml/two: Down");
  CHECK(shown({{"match[]", "{severity=\"{{ $labels.severity }}\"}"}}) == "a.yml/one: Slow");
  CHECK(refusal({{"match[]", "{team="}}).find("parse error") != std::string::npos);
  CHECK(refusal({{"match[]", "{}"}}).find("non-empty matcher") != std::string::npos);
}

TEST_CASE("labels of the group are shown with the rule's, which win") {
  const Json first = ask({})["data"]["groups"][std::size_t{0}]["rules"][std::size_t{0}];
  CHECK(first["labels"]["team"].as_string() == "own");
  CHECK(first["labels"]["site"].as_string() == "x");
  CHECK(first["query"].as_string() == "up == 0");
}

TEST_CASE("exclude_alerts leaves the alerts out, every spelling of true that Go takes") {
  const auto alerts = [](Params params) {
    return ask(
        std::move(params))["data"]["groups"][std::size_t{0}]["rules"][std::size_t{0}]["alerts"];
  };
  REQUIRE(alerts({}).items().size() == 1);
  CHECK(alerts({})[std::size_t{0}]["value"].as_string() == "1.5e+00");
  CHECK(alerts({})[std::size_t{0}]["keepFiringSince"].as_string() == "1970-01-01T00:00:02.000Z");
  for (const char* yes : {"true", "TRUE", "1", "t"})
    CHECK(alerts({{"exclude_alerts", yes}}).items().empty());
  for (const char* no : {"false", "0", "F", ""})
    CHECK(alerts({{"exclude_alerts", no}}).items().size() == 1);
  CHECK(refusal({{"exclude_alerts", "maybe"}}) ==
        "invalid parameter \"exclude_alerts\": error converting exclude_alerts: "
        "strconv.ParseBool: parsing \"maybe\": invalid syntax");
}

TEST_CASE("pages go on where the last one ended, until nothing is left") {
  const Json first = ask({{"group_limit", "2"}});
  CHECK(shown(first) == "a.yml/one: Down Slow; a.yml/two: a:b Down");
  const std::string token = first["data"]["groupNextToken"].as_string();
  REQUIRE_FALSE(token.empty());
  const Json second = ask({{"group_limit", "2"}, {"group_next_token", token}});
  CHECK(shown(second) == "b.yml/one: Late");
  CHECK(second["data"]["groupNextToken"].type() == Json::Type::kNull);
  // A page that is exactly full is the last one.
  CHECK(ask({{"group_limit", "3"}})["data"]["groupNextToken"].type() == Json::Type::kNull);
  // Groups that a filter leaves out do not count.
  const Json filtered = ask({{"group_limit", "1"}, {"rule_group[]", "one"}});
  CHECK(shown(filtered) == "a.yml/one: Down Slow");
  CHECK(shown({{"group_limit", "1"},
               {"rule_group[]", "one"},
               {"group_next_token", filtered["data"]["groupNextToken"].as_string()}}) ==
        "b.yml/one: Late");
}

TEST_CASE("mistakes in paging are told in Prometheus's words") {
  CHECK(refusal({{"group_next_token", "x"}}) ==
        "invalid parameter \"group_next_token\": group_limit needs to be present in order to "
        "paginate over the groups");
  CHECK(refusal({{"group_limit", "2"}, {"group_next_token", "x"}}) ==
        "invalid parameter \"group_next_token\": invalid group_next_token 'x'. were rule groups "
        "changed?");
  CHECK(refusal({{"group_limit", "0"}}) ==
        "invalid parameter \"group_limit\": group_limit needs to be greater than 0");
  CHECK(refusal({{"group_limit", "-1"}}).ends_with("group_limit needs to be greater than 0"));
  CHECK(refusal({{"group_limit", "many"}}) ==
        "invalid parameter \"group_limit\": group_limit needs to be a valid number: "
        "strconv.ParseInt: parsing \"many\": invalid syntax");
  CHECK(refusal({{"group_limit", "2147483648"}}).ends_with("value out of range"));
  CHECK(shown({{"group_limit", "2147483647"}}) == shown(Params{}));
  CHECK(refusal({{"type", "Sometimes"}}) ==
        "invalid parameter \"type\": not supported value \"sometimes\"");
}

}  // namespace nines::web
