#include "rules/remediation/remediator.h"

#include <map>
#include <string>

#include <doctest/doctest.h>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "base/text/text.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::remediation {
namespace {

using storage::RunState;
using testing::make_response;

struct World {
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemoryState state;
  testing::MemoryMetrics metrics;
  testing::FakeHttpClient http;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  promql::Engine engine{metrics, clock, {}};
  std::vector<std::string> escalated;
  std::map<std::string, std::string> files;

  static RemediationConfig config() {
    RemediationConfig c;
    c.name = "restart";
    c.matchers = {Matcher::equal("alertname", "ShopDown")};
    c.mode = Mode::kAuto;
    c.action.url = "http://127.0.0.1:1/restart";
    c.verify.expr = "up == 1";
    c.verify.hold = Duration(5'000);
    c.verify.timeout = Duration(30'000);
    c.on_failure_receiver = "oncall";
    return c;
  }
  std::unique_ptr<Remediator> start(const RemediationConfig& c = config()) {
    auto remediator = std::make_unique<Remediator>(RemediatorParts{
        engine, state, state, http, scheduler, executor, *log, *telemetry,
        [this](const std::string& receiver, const alerts::Alert&, const std::string&,
               const std::string&) { escalated.push_back(receiver); },
        [this](const std::string& path) -> Result<std::string> {
          const auto at = files.find(path);
          if (at == files.end()) return Error(ErrorCode::kIo, path);
          return at->second;
        }});
    remediator->load({c});
    remediator->start();
    return remediator;
  }
  void tell(Remediator& remediator) {
    alerts::Alert alert;
    alert.labels = LabelSet{{"alertname", "ShopDown"}, {"instance", "a"}};
    alert.state = alerts::AlertState::kFiring;
    alert.active_at = alert.fired_at = from_millis(1'700'000'000'000);
    remediator.on_alerts("rule", std::span(&alert, 1));
  }
  void set_up(double value) { metrics.add(LabelSet{{"__name__", "up"}}, clock.now(), value); }
};

}  // namespace

TEST_CASE("an action whose expression holds for long enough is verified and escalates to nobody") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto remediator = world.start();
  world.set_up(1);
  world.tell(*remediator);
  REQUIRE(world.http.call_count() == 1);
  world.scheduler.run_for(Duration(6'500));
  CHECK(remediator->runs(1).at(0).state == RunState::kVerified);
  CHECK(world.escalated.empty());
}

TEST_CASE("the URL and the secret that stand in files are read for every action") {
  for (const bool there : {true, false}) {
    World world;
    world.http.set_handler([](const HttpRequest&) { return make_response(200); });
    RemediationConfig config = World::config();
    config.action.url_file = "/url";
    config.action.secret = "configured";
    config.action.secret_file = "/secret";
    const auto remediator = world.start(config);
    if (there) world.files = {{"/url", "http://new:1/act\n"}, {"/secret", "now\n"}};
    world.tell(*remediator);
    REQUIRE(world.http.call_count() == 1);
    const HttpRequest request = world.http.calls().at(0).request;
    CHECK(request.url == (there ? "http://new:1/act" : config.action.url));
    std::string id, time, signature;
    for (const auto& [name, value] : request.headers) {
      if (name == "webhook-id") id = value;
      if (name == "webhook-timestamp") time = value;
      if (name == "webhook-signature") signature = value;
    }
    CHECK(signature ==
          "v1," + base64_encode(hmac_sha256(there ? "now" : "configured",
                                            id + "." + time + "." + request.body)));
  }
}

TEST_CASE("nothing is done while a maintenance keeps remediation still, and all is after it") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto remediator = world.start();
  maintenance::Maintenance work;
  work.name = "upgrade";
  work.matchers = {Matcher::equal("alertname", "ShopDown")};
  work.start = LocalTime(Timestamp(std::chrono::floor<std::chrono::minutes>(world.clock.now()))
                             .time_since_epoch());
  work.duration = Duration(300'000);
  REQUIRE(maintenance::prepare(work));
  remediator->load({World::config()}, {work});
  world.set_up(0);
  world.tell(*remediator);
  CHECK(world.http.call_count() == 0);
  CHECK(remediator->status().at(0).last_reason.find("maintenance \"upgrade\" is under way") !=
        std::string::npos);
  world.scheduler.run_for(Duration(300'000));
  world.tell(*remediator);
  CHECK(world.http.call_count() == 1);
  work.stops_remediation = false;
  remediator->load({World::config()}, {work});
}

TEST_CASE("an action that did not help escalates, and the cooldown holds the next one back") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto remediator = world.start();
  world.set_up(0);
  world.tell(*remediator);
  world.scheduler.run_for(Duration(32'000));
  CHECK(remediator->runs(1).at(0).state == RunState::kFailed);
  CHECK(world.escalated == std::vector<std::string>{"oncall"});
  world.tell(*remediator);
  CHECK(world.http.call_count() == 1);
  world.scheduler.run_for(Duration(300'000));
  world.tell(*remediator);
  CHECK(world.http.call_count() == 2);
}

TEST_CASE("without an intent on disk there is no action") {
  World world;
  const auto remediator = world.start();
  world.state.fail_with(Error(ErrorCode::kIo, "disk full"));
  world.tell(*remediator);
  CHECK(world.http.call_count() == 0);
}

TEST_CASE("what a crash left open is verified and never repeated") {
  World world;
  {
    const auto remediator = world.start();
    world.tell(*remediator);
    REQUIRE(world.http.call_count() == 1);  // held: killed before the answer
  }
  const auto remediator = world.start();
  world.tell(*remediator);
  world.scheduler.run_for(Duration(32'000));
  CHECK(world.http.call_count() == 1);
  CHECK(remediator->runs(1).at(0).state == RunState::kUnknown);
  CHECK(world.escalated == std::vector<std::string>{"oncall"});
}

TEST_CASE("a person is told before a run counts as over, so that no crash loses the escalation") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(500); });
  std::vector<RunState> open_at_escalation;
  Remediator remediator(
      {world.engine, world.state, world.state, world.http, world.scheduler, world.executor,
       *world.log, *world.telemetry,
       [&](const std::string&, const alerts::Alert&, const std::string& key, const std::string&) {
         CHECK_FALSE(key.empty());
         const auto unfinished = world.state.unfinished_runs();
         REQUIRE(unfinished);
         for (const auto& run : *unfinished) open_at_escalation.push_back(run.state);
       }});
  remediator.load({World::config()});
  remediator.start();
  world.tell(remediator);
  CHECK(open_at_escalation == std::vector<RunState>{RunState::kActed});
  CHECK(remediator.runs(1).at(0).state == RunState::kFailed);
}

TEST_CASE("the kill switch holds every action") {
  World world;
  const auto remediator = world.start();
  REQUIRE(remediator->set_stopped(true, "ana"));
  world.tell(*remediator);
  CHECK(world.http.call_count() == 0);
  CHECK(remediator->runs(1).at(0).state == RunState::kSkipped);
}

TEST_CASE("a dry run acts on nothing") {
  World world;
  RemediationConfig config = World::config();
  config.mode = Mode::kDryRun;
  const auto remediator = world.start(config);
  world.tell(*remediator);
  CHECK(world.http.call_count() == 0);
}

TEST_CASE("matchers that match everything, and auto without verification, are refused") {
  RemediationConfig config = World::config();
  CHECK(check_remediation(config, {}).empty());
  config.verify.expr.clear();
  CHECK(check_remediation(config, {}).size() == 1);
  config = World::config();
  config.matchers.clear();
  CHECK(check_remediation(config, {}).size() == 1);
}

}  // namespace nines::remediation
