// What rules have beyond Prometheus: resolve_expr, on_no_data, on_error, flap_detection, LogQL.
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "rules/alerts/manager.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::alerts {
namespace {

constexpr Timestamp kStart = from_millis(1'700'000'000'000);
const LabelSet kLoad{{"__name__", "load"}, {"instance", "a"}};

Timestamp at(int seconds) {
  return kStart + Duration(seconds * 1'000);
}

struct World {
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemoryMetrics metrics;
  testing::MemoryState state;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  promql::Engine engine{metrics, clock, {}};
  Manager manager{{}, {engine, metrics, state, state, scheduler, executor, *log, *telemetry, {}}};

  explicit World(const RuleConfig& rule) {
    GroupConfig group;
    group.file = "f";
    group.name = "g";
    group.rules = {rule};
    const auto problems = check_group(group, {});
    REQUIRE_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0]));
    REQUIRE(manager.load({group}));
  }
  // One evaluation with the series at `value`; NaN: it has ended.
  std::string step(int seconds, double value) {
    clock.advance(at(seconds) - clock.now());
    metrics.add(kLoad, at(seconds), value != value ? stale_nan() : value);
    manager.evaluate_once(at(seconds));
    const auto active = manager.active_alerts();
    if (active.empty()) return "none";
    return std::string(to_string(active[0].state)) + (active[0].flapping ? " flapping" : "");
  }
  RuleStatus rule() const { return manager.status()[0].rules[0]; }
};

constexpr double kGone = std::numeric_limits<double>::quiet_NaN();

RuleConfig high() {
  RuleConfig rule;
  rule.alert = "High";
  rule.expr = "load > 10";
  return rule;
}

std::string problem(const RuleConfig& rule) {
  GroupConfig group;
  group.file = "f";
  group.name = "g";
  group.rules = {rule};
  const auto problems = check_group(group, {});
  return problems.empty() ? "" : problems[0];
}

TEST_CASE("resolve_expr: a firing alert ends only when it says so") {
  RuleConfig rule = high();
  rule.resolve_expr = "load < 5";
  World w(rule);
  CHECK(w.step(0, 11) == "firing");
  CHECK(w.step(15, 7) == "firing");
  CHECK(w.step(30, 12) == "firing");
  CHECK(w.step(45, 5) == "firing");
  CHECK(w.step(60, 4) == "none");
  CHECK(w.step(75, 7) == "none");
}

TEST_CASE(
    "resolve_expr speaks for the alerts that have all its labels, and pending ones do not wait") {
  RuleConfig rule = high();
  rule.resolve_expr = "load{instance=\"b\"} < 5";
  rule.hold = Duration(20'000);
  World w(rule);
  w.metrics.add(kLoad.with("instance", "b"), at(0), 1);
  CHECK(w.step(0, 11) == "pending");
  CHECK(w.step(15, 7) == "none");
  CHECK(w.step(30, 11) == "pending");
  CHECK(w.step(60, 11) == "firing");
  CHECK(w.step(75, 1) == "firing");  // b's word means nothing to a
}

TEST_CASE("on_no_data: alerts end, stay, or a stand-in is raised") {
  RuleConfig rule = high();
  World ends(rule);
  CHECK(ends.step(0, 11) == "firing");
  CHECK(ends.step(15, kGone) == "none");
  rule.on_no_data = Fallback::kKeep;
  World keeps(rule);
  CHECK(keeps.step(0, 11) == "firing");
  CHECK(keeps.step(15, kGone) == "firing");
  CHECK(keeps.step(30, 9) == "none");  // data that says no is data
  rule.on_no_data = Fallback::kAlert;
  World raises(rule);
  CHECK(raises.step(0, 9) == "none");
  CHECK(raises.step(15, kGone) == "firing");
  CHECK(raises.manager.active_alerts()[0].labels ==
        LabelSet{{"alertname", "High"}, {"reason", "no_data"}});
  CHECK(raises.step(30, 9) == "none");
}

TEST_CASE("on_error: alerts stay as in Prometheus, end, or a stand-in is raised") {
  RuleConfig rule = high();
  rule.expr = "load > on (instance) group_left (zone) limit_of";
  const auto break_it = [](World& w, int seconds) {  // two on the one side
    for (const char* zone : {"x", "y"}) {
      w.metrics.add({{"__name__", "limit_of"}, {"instance", "a"}, {"zone", zone}}, at(seconds), 10);
    }
  };
  const auto fresh = [&](Fallback fallback) {
    rule.on_error = fallback;
    auto w = std::make_unique<World>(rule);
    w->metrics.add({{"__name__", "limit_of"}, {"instance", "a"}, {"zone", "x"}}, at(0), 10);
    CHECK(w->step(0, 11) == "firing");
    break_it(*w, 10);
    return w;
  };
  const auto keeps = fresh(Fallback::kKeep);
  CHECK(keeps->step(15, 11) == "firing");
  CHECK(keeps->rule().health == "err");
  const auto ends = fresh(Fallback::kOk);
  CHECK(ends->step(15, 11) == "none");
  CHECK(ends->rule().health == "err");
  const auto raises = fresh(Fallback::kAlert);
  CHECK(raises->step(15, 11) == "firing");
  CHECK(raises->manager.active_alerts()[0].labels ==
        LabelSet{{"alertname", "High"}, {"reason", "error"}});
}

TEST_CASE("flap_detection holds an alert that comes and goes, until it is steady") {
  RuleConfig rule = high();
  rule.flap_detection.emplace();
  World w(rule);
  int t = 0;
  std::vector<std::string> seen;
  for (int i = 0; i < 20; ++i, t += 15) seen.push_back(w.step(t, i % 2 == 0 ? 11 : 9));
  CHECK(seen[1] == "none");
  CHECK(seen.back() == "firing flapping");
  const auto flapping = w.engine.instant(*promql::Query::parse("ALERTS_FLAPPING"), w.clock.now());
  CHECK(std::get<promql::Vector>(flapping->value).size() == 1);
  // Calm and low: held until fewer than a quarter of the last evaluations were changes.
  int held = 0;
  while (w.step(t, 9) == "firing flapping" && held < 40) {
    ++held;
    t += 15;
  }
  CHECK(held >= 10);
  CHECK(held < 20);
  CHECK(w.manager.active_alerts().empty());
}

TEST_CASE("without flap_detection nothing is held") {
  World w(high());
  for (int i = 0; i < 20; ++i)
    CHECK(w.step(i * 15, i % 2 == 0 ? 11 : 9) == (i % 2 ? "none" : "firing"));
}

TEST_CASE("LogQL that gives lines is no rule, and rules of logs need a store of logs") {
  RuleConfig rule = high();
  rule.logql = true;
  rule.expr = "{job=\"a\"}";
  CHECK(problem(rule).find("count_over_time") != std::string::npos);
  rule.expr = "sum(count_over_time({job=\"a\"}[5m])) > 0";
  CHECK(problem(rule).empty());
  World w(rule);
  CHECK(w.step(0, 1) == "none");
  CHECK(w.rule().last_error.find("log store") != std::string::npos);
  rule.on_no_data = Fallback::kKeep;
  CHECK(problem(rule).find("on_no_data") != std::string::npos);
}

TEST_CASE("what cannot be is refused") {
  RuleConfig rule = high();
  rule.flap_detection = FlapDetection{0.2, 0.3};
  CHECK(problem(rule).find("low < high") != std::string::npos);
  rule = high();
  rule.depends_on = {"nonsense"};
  CHECK(problem(rule).find("depends_on") != std::string::npos);
  rule = high();
  rule.equal = {"host"};
  CHECK(problem(rule).find("depends_on") != std::string::npos);
  rule = high();
  rule.resolve_expr = "load <";
  CHECK(problem(rule).find("resolve_expr") != std::string::npos);
  RuleConfig record;
  record.record = "r";
  record.expr = "load";
  record.on_error = Fallback::kOk;
  CHECK(problem(record).find("belong to alerts") != std::string::npos);
}

}  // namespace
}  // namespace nines::alerts
