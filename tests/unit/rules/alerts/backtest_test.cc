#include "rules/alerts/backtest.h"

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/text/numbers.h"
#include "rules/alerts/manager.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::alerts {
namespace {

constexpr Timestamp kStart = from_millis(1'700'000'010'000);  // on a 30 s grid
constexpr Duration kStep{30'000};

Timestamp at(int step) {
  return kStart + step * kStep;
}

// History of two instances; `a` is high in steps 10 to 20 and 40, `b` in steps 15 to the end.
struct History {
  testing::MemoryMetrics metrics;
  testing::SimClock clock{kStart};
  promql::Engine engine{metrics, clock, {}};

  History() {
    for (int step = 0; step <= 60; ++step) {
      const bool a_high = (step >= 10 && step <= 20) || step == 40;
      add("a", step, a_high ? 10.0 + step : 1.0);
      add("b", step, step >= 15 ? 99.0 : 1.0);
    }
  }
  void add(const char* instance, int step, double value) {
    metrics.add({{"__name__", "load"}, {"instance", instance}}, at(step), value);
  }
  BacktestHistory query() {
    return {[this](const std::string& expr, Timestamp from, Timestamp to,
                   Duration step) -> Result<promql::Matrix> {
              asked.push_back(expr);
              NINES_TRY(const promql::Query parsed, promql::Query::parse(expr));
              NINES_TRY(promql::QueryResult result, engine.range(parsed, from, to, step));
              return std::get<promql::Matrix>(std::move(result.value));
            },
            [this](const std::string& selector, Timestamp from,
                   Timestamp to) -> Result<promql::Matrix> {
              const std::string window = format_duration(to - from + Duration(1));
              NINES_TRY(const promql::Query parsed,
                        promql::Query::parse(selector + "[" + window + "]"));
              NINES_TRY(promql::QueryResult result, engine.instant(parsed, to));
              return std::get<promql::Matrix>(std::move(result.value));
            },
            {}};
  }
  std::vector<std::string> asked;
};

GroupConfig group(Duration hold) {
  RuleConfig rule;
  rule.alert = "High";
  rule.expr = "load > 5";
  rule.hold = hold;
  rule.labels = {{"severity", "page"}};
  rule.annotations = {{"summary", "{{ $labels.instance }} at {{ $value }}"}};
  GroupConfig out;
  out.file = "f";
  out.name = "g";
  out.interval = kStep;
  out.rules = {rule};
  return out;
}

BacktestSpan whole_span() {
  BacktestSpan span;
  span.from = at(0);
  span.to = at(60);
  return span;
}

// "a 12-21 max 30": instance, steps it fired from and until.
std::string shown(const std::vector<BacktestAlert>& alerts) {
  std::string out;
  const auto step_of = [](Timestamp t) {
    return t == Timestamp{} ? std::string("-") : std::to_string((t - kStart) / kStep);
  };
  for (const BacktestAlert& one : alerts) {
    out += std::string(one.alert.labels.get("instance")) + " " + step_of(one.alert.active_at) +
           ":" + step_of(one.alert.fired_at) + ":" + step_of(one.alert.resolved_at) + "; ";
  }
  return out;
}

TEST_CASE("a backtest finds what would have fired, with times and values") {
  History history;
  const auto found = backtest({group(Duration(60'000))}, whole_span(), history.query());
  REQUIRE(found);
  CHECK(shown(*found) == "a 10:12:21; b 15:17:-; a 40:-:41; ");
  const BacktestAlert& first = (*found)[0];
  CHECK(first.group == "g");
  CHECK(first.alert.labels ==
        LabelSet{{"alertname", "High"}, {"instance", "a"}, {"severity", "page"}});
  CHECK(first.alert.annotations.get("summary") == "a at 22");
  CHECK(first.alert.value == 22);
  CHECK(first.value_min == 20);
  CHECK(first.value_max == 30);
  CHECK((*found)[1].alert.state == AlertState::kFiring);
  CHECK((*found)[2].alert.state == AlertState::kInactive);
}

TEST_CASE("how the span is cut into queries changes nothing") {
  History history;
  const auto whole = backtest({group(Duration(60'000))}, whole_span(), history.query());
  REQUIRE(whole);
  for (const std::size_t steps : {1U, 2U, 7U, 61U}) {
    BacktestSpan span = whole_span();
    span.steps_per_query = steps;
    const auto cut = backtest({group(Duration(60'000))}, span, history.query());
    REQUIRE(cut);
    CHECK(shown(*cut) == shown(*whole));
  }
}

TEST_CASE("evaluations stand on multiples of the interval, offset and keep_firing_for count") {
  History history;
  GroupConfig late = group(Duration(0));
  late.query_offset = Duration(30'000);
  late.rules[0].keep_firing_for = Duration(60'000);
  BacktestSpan span = whole_span();
  span.from = at(0) - Duration(7'000);
  const auto found = backtest({late}, span, history.query());
  REQUIRE(found);
  CHECK(shown(*found) == "a 11:11:24; b 16:16:-; a 41:41:44; ");
}

TEST_CASE("an error names the rule") {
  const auto failed =
      backtest({group(Duration(0))}, whole_span(),
               {[](const std::string&, Timestamp, Timestamp, Duration) -> Result<promql::Matrix> {
                  return Error(ErrorCode::kUnavailable, "gone");
                },
                {},
                {}});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().what().find("alert \"High\"") != std::string::npos);
}

RuleConfig recording(const char* name, const char* expr) {
  RuleConfig rule;
  rule.record = name;
  rule.expr = expr;
  return rule;
}

TEST_CASE("what earlier rules record is what later ones read, not what the history has") {
  History history;
  history.metrics.add({{"__name__", "r:load"}, {"instance", "old"}}, at(5), 1'000);
  GroupConfig recorded = group(Duration(0));
  recorded.rules.insert(recorded.rules.begin(),
                        {recording("r:load", "load * 2"), recording("r:sum", "sum(r:load)"),
                         recording("r:idle", "never_read")});
  recorded.rules[0].labels = {{"by", "rule"}};
  recorded.rules[3].expr = "r:load{by=\"rule\"} > 10 and on () r:sum > 50";
  const auto found = backtest({recorded}, whole_span(), history.query());
  REQUIRE(found);
  CHECK(shown(*found) == "a 15:15:21; b 15:15:-; a 40:40:41; ");
  CHECK((*found)[0].value_max == 60);
  CHECK(history.asked == std::vector<std::string>{"load * 2"});  // and not what nothing reads

  recorded.rules[3].expr = "max_over_time(r:load{instance=\"a\"}[2m]) + on (instance) load > 50";
  const auto mixed = backtest({recorded}, whole_span(), history.query());
  REQUIRE(mixed);
  CHECK(shown(*mixed) == "a 10:10:24; a 40:40:44; ");

  BacktestSpan small = whole_span();
  small.recorded_samples_max = 10;
  const auto refused = backtest({recorded}, small, history.query());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what().find("record \"r:load\": recording rules gave more than 10") !=
        std::string::npos);
}

TEST_CASE("a recorded series that vanishes is gone at the next evaluation") {
  History history;
  GroupConfig recorded = group(Duration(0));
  recorded.rules.insert(recorded.rules.begin(), recording("r:high", "load > 5"));
  recorded.rules[1].expr = "r:high";
  const auto found = backtest({recorded}, whole_span(), history.query());
  REQUIRE(found);
  CHECK(shown(*found) == "a 10:10:21; b 15:15:-; a 40:40:41; ");
}

TEST_CASE("resolve_expr holds an alert, on_no_data keeps or raises one, in a backtest too") {
  History history;
  GroupConfig held = group(Duration(0));
  held.rules[0].expr = "load{instance=\"a\"} > 25";
  held.rules[0].resolve_expr = "load < 5";
  const auto found = backtest({held}, whole_span(), history.query());
  REQUIRE(found);
  CHECK(shown(*found) == "a 16:16:21; a 40:40:41; ");

  for (int step = 20; step <= 22; ++step)
    history.metrics.add({{"__name__", "late"}, {"instance", "c"}}, at(step), 9);
  GroupConfig silent = group(Duration(0));
  silent.rules[0].expr = "late > 5";
  silent.rules[0].on_no_data = Fallback::kKeep;
  const auto kept = backtest({silent}, whole_span(), history.query());
  REQUIRE(kept);
  CHECK(shown(*kept) == "c 20:20:-; ");
  silent.rules[0].on_no_data = Fallback::kAlert;
  const auto raised = backtest({silent}, whole_span(), history.query());
  REQUIRE(raised);
  REQUIRE(raised->size() == 3);
  CHECK((*raised)[0].alert.labels.get("reason") == "no_data");
  CHECK((*raised)[0].alert.resolved_at == at(20));
  CHECK((*raised)[1].alert.labels.get("instance") == "c");
}

TEST_CASE("evaluations stand where the group's phase puts them") {
  History history;
  BacktestSpan span = whole_span();
  span.phase = [](const GroupConfig&) { return Duration(7'000); };
  const auto found = backtest({group(Duration(0))}, span, history.query());
  REQUIRE(found);
  REQUIRE(found->size() == 3);
  CHECK((*found)[0].alert.fired_at == at(10) + Duration(7'000));
  CHECK((*found)[0].alert.resolved_at == at(21) + Duration(7'000));
}

TEST_CASE("a rule whose expression fails is left out and named, the others go on") {
  History history;
  GroupConfig both = group(Duration(0));
  both.rules.insert(both.rules.begin(), both.rules[0]);
  both.rules[0].alert = "Bad";
  both.rules[0].expr = "load > on () group_left () load";
  std::vector<std::string> failed;
  BacktestHistory tolerant = history.query();
  tolerant.failed = [&](const Error& error) { failed.push_back(error.what()); };
  const auto found = backtest({both}, whole_span(), tolerant);
  REQUIRE(found);
  CHECK(shown(*found) == "a 10:10:21; b 15:15:-; a 40:40:41; ");
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].find("alert \"Bad\": found duplicate series") != std::string::npos);
  CHECK_FALSE(backtest({both}, whole_span(), history.query()));
}

// The backtest and the real thing must agree.
class Listener final : public AlertSink {
 public:
  std::vector<std::pair<std::string, Timestamp>> fired;
  void on_alerts(const std::string&, std::span<const Alert> alerts) override {
    for (const Alert& alert : alerts) {
      const std::pair one{std::string(alert.labels.get("instance")), alert.fired_at};
      if (std::find(fired.begin(), fired.end(), one) == fired.end()) fired.push_back(one);
    }
  }
};

TEST_CASE("a backtest finds what a manager told at the time") {
  History history;
  Listener listener;
  testing::SimScheduler scheduler(history.clock);
  testing::InlineExecutor executor;
  testing::MemoryState state;
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  Manager manager({}, {history.engine,
                       history.metrics,
                       state,
                       state,
                       scheduler,
                       executor,
                       *log,
                       *telemetry,
                       {&listener}});
  REQUIRE(manager.load({group(Duration(60'000))}));
  for (int step = 0; step <= 60; ++step) {
    history.clock.advance(at(step) - history.clock.now());
    manager.evaluate_once(at(step));
  }
  const auto found = backtest({group(Duration(60'000))}, whole_span(), history.query());
  REQUIRE(found);
  std::vector<std::pair<std::string, Timestamp>> fired;
  for (const BacktestAlert& one : *found) {
    if (one.alert.fired_at != Timestamp{}) {
      fired.emplace_back(one.alert.labels.get("instance"), one.alert.fired_at);
    }
  }
  CHECK(fired == listener.fired);
}

}  // namespace
}  // namespace nines::alerts
