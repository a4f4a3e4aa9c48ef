#include "app/cli/internal/gate.h"

#include <doctest/doctest.h>

namespace nines::app {
namespace {

Json slos() {
  return *Json::parse(R"({"slos":[
    {"name":"shop","service":"web","state":"ok","budget_remaining":0.4,"burn_rates":{"1h":2}},
    {"name":"pay","service":"web","state":"breached","budget_remaining":-0.1,"burn_rates":{"1h":9}},
    {"name":"mail","service":"mail","state":"no_data","budget_remaining":1,"burn_rates":{}}]})");
}

int code(const GateOptions& options) {
  return judge_gate(slos(), options).exit_code;
}

GateOptions only(const std::string& name) {
  GateOptions options;
  options.slos = {name};
  return options;
}

}  // namespace

TEST_CASE("the gate opens, blocks, or lacks data, and a block counts for more") {
  CHECK(code(only("shop")) == 0);
  CHECK(code(only("pay")) == 10);
  CHECK(code(only("mail")) == 11);
  CHECK(code(only("nobody")) == 4);
  CHECK(code({}) == 10);
  GateOptions mail = only("mail");
  mail.no_data_passes = true;
  CHECK(code(mail) == 0);
  GateOptions service;
  service.service = "web";
  CHECK(judge_gate(slos(), service).checks.size() == 2);
}

TEST_CASE("the limits of the gate hold on both sides") {
  GateOptions shop = only("shop");
  shop.min_remaining = 40;
  CHECK(code(shop) == 0);
  shop.min_remaining = 40.1;
  CHECK(code(shop) == 10);
  shop.min_remaining = 0;
  shop.max_burn = 2;
  CHECK(code(shop) == 0);
  shop.max_burn = 1.9;
  CHECK(code(shop) == 10);
  shop.burn_window = "7h";
  CHECK(code(shop) == 10);
}

TEST_CASE("what the gate says can be read by people and by machines") {
  const GateResult result = judge_gate(slos(), {});
  CHECK(
      gate_text(result, "text").find("blocked  pay: -10.0% of the budget is left, 0% must be\n") !=
      std::string::npos);
  const auto json = Json::parse(gate_text(result, "json"));
  REQUIRE(json);
  CHECK((*json)["verdict"].as_string() == "blocked");
  CHECK((*json)["slos"].items().size() == 3);
  CHECK(gate_text(result, "junit").find(R"(tests="3" failures="1" errors="0" skipped="1")") !=
        std::string::npos);
  CHECK(gate_text(result, "github").find("::error title=SLO pay::") != std::string::npos);
  CHECK(Json::parse(gate_text(result, "gitlab"))->items().size() == 2);
}

}  // namespace nines::app
