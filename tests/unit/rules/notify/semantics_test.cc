// What Alertmanager's users expect of routes, groups, deduplication, inhibition and outages.
#include <map>

#include <doctest/doctest.h>

#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "base/text/json.h"
#include "rules/notify/internal/groups.h"
#include "rules/notify/internal/route_tree.h"
#include "rules/notify/notifier.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::notify {
namespace {

using testing::make_response;

constexpr Duration kSecond{1'000};
constexpr Timestamp kStart = from_millis(1'700'000'000'000);

struct World {
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::SeededRng rng{1};
  testing::MemoryState state;
  testing::FakeHttpClient http;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  NotifierOptions options;
  Config config;

  World() {
    Route route;
    route.receiver = "oncall";
    route.group_by = std::vector<std::string>{"alertname"};
    route.group_wait = 5 * kSecond;
    route.group_interval = 10 * kSecond;
    route.repeat_interval = 3'600 * kSecond;
    config.route = route;
    for (const char* name : {"oncall", "db", "audit"}) {
      WebhookConfig hook;
      hook.url = std::string("http://127.0.0.1:1/") + name;
      config.receivers.push_back({name, {hook}});
    }
    http.set_handler([](const HttpRequest&) { return make_response(200); });
  }
  std::unique_ptr<Notifier> make() {
    return std::make_unique<Notifier>(options, NotifierParts{state, state, state, http, scheduler,
                                                             executor, rng, *log, *telemetry});
  }
  std::unique_ptr<Notifier> start() {
    auto notifier = make();
    notifier->load(config);
    notifier->start();
    return notifier;
  }
  alerts::Alert firing(const std::string& name, const std::string& instance,
                       const std::string& severity = "page") const {
    alerts::Alert alert;
    alert.labels = LabelSet{{"alertname", name}, {"instance", instance}, {"severity", severity}};
    alert.state = alerts::AlertState::kFiring;
    alert.active_at = alert.fired_at = kStart;
    return alert;
  }
  alerts::Alert over(alerts::Alert alert) const {
    alert.state = alerts::AlertState::kInactive;
    alert.resolved_at = clock.now();
    return alert;
  }
  static void tell(Notifier& notifier, const std::vector<alerts::Alert>& alerts) {
    notifier.on_alerts("rule", alerts);
  }
  struct Heard {
    std::string receiver, status;
    std::map<std::string, std::string> alerts;  // by instance: firing | resolved
  };
  std::vector<Heard> heard() {
    std::vector<Heard> out;
    for (const auto& call : http.calls()) {
      const auto json = Json::parse(call.request.body);
      REQUIRE(json);
      Heard one{(*json)["receiver"].as_string(), (*json)["status"].as_string(), {}};
      for (const Json& alert : (*json)["alerts"].items()) {
        one.alerts[alert["labels"]["instance"].as_string()] = alert["status"].as_string();
      }
      out.push_back(std::move(one));
    }
    return out;
  }
};

using Alerts = std::map<std::string, std::string>;

Route child(const std::string& receiver, const char* name, const char* value) {
  Route route;
  route.receiver = receiver;
  route.matchers = {Matcher::equal(name, value)};
  return route;
}

std::vector<std::string> receivers_of(const Route& root, const LabelSet& labels) {
  std::vector<std::string> out;
  const auto tree = build_route_tree(root);
  for (const RouteNode* node : matching_routes(*tree, labels)) out.push_back(node->receiver);
  return out;
}

}  // namespace

TEST_CASE("the first matching child takes an alert, `continue` lets siblings have it too") {
  Route root;
  root.receiver = "all";
  Route db = child("db", "team", "db");
  db.routes = {child("db-page", "severity", "page")};
  Route audit = child("audit", "audited", "yes");
  audit.continue_matching = true;
  root.routes = {audit, db, child("late", "team", "db")};
  CHECK(receivers_of(root, {{"team", "web"}}) == std::vector<std::string>{"all"});
  CHECK(receivers_of(root, {{"team", "db"}}) == std::vector<std::string>{"db"});
  CHECK(receivers_of(root, {{"severity", "page"}, {"team", "db"}}) ==
        std::vector<std::string>{"db-page"});
  CHECK(receivers_of(root, {{"audited", "yes"}, {"team", "db"}}) ==
        std::vector<std::string>{"audit", "db"});
  CHECK(receivers_of(root, {{"audited", "yes"}}) == std::vector<std::string>{"audit"});
}

TEST_CASE("a route without settings of its own has those of its parent") {
  Route root;
  root.receiver = "all";
  root.group_by = std::vector<std::string>{"job"};
  root.group_wait = 7 * kSecond;
  Route inner = child("", "team", "db");
  inner.group_interval = 11 * kSecond;
  inner.routes = {child("", "severity", "page")};
  root.routes = {inner};
  const auto tree = build_route_tree(root);
  const RouteNode& leaf = *tree->children.at(0)->children.at(0);
  CHECK(leaf.receiver == "all");
  CHECK(leaf.group_by == std::vector<std::string>{"job"});
  CHECK(leaf.group_wait == 7 * kSecond);
  CHECK(leaf.group_interval == 11 * kSecond);
  CHECK(leaf.repeat_interval == 4 * 3'600 * kSecond);
  CHECK(leaf.key == R"({}/{team="db"}/{severity="page"})");
}

TEST_CASE("the notification log decides: new, taken back, repeated, or nothing to say") {
  const Timestamp now = kStart;
  const Duration repeat = 100 * kSecond;
  const auto told = [&](std::vector<std::uint64_t> firing, std::vector<std::uint64_t> resolved,
                        Duration ago) {
    return storage::NotificationLogEntry{"r", "g", std::move(firing), std::move(resolved),
                                         now - ago};
  };
  const auto needed = [&](const std::optional<storage::NotificationLogEntry>& last,
                          const std::vector<std::uint64_t>& firing,
                          const std::vector<std::uint64_t>& resolved, bool send_resolved = true) {
    return needs_notification(last, firing, resolved, send_resolved, repeat, now);
  };
  CHECK(needed(std::nullopt, {1}, {}));
  CHECK_FALSE(needed(std::nullopt, {}, {1}));
  CHECK_FALSE(needed(told({1}, {}, kSecond), {1}, {}));
  CHECK(needed(told({1}, {}, kSecond), {1, 2}, {}));
  CHECK(needed(told({1, 2}, {}, kSecond), {1}, {2}));
  CHECK_FALSE(needed(told({1, 2}, {}, kSecond), {1}, {2}, false));
  CHECK_FALSE(needed(told({1}, {2}, kSecond), {1}, {2}));
  CHECK(needed(told({1}, {}, kSecond), {}, {1}));
  CHECK_FALSE(needed(told({}, {1}, kSecond), {}, {1}));
  CHECK(needed(told({1}, {}, repeat), {1}, {}));
  CHECK_FALSE(needed(told({1}, {}, repeat - Duration(1)), {1}, {}));
  CHECK_FALSE(needed(told({}, {1}, repeat), {}, {1}));
  // 1 fires and is silenced; that 2, which nobody knows, ended, is no news.
  CHECK_FALSE(needed(told({1}, {}, kSecond), {}, {2}));
}

TEST_CASE("while an alert goes on firing it is told again after repeat_interval") {
  World world;
  const auto notifier = world.start();
  for (int minute = 0; minute < 121; ++minute) {
    world.tell(*notifier, {world.firing("Down", "a")});
    world.scheduler.run_for(60 * kSecond);
  }
  CHECK(world.http.call_count() == 3);  // at once, after one hour, after two
}

TEST_CASE("one alert of a group that ends is said to be over, the rest still fires") {
  World world;
  const auto notifier = world.start();
  const auto a = world.firing("Down", "a");
  const auto b = world.firing("Down", "b");
  world.tell(*notifier, {a, b});
  world.scheduler.run_for(6 * kSecond);
  world.tell(*notifier, {a, world.over(b)});
  world.scheduler.run_for(30 * kSecond);
  const auto heard = world.heard();
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].alerts == Alerts{{"a", "firing"}, {"b", "firing"}});
  CHECK(heard[1].status == "firing");
  CHECK(heard[1].alerts == Alerts{{"a", "firing"}, {"b", "resolved"}});
}

TEST_CASE("a silenced alert is not over because another of its group is") {
  World world;
  const auto notifier = world.start();
  const auto a = world.firing("Down", "a");
  const auto b = world.firing("Down", "b");
  world.tell(*notifier, {a});
  world.scheduler.run_for(6 * kSecond);
  REQUIRE(world.http.call_count() == 1);
  storage::Silence silence;
  silence.matchers = {Matcher::equal("alertname", "Down")};
  silence.ends_at = world.clock.now() + 25 * kSecond;
  silence.created_by = "ana";
  silence.comment = "looking at it";
  REQUIRE(notifier->set_silence(silence));
  world.tell(*notifier, {a, b});
  world.scheduler.run_for(20 * kSecond);
  world.tell(*notifier, {a, world.over(b)});
  world.scheduler.run_for(40 * kSecond);
  CHECK(world.http.call_count() == 1);  // nobody was told of b, and a fires on
}

TEST_CASE("after a restart a group of which half has been told takes nobody for over") {
  World world;
  const auto a = world.firing("Down", "a");
  const auto b = world.firing("Down", "b");
  alerts::Alert b_over = b;
  {
    const auto notifier = world.start();
    world.tell(*notifier, {a, b});
    world.scheduler.run_for(6 * kSecond);
    b_over = world.over(b);
    world.tell(*notifier, {a, b_over});
    world.scheduler.run_for(11 * kSecond);
    REQUIRE(world.http.call_count() == 2);
  }
  const auto notifier = world.start();
  world.tell(*notifier, {b_over});  // its rule speaks first
  world.scheduler.run_for(12 * kSecond);
  world.tell(*notifier, {a, b_over});
  world.scheduler.run_for(60 * kSecond);
  CHECK(world.http.call_count() == 2);
}

TEST_CASE("an end that is told after a restart leaves the unheard rest as it was") {
  World world;
  const auto a = world.firing("Down", "a");
  const auto b = world.firing("Down", "b");
  {
    const auto notifier = world.start();
    world.tell(*notifier, {a, b});
    world.scheduler.run_for(6 * kSecond);
    REQUIRE(world.http.call_count() == 1);
  }
  const auto notifier = world.start();
  world.tell(*notifier, {world.over(b)});
  world.scheduler.run_for(12 * kSecond);
  world.tell(*notifier, {a});
  world.scheduler.run_for(60 * kSecond);
  const auto heard = world.heard();
  REQUIRE(heard.size() == 2);
  CHECK(heard[1].alerts == Alerts{{"b", "resolved"}});
}

TEST_CASE("an alert inhibits those it explains, by equal labels, and never itself") {
  World world;
  world.config.inhibit_rules = {{{Matcher::equal("alertname", "HostDown")},
                                 {Matcher::equal("severity", "page")},
                                 {"instance"}}};
  const auto notifier = world.start();
  world.tell(*notifier, {world.firing("HostDown", "a"), world.firing("AppDown", "a"),
                         world.firing("AppDown", "b")});
  world.scheduler.run_for(6 * kSecond);
  const auto heard = world.heard();
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].alerts == Alerts{{"a", "firing"}});  // HostDown
  CHECK(heard[1].alerts == Alerts{{"b", "firing"}});  // AppDown
  std::size_t inhibited = 0;
  for (const AlertStatus& status : notifier->alerts()) inhibited += status.inhibited_by.size();
  CHECK(inhibited == 1);
  world.tell(*notifier, {world.over(world.firing("HostDown", "a"))});
  world.scheduler.run_for(12 * kSecond);
  CHECK(world.http.call_count() == 4);  // HostDown is over, AppDown of a speaks
}

TEST_CASE("external labels count for routes and silences, and stand in the payload") {
  World world;
  world.options.external_labels = LabelSet{{"region", "eu-1"}};
  world.config.route->routes = {child("db", "region", "eu-1")};
  const auto notifier = world.start();
  world.tell(*notifier, {world.firing("Down", "a")});
  world.scheduler.run_for(6 * kSecond);
  REQUIRE(world.http.call_count() == 1);
  CHECK(world.heard()[0].receiver == "db");
  CHECK(world.http.calls()[0].request.body.find(R"("region":"eu-1")") != std::string::npos);
  storage::Silence silence;
  silence.matchers = {Matcher::equal("region", "eu-1")};
  silence.ends_at = world.clock.now() + 3'600 * kSecond;
  silence.created_by = "ana";
  silence.comment = "move";
  REQUIRE(notifier->set_silence(silence));
  CHECK(notifier->alerts().at(0).silenced_by.size() == 1);
  CHECK(notifier->alerts().at(0).receivers == std::vector<std::string>{"db"});
}

TEST_CASE("a receiver that is down shows in metrics and deliveries, and hears every last state") {
  World world;
  bool up = false;
  world.http.set_handler([&](const HttpRequest&) { return make_response(up ? 200 : 503); });
  const auto notifier = world.start();
  const auto a = world.firing("Down", "a");
  const auto b = world.firing("Down", "b");
  world.tell(*notifier, {a, b});
  world.scheduler.run_for(60 * kSecond);
  CHECK(world.telemetry->text().find("nines_notifications_queued 1") != std::string::npos);
  CHECK(notifier->deliveries(1).at(0).state == storage::DeliveryState::kQueued);
  CHECK(notifier->deliveries(1).at(0).last_error == "HTTP 503");
  world.tell(*notifier, {a, world.over(b)});
  world.scheduler.run_for(20 * kSecond);
  for (int i = 0; i < 60; ++i) {  // c comes and goes all the while
    world.tell(*notifier, {a, world.firing("Down", "c")});
    world.scheduler.run_for(10 * kSecond);
    world.tell(*notifier, {a, world.over(world.firing("Down", "c"))});
    world.scheduler.run_for(10 * kSecond);
  }
  CHECK(world.http.call_count() < 300);
  const std::size_t before = world.http.call_count();
  up = true;
  world.scheduler.run_for(400 * kSecond);
  const auto heard = world.heard();
  Alerts last;
  for (std::size_t i = before; i < heard.size(); ++i) {
    for (const auto& [instance, status] : heard[i].alerts) last[instance] = status;
  }
  CHECK(last == Alerts{{"a", "firing"}, {"b", "resolved"}, {"c", "resolved"}});
  CHECK(heard.size() - before <= 4);
  CHECK(world.telemetry->text().find("nines_notifications_queued 0") != std::string::npos);
}

TEST_CASE("an escalation is in the outbox when the call returns, and lasts over a crash") {
  World world;
  world.http.set_handler({});
  {
    const auto notifier = world.start();
    REQUIRE(notifier->page_directly("db", world.firing("Down", "a"), "run-1"));
    REQUIRE(world.state.queued()->size() == 1);
  }
  world.http.set_handler([](const HttpRequest&) { return make_response(200); });
  const auto notifier = world.start();
  world.scheduler.run_for(kSecond);
  CHECK(world.state.queued()->empty());
  CHECK(notifier->page_directly("nobody", world.firing("Down", "a"), "run-1").error().code() ==
        ErrorCode::kNotFound);
}

TEST_CASE("a silence outlives a restart, ends in time, and is forgotten after its retention") {
  World world;
  std::string id;
  {
    const auto notifier = world.start();
    storage::Silence silence;
    silence.matchers = {Matcher::equal("alertname", "Down")};
    silence.ends_at = world.clock.now() + 60 * kSecond;
    silence.created_by = "ana";
    silence.comment = "deploy";
    id = *notifier->set_silence(silence);
  }
  const auto notifier = world.start();
  world.tell(*notifier, {world.firing("Down", "a")});
  world.scheduler.run_for(59 * kSecond);
  CHECK(world.http.call_count() == 0);
  world.scheduler.run_for(12 * kSecond);
  CHECK(world.http.call_count() == 1);
  CHECK(notifier->silences().size() == 1);
  world.tell(*notifier, {world.firing("Other", "a")});
  world.scheduler.run_for(world.options.silence_retention + 7'200 * kSecond);
  CHECK(notifier->silences().empty());
  CHECK(world.state.load_silences()->empty());
}

TEST_CASE("a page to a receiver is written down once for its key, also after a restart") {
  World world;
  for (int life = 0; life < 2; ++life) {
    const auto notifier = world.start();
    REQUIRE(notifier->page_directly("db", world.firing("Down", "a"), "slo/shop/1"));
    REQUIRE(notifier->page_directly("db", world.firing("Down", "a"), "slo/shop/1"));
    world.scheduler.run_for(kSecond);
  }
  CHECK(world.http.call_count() == 1);
  const auto notifier = world.start();
  REQUIRE(notifier->page_directly("db", world.firing("Down", "a"), "slo/shop/2"));
  world.scheduler.run_for(kSecond);
  CHECK(world.http.call_count() == 2);
}

TEST_CASE("alerts that a maintenance concerns are quiet until it is over, others are not") {
  World world;  // kStart is 22:13:20
  maintenance::Maintenance work;
  work.name = "db-upgrade";
  work.matchers = {Matcher::equal("instance", "db")};
  work.start = *parse_local_time("2023-11-14 22:13:00");
  work.duration = 120 * kSecond;  // until 100 s after kStart
  REQUIRE(maintenance::prepare(work));
  world.config.maintenance = {work};
  const auto notifier = world.start();
  world.tell(*notifier, {world.firing("Slow", "db"), world.firing("Down", "web")});
  world.scheduler.run_for(99 * kSecond);
  REQUIRE(world.heard().size() == 1);
  CHECK(world.heard()[0].alerts == Alerts{{"web", "firing"}});
  for (const AlertStatus& one : notifier->alerts()) {
    CHECK((one.alert.labels.get("instance") == "db") ==
          (one.silenced_by == std::vector<std::string>{"maintenance/db-upgrade"}));
  }
  world.scheduler.run_for(20 * kSecond);
  REQUIRE(world.heard().size() == 2);
  CHECK(world.heard()[1].alerts == Alerts{{"db", "firing"}});
  // Without the effect it silences nobody.
  work.silences = false;
  work.duration = 3'600 * kSecond;
  REQUIRE(maintenance::prepare(work));
  world.config.maintenance = {work};
  notifier->load(world.config);
  world.tell(*notifier, {world.firing("Other", "db")});
  world.scheduler.run_for(10 * kSecond);
  CHECK(world.heard().size() == 3);
}

}  // namespace nines::notify
