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

TEST_CASE("a definition's name is that of all its objectives or groups") {
  const Json answer = *Json::parse(R"({"slos":[
    {"name":"api-0","definition":"api","service":"web","state":"ok","budget_remaining":0.4},
    {"name":"api-1","definition":"api","service":"web","state":"ok","budget_remaining":-0.4},
    {"name":"r{a=\"b\"}","grouped":"r","service":"web","state":"ok","budget_remaining":0.4}],
    "grouped":[{"name":"r","service":"web"},{"name":"young","service":"web"}]})");
  CHECK(judge_gate(answer, only("api")).checks.size() == 2);
  CHECK(judge_gate(answer, only("api")).exit_code == 10);
  CHECK(judge_gate(answer, only("api-0")).exit_code == 0);
  CHECK(judge_gate(answer, only("r")).exit_code == 0);
  CHECK(judge_gate(answer, only("young")).exit_code == 11);
  CHECK(judge_gate(answer, {}).checks.size() == 3);
  GateOptions other = only("young");
  other.service = "mail";
  CHECK(judge_gate(answer, other).exit_code == 4);
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

TEST_CASE("each format says the same, of what passes, blocks, lacks data and is not there") {
  GateOptions options;
  options.slos = {"shop", "pay", "mail", "no<body>"};
  const GateResult result = judge_gate(slos(), options);
  CHECK(result.exit_code == 4);
  const std::string text = gate_text(result, "text");
  for (const char* line : {"pass     shop: 40.0% of the budget is left\n",
                           "no_data  mail: too few events in its window to judge it\n",
                           "unknown  no<body>: there is no such SLO\n"}) {
    CHECK_MESSAGE(text.find(line) != std::string::npos, text);
  }
  const auto json = *Json::parse(gate_text(result, "json"));
  CHECK(json["exit_code"].as_int() == 4);
  CHECK(json["verdict"].as_string() == "not_found");
  CHECK(json["unknown"][0].as_string() == "no<body>");
  CHECK(json["slos"][1]["budget_remaining"].as_double() == -0.1);
  const std::string junit = gate_text(result, "junit");
  CHECK(junit.find(R"(tests="4" failures="1" errors="1" skipped="1")") != std::string::npos);
  CHECK(junit.find(R"(<testcase classname="web" name="shop"></testcase>)") != std::string::npos);
  CHECK(junit.find(R"(name="no&lt;body>"><error)") != std::string::npos);
  CHECK(gate_text(result, "github") ==
        "::notice title=SLO shop::40.0%25 of the budget is left\n"
        "::error title=SLO pay::-10.0%25 of the budget is left, 0%25 must be\n"
        "::warning title=SLO mail::too few events in its window to judge it\n"
        "::error title=SLO no<body>::there is no such SLO\n");
  const auto gitlab = *Json::parse(gate_text(result, "gitlab"));
  REQUIRE(gitlab.items().size() == 2);
  CHECK(gitlab[0]["severity"].as_string() == "blocker");
  CHECK(gitlab[1]["severity"].as_string() == "minor");
  CHECK(gitlab[0]["fingerprint"].as_string() != gitlab[1]["fingerprint"].as_string());
  CHECK(gitlab[0]["location"]["path"].as_string() == "slo/pay");
}

TEST_CASE("names with colons and commas stay one title in a workflow's annotation") {
  GateResult result;
  result.checks.push_back({"a:b,c", "web", "blocked", "gone\nsince noon", 0});
  CHECK(gate_text(result, "github") == "::error title=SLO a%3Ab%2Cc::gone%0Asince noon\n");
}

TEST_CASE("exit codes and verdicts of the gate go together") {
  for (const auto& [name, exit_code, verdict] :
       std::vector<std::tuple<std::string, int, std::string>>{{"shop", 0, "pass"},
                                                              {"pay", 10, "blocked"},
                                                              {"mail", 11, "no_data"},
                                                              {"nobody", 4, "not_found"}}) {
    const GateResult result = judge_gate(slos(), only(name));
    CHECK(result.exit_code == exit_code);
    CHECK((*Json::parse(gate_text(result, "json")))["verdict"].as_string() == verdict);
  }
  GateOptions none;
  none.service = "nobody";
  CHECK(judge_gate(slos(), none).exit_code == 4);
  CHECK(gate_text(judge_gate(slos(), none), "text") == "no SLO matches\n");
  GateOptions mail = only("mail");
  mail.no_data_passes = true;
  CHECK((*Json::parse(gate_text(judge_gate(slos(), mail), "json")))["verdict"].as_string() ==
        "pass");
}

}  // namespace nines::app
