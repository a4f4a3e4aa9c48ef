#include "rules/alerts/manager.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

using namespace nines;
using namespace nines::alerts;

namespace {

constexpr Timestamp kStart = from_millis(1'700'000'000'000);
constexpr Duration kSecond{1'000};
Timestamp at(int seconds) {
  return kStart + seconds * kSecond;
}

struct Told {
  std::string rule;
  std::vector<Alert> alerts;
};

// Everything outside the manager survives a restart of it.
struct World final : AlertSink {
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemoryMetrics metrics;
  testing::MemoryState state;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  promql::Engine engine{metrics, clock, {}};
  ManagerOptions options;
  std::vector<Told> told;
  std::vector<std::size_t> saved_when_told;  // alerts in the state store
  std::atomic<std::int64_t> figures_at_ms = 0;
  std::unique_ptr<Manager> manager;

  void on_alerts(const std::string& rule, std::span<const Alert> alerts) override {
    told.push_back({rule, {alerts.begin(), alerts.end()}});
    const auto stored = state.load_alerts();
    saved_when_told.push_back(stored ? stored->size() : 0);
  }
  void boot(std::vector<GroupConfig> groups) {
    manager = nullptr;
    manager = std::make_unique<Manager>(options, ManagerParts{engine,
                                                              metrics,
                                                              state,
                                                              state,
                                                              scheduler,
                                                              executor,
                                                              *log,
                                                              *telemetry,
                                                              {this},
                                                              nullptr,
                                                              &figures_at_ms});
    const auto loaded = manager->load(std::move(groups));
    REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().what()));
  }
  void evaluate(int seconds) {
    clock.advance(at(seconds) - clock.now());
    manager->evaluate_once(at(seconds));
  }
  double last(const LabelSet& series) const {
    const SampleColumns samples = metrics.samples(series);
    REQUIRE(samples.size() > 0);
    return samples.values.back();
  }
  std::vector<std::string> kinds(const std::string& episode) {
    std::vector<std::string> out;
    const auto events = *state.events(episode);
    for (const auto& event : events) out.push_back(event.kind);
    return out;
  }
};

RuleConfig alert(std::string expr, int hold_s = 0) {
  RuleConfig rule;
  rule.alert = "Down";
  rule.expr = std::move(expr);
  rule.hold = hold_s * kSecond;
  return rule;
}
RuleConfig record(std::string name, std::string expr) {
  RuleConfig rule;
  rule.record = std::move(name);
  rule.expr = std::move(expr);
  return rule;
}
GroupConfig group(std::vector<RuleConfig> rules) {
  GroupConfig out;
  out.file = "f";
  out.name = "g";
  out.rules = std::move(rules);
  return out;
}

const LabelSet kUpA{{"__name__", "up"}, {"instance", "a"}, {"job", "j"}};

}  // namespace

TEST_CASE("a rule sees what the rules before it wrote in the same cycle") {
  World w;
  w.metrics.add(kUpA, at(0), 3);
  w.boot({group({record("one", "up * 2"), record("two", "one + 1"), alert("two == 7")})});
  w.evaluate(1);
  CHECK(w.last({{"__name__", "one"}, {"instance", "a"}, {"job", "j"}}) == 6);
  CHECK(w.last({{"__name__", "two"}, {"instance", "a"}, {"job", "j"}}) == 7);
  REQUIRE(w.manager->active_alerts().size() == 1);
  CHECK(w.manager->active_alerts()[0].value == 7);
}

TEST_CASE("a recording rule writes a scalar, sets labels, and ends series that vanish") {
  World w;
  w.metrics.add(kUpA, at(0), 1);
  RuleConfig rule = record("r", "up == 1");
  rule.labels = {{"job", "other"}};
  GroupConfig g = group({rule, record("s", "1 + 1")});
  g.labels = {{"job", "hidden"}, {"team", "blue"}};
  w.boot({g});
  w.evaluate(1);
  const LabelSet r{{"__name__", "r"}, {"instance", "a"}, {"job", "other"}, {"team", "blue"}};
  CHECK(w.last(r) == 1);
  CHECK(w.last({{"__name__", "s"}, {"job", "hidden"}, {"team", "blue"}}) == 2);
  w.metrics.add(kUpA, at(2), 0);
  w.evaluate(3);
  CHECK(is_stale_nan(w.last(r)));
  const std::size_t samples = w.metrics.samples(r).size();
  w.evaluate(4);
  CHECK(w.metrics.samples(r).size() == samples);
}

TEST_CASE("a recording rule with duplicate results or too many fails and writes nothing") {
  World w;
  w.metrics.add(kUpA, at(0), 1);
  w.metrics.add(kUpA.with("instance", "b"), at(0), 1);
  RuleConfig same = record("same", "up");
  same.labels = {{"instance", ""}};
  w.boot({group({same})});
  w.evaluate(1);
  CHECK(w.manager->status()[0].rules[0].health == "err");
  CHECK(w.manager->status()[0].rules[0].last_error.find("same labelset") != std::string::npos);
  CHECK(w.metrics.series_count() == 2);
  GroupConfig limited = group({record("r", "up")});
  limited.limit = 1;
  w.boot({limited});
  w.evaluate(2);
  CHECK(w.manager->status()[0].rules[0].last_error == "exceeded limit of 1 with 2 series");
  limited.limit = 2;
  w.boot({limited});
  w.evaluate(3);
  CHECK(w.manager->status()[0].rules[0].health == "ok");
}

TEST_CASE("labels come from the result, the rule overrides them, alertname has the last word") {
  World w;
  w.options.external_labels = {{"region", "eu"}};
  w.options.external_url = "http://nines:9999/";
  w.metrics.add(kUpA, at(0), 0);
  RuleConfig rule = alert("up == 0");
  rule.labels = {{"job", "{{ $labels.job }}-{{ $labels.nope }}x"}, {"alertname", "Other"}};
  rule.annotations = {
      {"a", "{{ $labels.instance }} {{ $value }} {{ $externalLabels.region }} {{ $externalURL }}"},
      {"b", R"({{ with query "up" }}{{ . | first | label "instance" }}{{ end }})"},
      {"c", "{{ $labels.__name__ }} {{ .Value }}"},
      {"d", "{{ template \"nosuch\" }}"},
      {"e", "{{ .Nope }}"},
      {"f", "{{ graphLink \"up == 0\" }} {{ range query \"up\" }}{{ . }}{{ end }}"}};
  w.boot({group({rule})});
  w.evaluate(1);
  REQUIRE(w.told.size() == 1);
  const Alert& a = w.told[0].alerts.at(0);
  CHECK(a.labels == LabelSet{{"alertname", "Down"}, {"instance", "a"}, {"job", "j-x"}});
  CHECK(a.annotations.get("a") == "a 0 eu http://nines:9999/");
  CHECK(a.annotations.get("b") == "a");
  CHECK(a.annotations.get("c") == "up 0");
  CHECK(a.annotations.get("d") ==
        "<error expanding template: __alert_Down:1:13: executing \"__alert_Down\" at <{{template "
        "\"nosuch\"}}>: template \"nosuch\" not defined>");
  CHECK(a.annotations.get("e") ==
        "<error expanding template: __alert_Down:1:4: executing \"__alert_Down\" at <.Nope>: can't "
        "evaluate field Nope in type struct { Labels map[string]string; ExternalLabels "
        "map[string]string; ExternalURL string; Value interface {} }>");
  CHECK(a.annotations.get("f") ==
        "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 {map[__name__:up instance:a job:j] 0}");
  CHECK(a.generator_url == "http://nines:9999/graph?g0.expr=up%20%3D%3D%200&g0.tab=1");
  CHECK(a.valid_for == Duration(240'000));
}

TEST_CASE("ALERTS and ALERTS_FOR_STATE follow the state, and end with it") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0", 10)})});
  const LabelSet base{{"alertname", "Down"}, {"instance", "a"}, {"job", "j"}};
  const LabelSet pending = base.with("__name__", "ALERTS").with("alertstate", "pending");
  const LabelSet firing = base.with("__name__", "ALERTS").with("alertstate", "firing");
  const LabelSet since = base.with("__name__", "ALERTS_FOR_STATE");
  w.evaluate(5);
  CHECK(w.last(pending) == 1);
  CHECK(w.last(since) == 1'700'000'005);
  CHECK(w.told.empty());
  w.evaluate(15);
  CHECK(is_stale_nan(w.last(pending)));
  CHECK(w.last(firing) == 1);
  CHECK(w.last(since) == 1'700'000'005);
  w.metrics.add(kUpA, at(16), 1);
  w.evaluate(20);
  CHECK(is_stale_nan(w.last(firing)));
  CHECK(is_stale_nan(w.last(since)));
}

TEST_CASE("the state is on disk before a sink hears of it, and written only when it changes") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0")})});
  w.evaluate(1);
  CHECK(w.saved_when_told == std::vector<std::size_t>{1});
  const std::size_t writes = w.state.writes();
  w.evaluate(2);
  w.evaluate(3);
  CHECK(w.state.writes() == writes);
  CHECK(w.told.size() == 3);
}

TEST_CASE("a disk that refuses does not keep a page back, and the state is saved when it can be") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0")})});
  w.state.fail_with(Error(ErrorCode::kIo, "disk full"));
  w.evaluate(1);
  CHECK(w.told.size() == 1);
  w.state.heal();
  CHECK(w.state.load_alerts()->empty());
  w.evaluate(2);
  CHECK(w.state.load_alerts()->size() == 1);
}

TEST_CASE("an incident tells the story of an alert") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0", 10)})});
  w.evaluate(5);
  const std::string episode = w.manager->active_alerts()[0].episode();
  w.evaluate(15);
  w.boot({group({alert("up == 0", 10)})});
  w.metrics.add(kUpA, at(16), 1);
  w.evaluate(20);
  w.evaluate(64);  // held: three intervals have not passed since the first evaluation
  CHECK(w.manager->active_alerts().size() == 1);
  w.evaluate(65);
  CHECK(w.kinds(episode) == std::vector<std::string>{"pending", "firing", "restarted", "resolved"});
  const auto incident = w.state.incident(episode);
  REQUIRE(incident);
  CHECK(incident->started_at == at(5));
  CHECK(incident->fired_at == at(15));
  CHECK(incident->resolved_at == at(65));
}

TEST_CASE("500 alerts that begin at once are written in two transactions, told after the first") {
  World w;
  for (int i = 0; i < 500; ++i)
    w.metrics.add({{"__name__", "up"}, {"instance", std::to_string(i)}}, at(0), 0);
  w.boot({group({alert("up == 0")})});
  const std::size_t before = w.state.writes();
  w.evaluate(1);
  CHECK(w.state.writes() - before == 2);
  REQUIRE(w.told.size() == 1);
  CHECK(w.told[0].alerts.size() == 500);
  CHECK(w.saved_when_told[0] == 500);
  CHECK(w.state.incidents(1'000)->size() == 500);
  for (const Alert& one : w.told[0].alerts)
    CHECK(w.kinds(one.episode()) == std::vector<std::string>{"firing"});
}

TEST_CASE("an alert that never fired ends its incident saying so") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0", 10)})});
  w.evaluate(5);
  const std::string episode = w.manager->active_alerts()[0].episode();
  w.metrics.add(kUpA, at(6), 1);
  w.evaluate(8);
  const auto events = w.state.events(episode);
  REQUIRE(events->size() == 2);
  CHECK((*events)[1].kind == "resolved");
  CHECK((*events)[1].text.find("never fired") != std::string::npos);
  CHECK(w.told.empty());
}

TEST_CASE("an incident that a crash left behind its alert is made good at the next start") {
  World w;
  storage::StoredAlert stored;
  stored.rule = "f;g;Down";
  stored.labels = {{"alertname", "Down"}, {"instance", "a"}, {"job", "j"}};
  stored.firing = true;
  stored.active_at = at(-60);
  stored.fired_at = at(-30);
  REQUIRE(w.state.save_alerts(stored.rule, {stored}));
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0", 30)})});
  const std::string episode = w.manager->active_alerts()[0].episode();
  CHECK(w.kinds(episode) == std::vector<std::string>{"firing", "restarted"});
  CHECK(w.state.incident(episode)->fired_at == at(-30));
  w.evaluate(1);
  REQUIRE(w.told.size() == 2);  // when restored, and when evaluated
  CHECK(w.told[1].alerts[0].fired_at == at(-30));
}

TEST_CASE("sinks know what fires as soon as the state is restored, before any evaluation") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0")})});
  w.evaluate(1);
  w.told.clear();
  w.boot({group({alert("up == 0")})});
  REQUIRE(w.told.size() == 1);
  CHECK(w.told[0].alerts[0].state == AlertState::kFiring);
  CHECK(w.told[0].alerts[0].fired_at == at(1));
}

TEST_CASE("after a restart a gap in the data does not resolve what fires") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0")})});
  w.evaluate(1);
  w.clock.advance(Duration(3'600'000));  // down for an hour: no sample within the lookback
  w.boot({group({alert("up == 0")})});
  w.told.clear();
  w.evaluate(3'700);
  REQUIRE(w.told.size() == 1);
  CHECK(w.told[0].alerts[0].state == AlertState::kFiring);
  w.metrics.add(kUpA, at(3'702), 0);
  w.evaluate(3'705);
  CHECK(w.told.back().alerts[0].fired_at == at(1));
  w.metrics.add(kUpA, at(3'710), 1);
  w.evaluate(3'715);
  CHECK(w.told.back().alerts[0].state == AlertState::kInactive);
  CHECK(w.told.back().alerts[0].resolved_at == at(3'715));
}

TEST_CASE("a failed evaluation says so, tells nobody, and keeps the alerts") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.metrics.add({{"__name__", "other"}, {"instance", "a"}}, at(0), 1);
  w.boot({group({alert("up == 0 and on (instance) other")})});
  w.evaluate(1);
  REQUIRE(w.told.size() == 1);
  // Many-to-many matching fails while it runs.
  w.boot({group({alert("up * on (job) group_left () up2")})});
  w.told.clear();
  w.metrics.add({{"__name__", "up2"}, {"instance", "a"}, {"job", "j"}}, at(1), 1);
  w.metrics.add({{"__name__", "up2"}, {"instance", "b"}, {"job", "j"}}, at(1), 1);
  w.evaluate(2);
  CHECK(w.told.empty());
  CHECK(w.manager->status()[0].rules[0].health == "err");
  CHECK(w.manager->active_alerts().size() == 1);
}

TEST_CASE("a reload keeps the alerts of rules that stay, also under an edited expression") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0")})});
  w.evaluate(1);
  REQUIRE(w.manager->load({group({record("r", "up"), alert("up == 0")})}));
  w.evaluate(2);
  CHECK(w.manager->active_alerts()[0].fired_at == at(1));
  REQUIRE(w.manager->load({group({alert("up < 1")})}));
  w.evaluate(3);
  CHECK(w.manager->active_alerts()[0].fired_at == at(1));
  CHECK(is_stale_nan(w.last({{"__name__", "r"}, {"instance", "a"}, {"job", "j"}})));
}

TEST_CASE("the alerts of a removed rule are resolved and forgotten") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  w.boot({group({alert("up == 0")})});
  w.evaluate(1);
  const std::string episode = w.manager->active_alerts()[0].episode();
  SUBCASE("at a reload") {
    REQUIRE(w.manager->load({}));
  }
  SUBCASE("while the program was not running") {
    w.boot({});
  }
  REQUIRE(w.told.size() == 2);
  CHECK(w.told[1].rule == "f;g;Down");
  CHECK(w.told[1].alerts[0].state == AlertState::kInactive);
  CHECK(w.state.load_alerts()->empty());
  CHECK(w.kinds(episode).back() == "resolved");
  CHECK(w.manager->active_alerts().empty());
}

TEST_CASE("the metrics of a group that is gone are gone, those of a changed one go on") {
  World w;
  w.boot({group({alert("up == 0")})});
  w.evaluate(1);
  const auto shown = [&](const char* line) {
    return w.telemetry->text().find(line) != std::string::npos;
  };
  CHECK(shown("prometheus_rule_group_rules{rule_group=\"f;g\"} 1"));
  REQUIRE(w.manager->load({group({alert("up == 0"), record("r", "up")})}));
  w.evaluate(2);
  CHECK(shown("prometheus_rule_group_rules{rule_group=\"f;g\"} 2"));
  CHECK(shown("prometheus_rule_evaluations_total{rule_group=\"f;g\"} 3"));
  REQUIRE(w.manager->load({}));
  CHECK_FALSE(shown("rule_group=\"f;g\""));
}

TEST_CASE("a group that does not parse changes nothing") {
  World w;
  w.boot({group({alert("up == 0")})});
  CHECK_FALSE(w.manager->load({group({alert("up ==")})}));
  CHECK(w.manager->status()[0].config.rules[0].expr == "up == 0");
}

TEST_CASE("namesakes in one group are rules of their own") {
  World w;
  w.metrics.add(kUpA, at(0), 0);
  RuleConfig page = alert("up == 0");
  page.labels = {{"severity", "page"}};
  RuleConfig ticket = alert("up == 0");
  ticket.labels = {{"severity", "ticket"}};
  w.boot({group({page, ticket})});
  w.evaluate(1);
  w.boot({group({ticket, page})});  // another order, the same rules
  w.evaluate(2);
  REQUIRE(w.manager->active_alerts().size() == 2);
  for (const Alert& a : w.manager->active_alerts()) CHECK(a.fired_at == at(1));
}

TEST_CASE("query_offset asks for the past and stamps the past") {
  World w;
  w.metrics.add(kUpA, at(0), 5);
  w.metrics.add(kUpA, at(55), 6);
  GroupConfig g = group({record("r", "up")});
  g.query_offset = 30 * kSecond;
  w.boot({g});
  w.evaluate(60);
  const SampleColumns r = w.metrics.samples({{"__name__", "r"}, {"instance", "a"}, {"job", "j"}});
  REQUIRE(r.size() == 1);
  CHECK(r.values[0] == 5);
  CHECK(r.times[0] == to_millis(at(30)));
}

TEST_CASE("groups run on their interval, aligned and counted") {
  World w;
  w.metrics.add(kUpA, at(0), 1);
  w.boot({group({record("r", "up")})});
  w.manager->start();
  w.scheduler.run_for(Duration(60'000));
  w.manager->stop();
  w.scheduler.run_for(Duration(60'000));
  const SampleColumns r = w.metrics.samples({{"__name__", "r"}, {"instance", "a"}, {"job", "j"}});
  REQUIRE(r.size() == 4);
  CHECK(r.times[0] % 100 == 0);
  for (std::size_t i = 1; i < 4; ++i) CHECK(r.times[i] - r.times[i - 1] == 15'000);
  CHECK(w.manager->status()[0].missed_iterations == 0);
  CHECK(w.telemetry->text().find("prometheus_rule_evaluations_total{rule_group=\"f;g\"} 4") !=
        std::string::npos);
}

TEST_CASE("rules that read figures are evaluated when those change, and once a minute") {
  World w;
  w.metrics.add(kUpA, at(0), 1);
  GroupConfig figures = group({record("r", "up")});
  figures.judges_figures = true;
  GroupConfig other = group({record("s", "up")});
  other.name = "h";
  w.boot({figures, other});
  const auto evaluated = [&](const char* name) {
    return w.metrics.samples({{"__name__", name}, {"instance", "a"}, {"job", "j"}}).times;
  };
  w.manager->start();
  w.scheduler.run_for(Duration(61'000));  // both begin; the one's figures stay as they are
  const auto begun = evaluated("r");
  REQUIRE(begun.size() >= 1);
  REQUIRE(begun.size() <= 2);
  CHECK(evaluated("s").size() >= 4);
  if (begun.size() == 2) CHECK(begun[1] - begun[0] == 60'000);
  w.scheduler.run_for(Duration(120'000));
  CHECK(evaluated("r").size() == begun.size() + 2);

  const std::int64_t before = to_millis(w.clock.now());
  w.figures_at_ms = before;  // at the next instant, whatever was before
  w.scheduler.run_for(Duration(15'000));
  CHECK(evaluated("r").back() > before);
  const std::size_t then = evaluated("r").size();
  w.scheduler.run_for(Duration(44'000));  // and not again
  CHECK(evaluated("r").size() == then);

  // An evaluation for an instant before the change has not seen it.
  w.figures_at_ms = to_millis(w.clock.now()) + 20'000;
  w.scheduler.run_for(Duration(16'000));
  const std::size_t early = evaluated("r").size();
  w.scheduler.run_for(Duration(20'000));
  CHECK(evaluated("r").size() > early);
  w.manager->stop();
}
