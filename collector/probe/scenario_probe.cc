#include <utility>

#include "base/text/text.h"
#include "collector/probe/internal/http_session.h"
#include "collector/probe/internal/scenario_text.h"

namespace nines::collector {
namespace {

Result<HttpAsk> make_ask(const ScenarioStep& step, const Variables& variables) {
  HttpAsk ask;
  ask.method = step.method;
  NINES_TRY(ask.url, fill_in(step.url, variables));
  if (ask.url.find("://") == std::string::npos) ask.url = "http://" + ask.url;
  NINES_TRY(ask.body, fill_in(step.body, variables));
  for (const auto& [name, value] : step.headers) {
    NINES_TRY(ask.headers[name], fill_in(value, variables));
  }
  ask.follow_redirects = step.follow_redirects;
  return ask;
}

void tell_assertion(ProbeResult& out, const ScenarioStep& step, const std::string& what,
                    bool holds) {
  out.set("probe_scenario_assertion", holds ? 1 : 0, {{"assertion", what}, {"step", step.name}});
}

// The first thing that is wrong with a step's answer; what it captures goes into `variables`.
Result<void> judge_step(const ScenarioStep& step, const HttpOutcome& outcome,
                        Variables& variables, ProbeResult& out) {
  std::string wrong;
  for (const Assertion& assertion : judge(step.expect, outcome)) {
    tell_assertion(out, step, assertion.what, assertion.holds);
    if (assertion.holds) continue;
    if (assertion.by_regex) out.set("probe_failed_due_to_regex", 1);
    if (wrong.empty()) wrong = assertion.reason;
  }
  if (!wrong.empty()) return Error(ErrorCode::kInvalid, wrong);
  for (const Capture& capture : step.captures) {
    Result<std::string> value = take(capture, outcome.response);
    tell_assertion(out, step, "capture:" + capture.variable, value.has_value());
    if (!value) return Error(value.error()).in("variable " + capture.variable);
    variables[capture.variable] = *std::move(value);
  }
  return {};
}

Result<void> run_step(const ScenarioStep& step, HttpSession& session, Variables& variables,
                      ProbeResult& out) {
  NINES_TRY(HttpAsk ask, make_ask(step, variables));
  const Result<HttpOutcome> outcome = session.ask(std::move(ask));
  if (!outcome) return outcome.error();
  out.set("probe_scenario_step_status_code", outcome->response.status, {{"step", step.name}});
  tell_tls(outcome->response.tls, out);
  return judge_step(step, *outcome, variables, out);
}

}  // namespace

void probe_scenario(const ProbeCall& call) {
  const ScenarioProbe& scenario = call.module.scenario;
  ProbeResult& out = call.out;
  out.set("probe_failed_due_to_regex", 0);
  out.set("probe_scenario_steps", static_cast<double>(scenario.steps.size()));
  Variables variables = scenario.variables;
  variables["target"] = call.target;
  HttpSession session(call, scenario.access, scenario.ip, scenario.body_bytes_max);
  for (const ScenarioStep& step : scenario.steps) {
    const Instant began = call.patience.now();
    const Result<void> ran = run_step(step, session, variables, out);
    out.set("probe_scenario_step_duration_seconds", seconds(call.patience.now() - began),
            {{"step", step.name}});
    out.set("probe_scenario_step_success", ran ? 1 : 0, {{"step", step.name}});
    if (!ran) return out.fail("step " + step.name + ": " + ran.error().what());
  }
  out.success = true;
}

}  // namespace nines::collector
