#include <doctest/doctest.h>

#include "base/core/real_clock.h"
#include "collector/probe/internal/scenario_text.h"
#include "collector/probe/module_config.h"
#include "collector/probe/run_probe.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/fake_resolver.h"

namespace nines::collector {
namespace {

using testing::make_response;

constexpr const char* kShop = R"YAML(modules:
  shop:
    prober: scenario
    scenario:
      variables: {user: ann}
      steps:
      - name: login
        method: POST
        url: "${target}/login"
        body: 'name=${user}&price=5$$'
        fail_if_body_not_matches_regexp: ["token"]
        capture:
        - {variable: token, json_pointer: /session/0/token}
        - {variable: next, header: x-next}
      - name: cart
        url: "${target}${next}"
        headers: {Authorization: "Bearer ${token}"}
        valid_status_codes: [200]
        capture: [{variable: total, regexp: "total=(\\d+)"}]
)YAML";

struct Stage {
  ProbeResult run() {
    std::vector<ConfigProblem> problems;
    const ProbeModules modules = parse_modules_yaml(kShop, {}, problems);
    for (const ConfigProblem& p : problems) MESSAGE(p.what);
    REQUIRE(problems.empty());
    return run_probe(*modules.at("shop"), "http://192.0.2.1", "", Duration(5000),
                     {http, resolver, *clock}, nullptr);
  }
  double value(const ProbeResult& r, const char* name, SampleLabels labels) {
    const ProbeSample* sample = r.find(name, labels);
    return sample == nullptr ? -1 : sample->value;
  }
  testing::FakeHttpClient http;
  testing::FakeResolver resolver;
  std::unique_ptr<Clock> clock = make_real_clock();
};

const HttpResponse kLogin = make_response(200, R"({"session":[{"token":"t1"}]})",
                                          {{"x-next", "/cart"}, {"set-cookie", "sid=9; HttpOnly"}});

TEST_CASE("what one step captures is used in the next") {
  Stage s;
  s.http.answer_next(kLogin);
  s.http.answer_next(make_response(200, "total=42"));
  const ProbeResult r = s.run();
  CHECK_MESSAGE(r.success, r.reason());
  const auto calls = s.http.calls();
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].request.url == "http://192.0.2.1/login");
  CHECK(calls[0].request.body == "name=ann&price=5$");
  CHECK(calls[1].request.url == "http://192.0.2.1/cart");
  CHECK(calls[1].request.headers ==
        HttpHeaders{{"Authorization", "Bearer t1"}, {"Cookie", "sid=9"}});
  CHECK(s.value(r, "probe_scenario_steps", {}) == 2);
  CHECK(s.value(r, "probe_scenario_step_success", {{"step", "cart"}}) == 1);
  CHECK(s.value(r, "probe_scenario_step_status_code", {{"step", "login"}}) == 200);
  CHECK(s.value(r, "probe_scenario_assertion", {{"assertion", "body"}, {"step", "login"}}) == 1);
  CHECK(s.value(r, "probe_scenario_assertion",
                {{"assertion", "capture:total"}, {"step", "cart"}}) == 1);
  CHECK(s.value(r, "probe_scenario_step_duration_seconds", {{"step", "cart"}}) >= 0);
}

TEST_CASE("the first step that fails ends the scenario and is named") {
  Stage s;
  s.http.answer_next(make_response(200, "no json but token"));
  ProbeResult r = s.run();
  CHECK_FALSE(r.success);
  CHECK(r.reason().starts_with("step login: variable token: the answer is no JSON"));
  CHECK(s.value(r, "probe_scenario_step_success", {{"step", "login"}}) == 0);
  CHECK(s.value(r, "probe_scenario_step_success", {{"step", "cart"}}) == -1);
  s.http.answer_next(kLogin);
  s.http.answer_next(make_response(503, "total=1"));
  r = s.run();
  CHECK(r.reason() == "step cart: HTTP status 503");
  CHECK(s.value(r, "probe_scenario_assertion", {{"assertion", "status"}, {"step", "cart"}}) == 0);
}

TEST_CASE("texts with variables and values out of answers") {
  CHECK(*fill_in("a${x}b$$c$", {{"x", "1"}}) == "a1b$c$");
  CHECK(fill_in("${y}", {{"x", "1"}}).error().what().find("no variable \"y\"") == 0);
  const HttpResponse r =
      make_response(200, R"({"a/b":{"~":[true,1.5,7]},"s":"t"})", {{"location", "/x/12"}});
  CHECK(*take({"v", nullptr, "/a~1b/~0/2", ""}, r) == "7");
  CHECK(*take({"v", nullptr, "/a~1b/~0/1", ""}, r) == "1.5");
  CHECK(*take({"v", nullptr, "/a~1b/~0/0", ""}, r) == "true");
  CHECK(*take({"v", nullptr, "/s", ""}, r) == "t");
  CHECK_FALSE(take({"v", nullptr, "/a~1b/~0/3", ""}, r));
  CHECK_FALSE(take({"v", nullptr, "/a~1b", ""}, r));
  const RegexPtr digits = *Regex::compile("\\d+", RegexAnchor::kNone);
  CHECK(*take({"v", digits, "", "location"}, r) == "12");
  CHECK_FALSE(take({"v", digits, "", "absent"}, r));
}

}  // namespace
}  // namespace nines::collector
