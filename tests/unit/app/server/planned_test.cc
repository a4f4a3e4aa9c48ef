// Maintenance that people add and end while nines runs: what it does to budgets and remediation.
#include "app/config/planned.h"

#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "rules/maintenance/calendar.h"
#include "rules/remediation/remediator.h"
#include "rules/slo/service.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/mem_fs.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

using namespace nines;
using maintenance::Maintenance;

namespace {

constexpr std::int64_t kFirstMinute = 28'333'334;
constexpr Timestamp kStart = from_millis(kFirstMinute * 60'000);
Timestamp at(std::int64_t seconds) {
  return kStart + Duration(seconds * 1'000);
}

const std::string kConfig = R"(
[builtin]
rules = false
slo = false
[[maintenance]]
name = "fixed"
matchers = ['service="web"']
starts_at = "2020-01-01 02:00:00"
duration = "1h"
[[slos]]
name = "db"
service = "db"
objectives = [{ target_percent = 90, name = "most" }, { target_percent = 50, name = "half" }]
alerting = { preset = "none" }
indicator = { boolean_metric = { metric = "up" } }
[[slos]]
name = "web"
service = "web"
objectives = [{ target_percent = 90 }]
alerting = { preset = "none" }
indicator = { boolean_metric = { metric = "up" } }
[[remediations]]
name = "restart"
matchers = ['alertname="Down"']
mode = "auto"
action = { webhook = { url = "http://127.0.0.1:1/" } }
limits = { cooldown = "1m", max_per_hour = 100 }
verify = { expr = "up == 1", for = "1s", timeout = "5s" }
)";

// What Parts joins, on a clock that stands still until it is moved.
struct World {
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemoryMetrics metrics;
  testing::MemoryState state;
  testing::FakeHttpClient http;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  promql::Engine engine{metrics, clock, {}};
  config::Config given;
  std::unique_ptr<maintenance::Calendar> calendar;
  std::unique_ptr<slo::Service> slos;
  std::unique_ptr<remediation::Remediator> remediator;

  World() {
    testing::MemFs fs;
    auto read = config::load_text(fs, "n.toml", kConfig);
    REQUIRE_MESSAGE(read, (read ? "" : read.error().what()));
    given = *std::move(read);
    http.set_handler([](const HttpRequest&) { return testing::make_response(200); });
    start();
  }
  void start() {
    remediator = nullptr;
    slos = nullptr;
    calendar = std::make_unique<maintenance::Calendar>(state, clock);
    REQUIRE(calendar->recall());
    slos = std::make_unique<slo::Service>(slo::ServiceParts{
        metrics, metrics, state, scheduler, executor, *log, *telemetry, nullptr, &state});
    remediator = std::make_unique<remediation::Remediator>(remediation::RemediatorParts{
        engine, state, state, http, scheduler, executor, *log, *telemetry,
        [](const auto&, const auto&, const auto&, const auto&) {}});
    apply();
    remediator->start();
  }
  void apply() {
    config::Config config = given;
    config::add_planned(config, calendar->added());
    slos->load(config.slos);
    remediator->load(config.remediations, config.maintenance);
  }
  void plan(const std::string& name, std::int64_t from, std::int64_t minutes,
            bool excludes = true) {
    Maintenance work;
    work.name = name;
    work.matchers = {Matcher::equal("service", "db"), Matcher::equal("slo", "db")};
    work.start = LocalTime(at(from).time_since_epoch());
    work.duration = Duration(minutes * 60'000);
    work.excludes = excludes;
    REQUIRE(maintenance::prepare(work));
    REQUIRE(calendar->add(work));
    apply();
  }
  // One bad event in each minute.
  void run_to(std::int64_t minute) {
    while (clock.now() < at(minute * 60)) {
      scheduler.run_for(Duration(30'000));
      metrics.add({{"__name__", "up"}}, clock.now(), 0);
      scheduler.run_for(Duration(30'000));
      REQUIRE(slos->update(clock.now()));
    }
  }
  // good, valid, excluded, left out
  storage::LedgerMinute minute(std::int64_t index, const std::string& slo = "db-most") {
    const auto rows = slos->minutes(slo, kStart - Duration(60'000), at(86'400));
    REQUIRE_MESSAGE(rows, (rows ? "" : rows.error().what()));
    for (const auto& row : *rows) {
      if (row.minute == kFirstMinute + index) return row;
    }
    return {0, 0, -1, 0};
  }
  bool is_left_out(std::int64_t index, const std::string& slo = "db-most") {
    const storage::LedgerMinute row = minute(index, slo);
    CHECK(row.valid == (row.is_excluded ? 0 : 1));
    CHECK(row.excluded == (row.is_excluded ? 1 : 0));
    return row.is_excluded;
  }
  std::size_t acted(const std::string& service) {
    alerts::Alert alert;
    alert.labels = LabelSet{{"alertname", "Down"}, {"service", service}, {"slo", service}};
    alert.state = alerts::AlertState::kFiring;
    alert.active_at = alert.fired_at = clock.now();
    remediator->on_alerts("rule", std::span(&alert, 1));
    return http.call_count();
  }
};

}  // namespace

TEST_CASE("added maintenance leaves out its minutes at once, until it is ended, over a restart") {
  World w;
  w.run_to(5);
  w.plan("upgrade", 300, 60);
  w.run_to(8);
  w.start();
  w.run_to(10);
  REQUIRE(w.calendar->end("upgrade"));
  w.apply();
  w.run_to(15);
  for (std::int64_t minute = 0; minute < 15; ++minute) {
    CAPTURE(minute);
    CHECK(w.is_left_out(minute) == (minute >= 5 && minute < 10));
    CHECK(w.is_left_out(minute, "db-half") == (minute >= 5 && minute < 10));
    CHECK_FALSE(w.is_left_out(minute, "web"));
  }
  // Counted again from nothing but what is kept: the same.
  w.start();
  REQUIRE(w.slos->rebuild("db-most", kStart));
  for (std::int64_t minute = 0; minute < 15; ++minute)
    CHECK(w.is_left_out(minute) == (minute >= 5 && minute < 10));
}

TEST_CASE("maintenance that is told afterwards leaves out the minutes that were counted") {
  World w;
  w.run_to(20);
  w.plan("forgotten", 5 * 60, 3);
  w.run_to(26);
  for (std::int64_t minute = 0; minute < 26; ++minute) {
    CAPTURE(minute);
    CHECK(w.is_left_out(minute) == (minute >= 5 && minute < 8));
    CHECK_FALSE(w.is_left_out(minute, "web"));
  }
}

TEST_CASE("series of an SLO go on when maintenance is added") {
  World w;
  w.run_to(10);
  w.plan("later", 3'600, 5);
  w.run_to(12);
  const LabelSet burn{{"__name__", "slo:period_burn_rate:ratio"},
                      {"service", "db"},
                      {"sloth_id", "db-db-most"},
                      {"sloth_service", "db"},
                      {"sloth_slo", "db-most"},
                      {"slo", "db-most"}};
  const SampleColumns samples = w.metrics.samples(burn);
  REQUIRE(samples.size() == 12);
  for (const double value : samples.values) CHECK_FALSE(is_stale_nan(value));
}

TEST_CASE("only maintenance with the effect is left out of budgets") {
  World w;
  w.plan("quiet", 0, 60, false);
  w.run_to(3);
  CHECK_FALSE(w.is_left_out(1));
}

TEST_CASE("added maintenance keeps remediation still, and ending it lets it go on") {
  World w;
  w.plan("upgrade", 0, 60);
  CHECK(w.acted("db") == 0);
  CHECK(w.remediator->status().at(0).last_reason.find("\"upgrade\" is under way") !=
        std::string::npos);
  w.start();
  CHECK(w.acted("db") == 0);
  CHECK(w.acted("web") == 1);  // it does not concern it
  w.run_to(5);
  REQUIRE(w.calendar->end("upgrade"));
  w.apply();
  CHECK(w.acted("db") == 2);
}
