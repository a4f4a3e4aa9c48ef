// What the rules of a group do together: evaluate what they have in common, save their states.
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "rules/alerts/manager.h"
#include "storage/api/alert_batch.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

using namespace nines;
using namespace nines::alerts;

namespace {

constexpr Timestamp kStart = from_millis(1'700'000'000'000);
Timestamp at(int seconds) {
  return kStart + seconds * Duration(1'000);
}

// What happens, in order: "save a b", "fail a b", "tell a".
using Story = std::vector<std::string>;

// A store of alert states that can save several rules at once, and be made to refuse.
class States final : public storage::AlertStateStore, public storage::AlertBatches {
 public:
  States(storage::AlertStateStore& to, Story& story) : to_(to), story_(story) {}
  Result<std::vector<storage::StoredAlert>> load_alerts() override { return to_.load_alerts(); }
  Result<void> save_alerts(const std::string& rule,
                           const std::vector<storage::StoredAlert>& alerts) override {
    const storage::RuleAlerts one{rule, alerts};
    return save_alerts_of({&one, 1});
  }
  Result<void> save_alerts_of(std::span<const storage::RuleAlerts> rules) override {
    std::string names;
    bool refused = false;
    for (const storage::RuleAlerts& one : rules) {
      names += " " + one.rule.substr(one.rule.rfind(';') + 1);
      refused = refused || (!refuses.empty() && one.rule.ends_with(refuses));
    }
    story_.push_back((refused ? "fail" : "save") + names);
    if (refused) return Error(ErrorCode::kIo, "the disk says no");
    for (const storage::RuleAlerts& one : rules) {
      if (auto saved = to_.save_alerts(one.rule, one.alerts); !saved) return saved;
    }
    return {};
  }
  std::string refuses;  // the rule

 private:
  storage::AlertStateStore& to_;
  Story& story_;
};

// Who asks for the metric "slow" waits for it.
class SlowMetrics final : public storage::Querier {
 public:
  SlowMetrics(const testing::MemoryMetrics& of, testing::SimClock& clock)
      : of_(of), clock_(clock) {}
  Result<std::unique_ptr<storage::SeriesSelection>> select(
      std::span<const Matcher> matchers, storage::TimeRange range, std::size_t series_max,
      const storage::StopFlag* stop) const override {
    ++selects;
    for (const Matcher& matcher : matchers) {
      if (matcher.value() == "slow") clock_.advance(Duration(200));
    }
    return of_.select(matchers, range, series_max, stop);
  }
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                               storage::TimeRange range, std::size_t limit,
                                               const storage::StopFlag* stop) const override {
    return of_.label_names(matchers, range, limit, stop);
  }
  Result<std::vector<std::string>> label_values(const std::string& name,
                                                std::span<const Matcher> matchers,
                                                storage::TimeRange range, std::size_t limit,
                                                const storage::StopFlag* stop) const override {
    return of_.label_values(name, matchers, range, limit, stop);
  }
  std::map<std::string, Metadata> metadata() const override { return of_.metadata(); }
  mutable std::size_t selects = 0;

 private:
  const testing::MemoryMetrics& of_;
  testing::SimClock& clock_;
};

struct World final : AlertSink {
  void on_alerts(const std::string& rule, std::span<const Alert> /*alerts*/) override {
    story.push_back("tell " + rule.substr(rule.rfind(';') + 1));
  }
  void boot(std::vector<RuleConfig> rules) {
    GroupConfig group;
    group.file = "f";
    group.name = "g";
    group.rules = std::move(rules);
    manager = nullptr;
    manager = std::make_unique<Manager>(
        options,
        ManagerParts{
            engine, metrics, states, state, scheduler, executor, *log, *telemetry, {this}});
    REQUIRE(manager->load({group}));
  }
  Story evaluate(int seconds) {
    story.clear();
    if (at(seconds) > clock.now()) clock.advance(at(seconds) - clock.now());
    manager->evaluate_once(at(seconds));
    return story;
  }
  std::vector<double> values(const LabelSet& series) const {
    return metrics.samples(series).values;
  }

  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemoryMetrics metrics;
  SlowMetrics querier{metrics, clock};
  testing::MemoryState state;
  Story story;
  States states{state, story};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  promql::Engine engine{querier, clock, {}};
  ManagerOptions options;
  std::unique_ptr<Manager> manager;
};

RuleConfig alert(std::string name, std::string expr) {
  RuleConfig rule;
  rule.alert = std::move(name);
  rule.expr = std::move(expr);
  return rule;
}
RuleConfig record(std::string name, std::string expr) {
  RuleConfig rule;
  rule.record = std::move(name);
  rule.expr = std::move(expr);
  return rule;
}

}  // namespace

TEST_CASE("the states of a group are saved at once, before anybody is told") {
  World w;
  w.metrics.add({{"__name__", "up"}}, at(0), 1);
  w.boot({alert("a", "up > 0"), alert("b", "up > 5"), alert("c", "up == 1")});
  CHECK(w.evaluate(1) == Story{"save a c", "tell a", "tell c"});
  CHECK(w.evaluate(2) == Story{"tell a", "tell c"});
  w.metrics.add({{"__name__", "up"}}, at(3), 0);
  CHECK(w.evaluate(3) == Story{"save a c", "tell a", "tell c"});
}

TEST_CASE("no page waits for a rule that is known to be slow") {
  World w;
  w.metrics.add({{"__name__", "up"}}, at(0), 1);
  w.metrics.add({{"__name__", "slow"}}, at(0), 1);
  w.boot({alert("a", "up > 0"), alert("s", "slow > 0"), alert("c", "up == 1")});
  // Nobody knows yet: a is told of when s has taken its time, not after c as well.
  CHECK(w.evaluate(1) == Story{"save a s", "tell a", "tell s", "save c", "tell c"});
  w.metrics.add({{"__name__", "up"}}, at(2), 0);
  w.metrics.add({{"__name__", "slow"}}, at(2), 0);
  CHECK(w.evaluate(3) == Story{"save a", "tell a", "save s", "tell s", "save c", "tell c"});
}

TEST_CASE("states that cannot be saved together are saved one by one, and everybody is told") {
  World w;
  w.metrics.add({{"__name__", "up"}}, at(0), 1);
  w.boot({alert("a", "up > 0"), alert("b", "up > 0"), alert("c", "up == 1")});
  w.states.refuses = ";b";
  CHECK(w.evaluate(1) ==
        Story{"fail a b c", "save a", "tell a", "fail b", "tell b", "save c", "tell c"});
  // What was not saved is tried again.
  w.states.refuses.clear();
  CHECK(w.evaluate(2) == Story{"tell a", "save b", "tell b", "tell c"});
}

TEST_CASE("the rules of a group ask once for what they have in common") {
  World w;
  for (int i = 0; i < 5; ++i) w.metrics.add({{"__name__", "m_total"}}, at(i * 15), i * 30);
  w.boot({alert("a", "rate(m_total[1m]) > 1"), alert("b", "rate(m_total[1m]) > 3"),
          record("r", "sum(rate(m_total[1m]))"), alert("c", "rate(m_total[1m]) < 3")});
  w.evaluate(60);
  CHECK(w.querier.selects == 1);
  CHECK(w.story == Story{"save a c", "tell a", "tell c"});
  REQUIRE(w.values({{"__name__", "r"}}).size() == 1);
  CHECK(w.values({{"__name__", "r"}})[0] == doctest::Approx(2));

  w.options.shared_bytes_max = 0;
  w.boot({alert("a", "rate(m_total[1m]) > 1"), record("r", "sum(rate(m_total[1m]))")});
  w.querier.selects = 0;
  w.evaluate(61);
  CHECK(w.querier.selects == 2);
}

TEST_CASE("what a rule writes, the rules behind it see, whatever those before it asked") {
  World w;
  w.metrics.add({{"__name__", "up"}}, at(0), 1);
  w.boot({record("first", "sum(x) or vector(0)"), record("x", "up == 1"),
          record("second", "sum(x) or vector(0)"), record("third", "sum(x) or vector(0)")});
  w.evaluate(1);
  CHECK(w.values({{"__name__", "first"}}) == std::vector<double>{0});
  CHECK(w.values({{"__name__", "second"}}) == std::vector<double>{1});
  CHECK(w.values({{"__name__", "third"}}) == std::vector<double>{1});
  // Its end as well.
  w.metrics.add({{"__name__", "up"}}, at(2), 0);
  w.evaluate(2);
  CHECK(w.values({{"__name__", "first"}}).back() == 1);
  CHECK(w.values({{"__name__", "second"}}).back() == 0);
}

TEST_CASE("alerts count from the rule behind them on, be they asked for before") {
  World w;
  w.metrics.add({{"__name__", "up"}}, at(0), 1);
  const std::string expr = "count(ALERTS) or vector(0)",
                    since = "max(ALERTS_FOR_STATE) or vector(0)";
  w.boot({record("before", expr), record("since_before", since), alert("a", "up == 1"),
          record("after", expr), record("since_after", since)});
  w.evaluate(1);
  CHECK(w.values({{"__name__", "before"}}) == std::vector<double>{0});
  CHECK(w.values({{"__name__", "after"}}) == std::vector<double>{1});
  CHECK(w.values({{"__name__", "since_before"}}) == std::vector<double>{0});
  CHECK(w.values({{"__name__", "since_after"}}) == std::vector<double>{1'700'000'001});
}

TEST_CASE("a new evaluation begins with nothing of the last one") {
  World w;
  w.metrics.add({{"__name__", "up"}}, at(0), 1);
  w.boot({record("r", "sum(up)"), alert("a", "sum(up) > 5")});
  w.evaluate(1);
  w.metrics.add({{"__name__", "up"}, {"n", "2"}}, at(1), 8);
  CHECK(w.evaluate(1) == Story{"save a", "tell a"});
}
