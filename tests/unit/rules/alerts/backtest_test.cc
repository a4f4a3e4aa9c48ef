#include "rules/alerts/backtest.h"

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

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
  RangeQuery query() {
    return [this](const std::string& expr, Timestamp from, Timestamp to,
                  Duration step) -> Result<promql::Matrix> {
      NINES_TRY(const promql::Query parsed, promql::Query::parse(expr));
      NINES_TRY(promql::QueryResult result, engine.range(parsed, from, to, step));
      return std::get<promql::Matrix>(std::move(result.value));
    };
  }
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
               [](const std::string&, Timestamp, Timestamp, Duration) -> Result<promql::Matrix> {
                 return Error(ErrorCode::kUnavailable, "gone");
               });
  REQUIRE_FALSE(failed);
  CHECK(failed.error().what().find("alert \"High\"") != std::string::npos);
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
