#include "rules/notify/notifier.h"

#include <map>
#include <string>

#include <doctest/doctest.h>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "base/text/json.h"
#include "base/text/text.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::notify {
namespace {

using testing::make_response;

Config paging() {
  Config config;
  Route route;
  route.receiver = "oncall";
  route.group_by = std::vector<std::string>{"alertname"};
  route.group_wait = Duration(5'000);
  route.group_interval = Duration(10'000);
  route.repeat_interval = Duration(3'600'000);
  config.route = route;
  WebhookConfig hook;
  hook.url = "http://127.0.0.1:1/page";
  config.receivers = {{"oncall", {hook}}};
  return config;
}

// The state and the network outlive a notifier, as disk and world outlive a process.
struct World {
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::SeededRng rng{1};
  testing::MemoryState state;
  testing::FakeHttpClient http;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();

  std::unique_ptr<Notifier> start() {
    auto notifier = std::make_unique<Notifier>(
        NotifierOptions{},
        NotifierParts{state, state, state, http, scheduler, executor, rng, *log, *telemetry});
    notifier->load(paging());
    notifier->start();
    return notifier;
  }
  alerts::Alert firing() {
    alerts::Alert alert;
    alert.labels = LabelSet{{"alertname", "ShopDown"}, {"instance", "a"}};
    alert.state = alerts::AlertState::kFiring;
    alert.active_at = from_millis(1'700'000'000'000);
    alert.fired_at = alert.active_at;
    return alert;
  }
  alerts::Alert resolved() {
    alerts::Alert alert = firing();
    alert.state = alerts::AlertState::kInactive;
    alert.resolved_at = clock.now();
    return alert;
  }
  static void tell(Notifier& notifier, const alerts::Alert& alert) {
    notifier.on_alerts("rule", std::span(&alert, 1));
  }
  std::string body(std::size_t call) { return http.calls().at(call).request.body; }
  std::string key(std::size_t call) {
    const HttpHeaders headers = http.calls().at(call).request.headers;
    for (const auto& [name, value] : headers) {
      if (name == "Idempotency-Key") return value;
    }
    return "";
  }
};

}  // namespace

TEST_CASE("a group speaks after group_wait, once, and says resolved after group_interval") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto notifier = world.start();
  world.tell(*notifier, world.firing());
  world.scheduler.run_for(Duration(4'900));
  CHECK(world.http.call_count() == 0);
  world.scheduler.run_for(Duration(200));
  REQUIRE(world.http.call_count() == 1);
  CHECK(world.body(0).find(R"("status":"firing")") != std::string::npos);
  CHECK(world.body(0).find(R"("version":"4")") != std::string::npos);
  world.tell(*notifier, world.firing());
  world.scheduler.run_for(Duration(10'100));
  CHECK(world.http.call_count() == 1);
  world.tell(*notifier, world.resolved());
  world.scheduler.run_for(Duration(10'100));
  REQUIRE(world.http.call_count() == 2);
  CHECK(world.body(1).find(R"("status":"resolved")") != std::string::npos);
  world.scheduler.run_for(Duration(60'000));
  CHECK(world.http.call_count() == 2);
}

TEST_CASE("the URL and the secret that stand in files are read for every page; a page goes out anyway") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  std::map<std::string, std::string> files = {{"/url", "http://new:1/page\n"}, {"/secret", "one\n"}};
  Notifier notifier(NotifierOptions{},
                    NotifierParts{world.state, world.state, world.state, world.http,
                                  world.scheduler, world.executor, world.rng, *world.log,
                                  *world.telemetry,
                                  [&](const std::string& path) -> Result<std::string> {
                                    const auto at = files.find(path);
                                    if (at == files.end()) return Error(ErrorCode::kIo, path);
                                    return at->second;
                                  }});
  Config config = paging();
  WebhookConfig& hook = config.receivers[0].webhook_configs[0];
  hook.url_file = "/url";
  hook.secret = "configured";
  hook.secret_file = "/secret";
  notifier.load(config);
  notifier.start();
  const auto signed_with = [&](std::size_t call, const std::string& secret) {
    const HttpRequest request = world.http.calls().at(call).request;
    std::string id, time, signature;
    for (const auto& [name, value] : request.headers) {
      if (name == "webhook-id") id = value;
      if (name == "webhook-timestamp") time = value;
      if (name == "webhook-signature") signature = value;
    }
    return signature ==
           "v1," + base64_encode(hmac_sha256(secret, id + "." + time + "." + request.body));
  };
  world.tell(notifier, world.firing());
  world.scheduler.run_for(Duration(5'100));
  REQUIRE(world.http.call_count() == 1);
  CHECK(world.http.calls().at(0).request.url == "http://new:1/page");
  CHECK(signed_with(0, "one"));
  files = {{"/url", "http://newer:1/page"}, {"/secret", "two"}};
  world.tell(notifier, world.resolved());
  world.scheduler.run_for(Duration(10'100));
  REQUIRE(world.http.call_count() == 2);
  CHECK(world.http.calls().at(1).request.url == "http://newer:1/page");
  CHECK(signed_with(1, "two"));
  files = {{"/url", " \n"}};  // one empty, one gone
  world.tell(notifier, world.firing());
  world.scheduler.run_for(Duration(20'100));
  REQUIRE(world.http.call_count() == 3);
  CHECK(world.http.calls().at(2).request.url == "http://127.0.0.1:1/page");
  CHECK(signed_with(2, "configured"));
}

TEST_CASE("a page is in the outbox before the first attempt and survives the process") {
  World world;
  std::string first_key;
  {
    const auto notifier = world.start();
    world.tell(*notifier, world.firing());
    world.scheduler.run_for(Duration(5'100));
    REQUIRE(world.http.call_count() == 1);  // held: no answer yet
    REQUIRE(world.state.queued()->size() == 1);
    first_key = world.key(0);
  }
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto notifier = world.start();
  world.tell(*notifier, world.firing());
  world.scheduler.run_for(Duration(30'000));
  REQUIRE(world.http.call_count() == 2);
  CHECK(world.key(1) == first_key);
  CHECK(world.state.queued()->empty());
}

TEST_CASE("a receiver that is down is tried again with backoff and the same key until it answers") {
  World world;
  world.http.set_handler([&](const HttpRequest&) {
    return world.http.call_count() < 4 ? make_response(503) : make_response(200);
  });
  const auto notifier = world.start();
  world.tell(*notifier, world.firing());
  world.scheduler.run_for(Duration(9'000));
  CHECK(world.http.call_count() < 4);
  world.scheduler.run_for(Duration(30'000));
  REQUIRE(world.http.call_count() == 4);
  CHECK(world.key(3) == world.key(0));
  CHECK(notifier->deliveries(10).front().state == storage::DeliveryState::kDelivered);
}

TEST_CASE("paging fails open: what cannot be written down is sent all the same") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto notifier = world.start();
  world.state.fail_with(Error(ErrorCode::kIo, "disk full"));
  world.tell(*notifier, world.firing());
  world.scheduler.run_for(Duration(5'100));
  CHECK(world.http.call_count() == 1);
}

TEST_CASE("a silenced alert is not paged until the silence ends") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto notifier = world.start();
  storage::Silence silence;
  silence.matchers = {Matcher::equal("alertname", "ShopDown")};
  silence.ends_at = world.clock.now() + Duration(60'000);
  silence.created_by = "ana";
  silence.comment = "deploy";
  REQUIRE(notifier->set_silence(silence));
  world.tell(*notifier, world.firing());
  world.scheduler.run_for(Duration(50'000));
  CHECK(world.http.call_count() == 0);
  world.scheduler.run_for(Duration(30'000));
  CHECK(world.http.call_count() == 1);
}

TEST_CASE("a pending alert, and one that never fired, page nobody") {
  World world;
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto notifier = world.start();
  alerts::Alert alert = world.firing();
  alert.state = alerts::AlertState::kPending;
  alert.fired_at = {};
  world.tell(*notifier, alert);
  world.scheduler.run_for(Duration(60'000));
  CHECK(world.http.call_count() == 0);
}

}  // namespace nines::notify
