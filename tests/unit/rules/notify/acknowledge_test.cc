// An acknowledged alert is not told again only because time passes; everything else still is.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "base/text/json.h"
#include "rules/notify/notifier.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::notify {
namespace {

constexpr Duration kMinute{60'000};
constexpr Timestamp kStart = from_millis(1'700'000'000'000);

// Everything but the notifier outlives a restart.
struct World {
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::SeededRng rng{1};
  testing::MemoryState state;
  testing::FakeHttpClient http;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  std::unique_ptr<Notifier> notifier;
  std::vector<alerts::Alert> firing;

  World() {
    http.set_handler([](const HttpRequest&) { return testing::make_response(200); });
    start();
  }
  void start() {
    notifier = nullptr;
    notifier = std::make_unique<Notifier>(
        NotifierOptions{},
        NotifierParts{state, state, state, http, scheduler, executor, rng, *log, *telemetry});
    Config config;
    config.route.emplace();
    config.route->receiver = "oncall";
    config.route->group_by = std::vector<std::string>{"alertname"};
    config.route->group_wait = Duration(1'000);
    config.route->group_interval = kMinute;
    config.route->repeat_interval = 10 * kMinute;
    WebhookConfig hook;
    hook.url = "http://pager/";
    config.receivers.push_back({"oncall", {hook}});
    notifier->load(config);
    notifier->start();
    // As rule evaluation does after a restart: told_at is zero.
    notifier->on_alerts("rule", firing);
  }
  alerts::Alert fire(const std::string& instance) {
    alerts::Alert alert;
    alert.labels = LabelSet{{"alertname", "Down"}, {"instance", instance}};
    alert.state = alerts::AlertState::kFiring;
    alert.active_at = alert.fired_at = clock.now();
    firing.push_back(alert);
    return alert;
  }
  // Minutes of evaluations; how many messages were sent meanwhile.
  std::size_t pass(int minutes) {
    const std::size_t before = http.call_count();
    for (int i = 0; i < minutes; ++i) {
      for (alerts::Alert& alert : firing) {
        alert.told_at = clock.now();
        notifier->on_alerts("rule", std::span(&alert, 1));
        alert.told_at = Timestamp{};
      }
      scheduler.run_for(kMinute);
    }
    return http.call_count() - before;
  }
  void end_all() {
    for (alerts::Alert& alert : firing) {
      alert.state = alerts::AlertState::kInactive;
      alert.resolved_at = clock.now();
      alert.told_at = clock.now();
      notifier->on_alerts("rule", std::span(&alert, 1));
    }
    firing.clear();
  }
  std::vector<std::string> kinds(const std::string& episode) {
    std::vector<std::string> out;
    const auto events = *state.events(episode);
    for (const auto& event : events) out.push_back(event.kind);
    return out;
  }
  std::string last_status() {
    return (*Json::parse(http.calls().back().request.body))["status"].as_string();
  }
};

Acknowledgement by(const std::string& name, Timestamp expires = Timestamp{}) {
  return {name, "on it", Timestamp{}, expires};
}

}  // namespace

TEST_CASE("while somebody works on it, an alert is not repeated; its end is told") {
  World w;
  const std::string episode = w.fire("a").episode();
  CHECK(w.pass(1) == 1);
  CHECK(w.pass(30) == 3);  // repeat_interval
  REQUIRE(w.notifier->acknowledge(episode, by("ada")));
  CHECK(w.pass(120) == 0);
  REQUIRE(w.notifier->alerts().size() == 1);
  REQUIRE(w.notifier->alerts()[0].acknowledged);
  CHECK(w.notifier->alerts()[0].acknowledged->by == "ada");
  w.end_all();
  CHECK(w.pass(2) == 1);
  CHECK(w.last_status() == "resolved");
  CHECK_FALSE(w.notifier->acknowledgement(episode));
}

TEST_CASE("an acknowledgement is kept over restarts") {
  World w;
  const std::string episode = w.fire("a").episode();
  w.pass(1);
  REQUIRE(w.notifier->acknowledge(episode, by("ada", kStart + 24 * 60 * kMinute)));
  for (int restart = 0; restart < 5; ++restart) {
    w.start();
    const auto kept = w.notifier->acknowledgement(episode);
    REQUIRE(kept);
    CHECK(kept->by == "ada");
    CHECK(kept->comment == "on it");
    CHECK(kept->at == kStart + kMinute);
    CHECK(kept->expires_at == kStart + 24 * 60 * kMinute);
    CHECK(w.pass(25) == 0);
  }
  // One that was taken back stays so.
  REQUIRE(w.notifier->withdraw_acknowledgement(episode, "bob"));
  w.start();
  CHECK_FALSE(w.notifier->acknowledgement(episode));
  CHECK(w.pass(25) >= 2);
}

TEST_CASE("a new alert of the group is told all the same, and the group is repeated again") {
  World w;
  const std::string episode = w.fire("a").episode();
  w.pass(1);
  REQUIRE(w.notifier->acknowledge(episode, by("ada")));
  CHECK(w.pass(30) == 0);
  w.fire("b");
  CHECK(w.pass(2) == 1);
  CHECK(w.pass(30) == 3);  // nobody works on b
}

TEST_CASE("an acknowledgement ends when it expires, and when the alert does") {
  World w;
  const std::string episode = w.fire("a").episode();
  w.pass(1);
  REQUIRE(w.notifier->acknowledge(episode, by("ada", w.clock.now() + 30 * kMinute)));
  CHECK(w.pass(29) == 0);
  CHECK(w.pass(12) >= 1);
  CHECK_FALSE(w.notifier->acknowledgement(episode));
  REQUIRE(w.notifier->acknowledge(episode, by("bob")));
  w.end_all();
  w.pass(2);
  const std::string second = w.fire("a").episode();  // the same labels, another episode
  CHECK(second != episode);
  CHECK(w.pass(1) == 1);
  CHECK_FALSE(w.notifier->acknowledgement(second));
  CHECK(w.pass(30) == 3);
}

TEST_CASE("the incident tells who acknowledged, and who took it back") {
  World w;
  const std::string episode = w.fire("a").episode();
  w.pass(1);
  REQUIRE(w.notifier->acknowledge(episode, by("ada")));
  REQUIRE(w.notifier->withdraw_acknowledgement(episode, "bob"));
  const auto kinds = w.kinds(episode);
  CHECK(std::count(kinds.begin(), kinds.end(), "acknowledged") == 1);
  CHECK(std::count(kinds.begin(), kinds.end(), "unacknowledged") == 1);
  const auto events = *w.state.events(episode);
  for (const auto& event : events) {
    if (event.kind == "acknowledged") CHECK(event.text == "ada works on Down: on it");
  }
}

TEST_CASE("what cannot be acknowledged is refused, and what cannot be written does not count") {
  World w;
  const std::string episode = w.fire("a").episode();
  w.pass(1);
  CHECK(w.notifier->acknowledge("nowhere", by("ada")).error().code() == ErrorCode::kNotFound);
  CHECK(w.notifier->acknowledge(episode, by("")).error().code() == ErrorCode::kInvalid);
  CHECK(w.notifier->acknowledge(episode, by("ada", w.clock.now())).error().code() ==
        ErrorCode::kInvalid);
  CHECK(w.notifier->withdraw_acknowledgement(episode, "ada").error().code() ==
        ErrorCode::kNotFound);
  w.state.fail_with(Error(ErrorCode::kIo, "disk"));
  CHECK(w.notifier->acknowledge(episode, by("ada")).error().code() == ErrorCode::kIo);
  CHECK_FALSE(w.notifier->acknowledgement(episode));
  w.state.heal();
  CHECK(w.notifier->acknowledge(episode, by("ada", w.clock.now() + Duration(1))));
  CHECK(w.notifier->withdraw_acknowledgement(episode, "").error().code() == ErrorCode::kInvalid);
}

}  // namespace nines::notify
