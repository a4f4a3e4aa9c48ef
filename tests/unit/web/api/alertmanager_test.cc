#include <doctest/doctest.h>

#include "base/text/json.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/web/api/ask.h"
#include "web/api/internal/families.h"

namespace nines::web {
namespace {

constexpr Timestamp kNow = from_millis(1'700'000'000'000);

alerts::Alert firing(std::string name, std::string severity) {
  alerts::Alert alert;
  alert.labels = {{"alertname", std::move(name)}, {"severity", std::move(severity)}};
  alert.state = alerts::AlertState::kFiring;
  alert.active_at = alert.fired_at = kNow;
  alert.valid_for = Duration(240'000);
  alert.rule = "rule " + std::string(alert.labels.get("alertname"));
  return alert;
}

struct World {
  World() {
    notify::Config config;
    config.receivers = {{"oncall", {}}, {"mail", {}}};
    config.route.emplace();
    config.route->receiver = "oncall";
    notifier.load(config);
    notifier.start();
    for (const alerts::Alert& alert : {firing("Down", "page"), firing("Slow", "ticket")}) {
      notifier.on_alerts(alert.rule, std::span(&alert, 1));
    }
    add_alertmanager(router, {clock, notifier, [] {
                                RuntimeInfo info;
                                info.config_toml = "# empty";
                                return info;
                              }});
  }
  ~World() { notifier.stop(); }

  Response silence(const std::string& end, const std::string& matchers) const {
    return ask("POST", "/api/v2/silences", {},
               R"({"matchers":[)" + matchers + R"(],"startsAt":"2023-11-14T22:13:20Z","endsAt":")" +
                   end + R"(","createdBy":"me","comment":"work"})");
  }

  testing::SimClock clock{kNow};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::SeededRng rng{1};
  testing::MemoryState state;
  testing::FakeHttpClient http;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  notify::Notifier notifier{
      {}, {state, state, state, http, scheduler, executor, rng, *log, *telemetry}};
  Router router;
  testing::Ask ask{router};
};

std::size_t count_of(const Response& response) {
  const Result<Json> json = Json::parse(response.body);
  REQUIRE(json);
  return json->items().size();
}

constexpr const char* kDown = R"({"name":"alertname","value":"Down","isRegex":false})";
constexpr const char* kLater = "2023-11-14T23:13:20Z";

TEST_CASE("status has what amtool and karma ask for") {
  World w;
  const Result<Json> status = Json::parse(w.ask.get("/api/v2/status").body);
  REQUIRE(status);
  CHECK((*status)["cluster"]["status"].as_string() == "disabled");
  CHECK((*status)["config"]["original"].as_string() == "# empty");
  CHECK((*status)["versionInfo"].members().size() == 6);
  CHECK(w.ask.get("/api/v2/receivers").body == R"([{"name":"oncall"},{"name":"mail"}])");
}

TEST_CASE("alerts are listed with their state and can be filtered") {
  World w;
  const Response all = w.ask.get("/api/v2/alerts");
  REQUIRE(count_of(all) == 2);
  CHECK(all.body.find(R"("status":{"state":"active")") != std::string::npos);
  CHECK(all.body.find(R"("receivers":[{"name":"oncall"}])") != std::string::npos);
  CHECK(count_of(w.ask.get("/api/v2/alerts", {{"filter", "severity=\"page\""}})) == 1);
  CHECK(count_of(w.ask.get("/api/v2/alerts", {{"receiver", "on.*"}})) == 2);
  CHECK(count_of(w.ask.get("/api/v2/alerts", {{"receiver", "mail"}})) == 0);
  CHECK(count_of(w.ask.get("/api/v2/alerts", {{"active", "false"}})) == 0);
  const Response bad = w.ask.get("/api/v2/alerts", {{"filter", "severity=~\"(\""}});
  CHECK(bad.status == 400);
  CHECK(bad.body.starts_with('"'));
}

TEST_CASE("a silence lives from POST to DELETE, and suppresses meanwhile") {
  World w;
  const Response made = w.silence(kLater, kDown);
  CHECK(made.status == 200);
  const Result<Json> json = Json::parse(made.body);
  REQUIRE(json);
  const std::string id = (*json)["silenceID"].as_string();
  REQUIRE_FALSE(id.empty());
  const Response shown = w.ask.get("/api/v2/silence/" + id);
  CHECK(shown.body.find(R"("status":{"state":"active"})") != std::string::npos);
  CHECK(shown.body.find(R"({"name":"alertname","value":"Down","isRegex":false,"isEqual":true})") !=
        std::string::npos);
  CHECK(count_of(w.ask.get("/api/v2/alerts", {{"silenced", "false"}})) == 1);
  CHECK(count_of(w.ask.get("/api/v2/silences", {{"filter", "alertname=\"Down\""}})) == 1);
  CHECK(count_of(w.ask.get("/api/v2/silences", {{"filter", "alertname=\"Up\""}})) == 0);
  CHECK(w.ask("DELETE", "/api/v2/silence/" + id).status == 200);
  CHECK(w.ask.get("/api/v2/silence/" + id).body.find("expired") != std::string::npos);
  CHECK(count_of(w.ask.get("/api/v2/alerts", {{"silenced", "false"}})) == 2);
}

TEST_CASE("a silence that cannot be is refused with a bare JSON string") {
  World w;
  for (const Response& r :
       {w.silence("soon", kDown), w.silence(kLater, ""), w.silence("2023-11-14T21:13:20Z", kDown),
        w.ask("POST", "/api/v2/silences", {}, "not JSON")}) {
    CHECK(r.status == 400);
    CHECK(r.body.starts_with('"'));
  }
  CHECK(w.ask.get("/api/v2/silence/none").status == 404);
  CHECK(w.ask("DELETE", "/api/v2/silence/none").status == 404);
}

TEST_CASE("pages of other sites can neither make nor end a silence") {
  World w;
  for (const char* method : {"POST", "DELETE"}) {
    const std::string path =
        std::string("/api/v2/") + (method[0] == 'P' ? "silences" : "silence/x");
    CHECK(w.ask(method, path, {}, "{}", {{"sec-fetch-site", "cross-site"}}).status == 403);
  }
}

}  // namespace
}  // namespace nines::web
