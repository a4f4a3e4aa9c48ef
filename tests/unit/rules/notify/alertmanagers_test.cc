// The cases of the alert generator specification, played with compressed time against a receiver
// that is an Alertmanager: what is sent, when, and when no more.
#include "rules/notify/alertmanagers.h"

#include <functional>

#include <doctest/doctest.h>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "rules/alerts/manager.h"
#include "rules/promql/engine.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::notify {
namespace {

constexpr Timestamp kStart = from_millis(1'700'000'010'000);  // on a 30 s grid
constexpr std::int64_t kInterval = 30;
const std::string kUrl = "http://am:9093/api/v2/alerts";
const LabelSet kSeries{{"__name__", "metric"}, {"instance", "a"}};

Timestamp at(std::int64_t seconds) {
  return kStart + Duration(seconds * 1'000);
}

struct Sent {
  std::int64_t at = 0;  // seconds after kStart
  Json alert;
};

struct World {
  testing::SimClock clock{kStart};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::MemoryState state;
  testing::MemoryMetrics metrics;
  testing::FakeHttpClient http;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  promql::Engine engine{metrics, clock, {}};
  std::vector<Sent> sent;
  int status = 200;
  std::unique_ptr<Alertmanagers> alertmanagers;
  std::unique_ptr<alerts::Manager> manager;

  World(const alerts::RuleConfig& rule, const LabelSet& external_labels = {}) {
    http.set_handler([this](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
      CHECK(request.method == "POST");
      CHECK(request.url == "http://am:9093/api/v2/alerts");
      const auto body = Json::parse(request.body);
      REQUIRE(body);
      for (const Json& alert : body->items()) {
        sent.push_back({(clock.now() - kStart) / Duration(1'000), alert});
      }
      return testing::make_response(status);
    });
    AlertmanagersOptions options;
    options.external_labels = external_labels;
    alertmanagers = std::make_unique<Alertmanagers>(
        options, AlertmanagersParts{http, scheduler, *log, *telemetry});
    alertmanagers->load({{"http://am:9093/api/v2/alerts", Duration(10'000)}});
    alerts::ManagerOptions rules;
    rules.external_url = "http://nines";
    manager = std::make_unique<alerts::Manager>(rules, alerts::ManagerParts{engine,
                                                                            metrics,
                                                                            state,
                                                                            state,
                                                                            scheduler,
                                                                            executor,
                                                                            *log,
                                                                            *telemetry,
                                                                            {alertmanagers.get()}});
    alerts::GroupConfig group;
    group.file = "f";
    group.name = "g";
    group.interval = Duration(kInterval * 1'000);
    group.rules = {rule};
    REQUIRE(alerts::check_group(group, {}).empty());
    REQUIRE(manager->load({group}));
  }
  // The series has value(t) at every evaluation from `from` to `to`; NaN: no sample.
  void play(std::int64_t from, std::int64_t to, const std::function<double(std::int64_t)>& value) {
    for (std::int64_t second = from; second <= to; second += kInterval) {
      scheduler.run_for(at(second) - clock.now());
      const double v = value(second);
      metrics.add(kSeries, at(second), std::isnan(v) ? stale_nan() : v);
      manager->evaluate_once(at(second));
    }
  }
  std::vector<std::int64_t> times() const {
    std::vector<std::int64_t> out;
    for (const Sent& one : sent) out.push_back(one.at);
    return out;
  }
};

alerts::RuleConfig rule(int hold_seconds) {
  alerts::RuleConfig out;
  out.alert = "High";
  out.expr = "metric > 10";
  out.hold = Duration(hold_seconds * 1'000);
  out.labels = {{"severity", "page"}};
  out.annotations = {{"value", "{{ $value }}"}};
  return out;
}

std::function<double(std::int64_t)> high_between(std::int64_t from, std::int64_t to) {
  return [=](std::int64_t t) { return t >= from && t < to ? 11.0 : 1.0; };
}

std::string text(const Json& alert, const char* name) {
  return alert[name].as_string();
}

using Times = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("an Alertmanager's metrics are there from the beginning, and go with it") {
  World w(rule(0));
  const auto shows = [&](const std::string& name, const char* value) {
    return w.telemetry->text().find("prometheus_notifications_" + name + "{alertmanager=\"" + kUrl +
                                    "\"} " + value) != std::string::npos;
  };
  for (const char* name : {"sent_total", "errors_total", "dropped_total", "queue_length"}) {
    CAPTURE(name);
    CHECK(shows(name, "0\n"));
  }
  CHECK(shows("queue_capacity", "10000\n"));
  w.play(0, 30, [](std::int64_t) { return 11.0; });
  CHECK(shows("sent_total", "1\n"));
  CHECK(shows("latency_seconds_count", "1\n"));
  CHECK(shows("queue_length", "0\n"));
  w.alertmanagers->load({});
  CHECK_FALSE(shows("sent_total", ""));
}

TEST_CASE("without `for` an alert is sent at once, again every 90 s, and ends for 15 minutes") {
  World w(rule(0));
  w.play(0, 3'600, high_between(60, 360));
  // Resending waits for more than a minute: on a grid of 30 s that is 90 s. Then resolved at 360.
  CHECK(w.times() ==
        Times{60, 150, 240, 330, 360, 450, 540, 630, 720, 810, 900, 990, 1'080, 1'170, 1'260});
  for (const Sent& one : w.sent) {
    CHECK(text(one.alert, "startsAt") == format_time(at(60)));
    CHECK(text(one.alert, "endsAt") == format_time(one.at < 360 ? at(one.at + 4 * 60) : at(360)));
  }
}

TEST_CASE("a pending alert is not sent, and starts when it fires") {
  World w(rule(60));
  w.play(0, 600, high_between(30, 100'000));
  REQUIRE(w.sent.size() >= 2);
  CHECK(w.sent[0].at == 90);
  CHECK(text(w.sent[0].alert, "startsAt") == format_time(at(90)));
  CHECK(w.sent[1].at == 180);
}

TEST_CASE("a `for` shorter than the interval fires at the next evaluation, never between") {
  World w(rule(10));
  w.play(0, 90, high_between(30, 100'000));
  CHECK(w.times() == Times{60});
}

TEST_CASE("a condition that goes away while pending is never heard of") {
  World w(rule(120));
  w.play(0, 900, high_between(30, 120));
  CHECK(w.sent.empty());
}

TEST_CASE("an alert that comes back is a new one, and the old one's end is told no more") {
  World w(rule(0));
  w.play(0, 600, [](std::int64_t t) { return (t >= 30 && t < 90) || t >= 150 ? 11.0 : 1.0; });
  CHECK(w.times() == Times{30, 90, 150, 240, 330, 420, 510, 600});
  CHECK(text(w.sent[1].alert, "endsAt") == format_time(at(90)));
  CHECK(text(w.sent[2].alert, "startsAt") == format_time(at(150)));
}

TEST_CASE("a series that ends resolves its alert") {
  World w(rule(0));
  w.play(0, 180, [](std::int64_t t) { return t < 120 ? 11.0 : std::nan(""); });
  CHECK(w.times() == Times{0, 90, 120});
  CHECK(text(w.sent[2].alert, "endsAt") == format_time(at(120)));
}

TEST_CASE("labels and annotations of the payload are the expanded ones of this evaluation") {
  World w(rule(0), LabelSet{{"region", "eu"}, {"severity", "none"}});
  w.play(0, 90, [](std::int64_t t) { return 20.0 + static_cast<double>(t); });
  REQUIRE(w.sent.size() == 2);
  const Json& labels = w.sent[0].alert["labels"];
  CHECK(labels.members().size() == 4);  // no __name__
  CHECK(labels["alertname"].as_string() == "High");
  CHECK(labels["instance"].as_string() == "a");
  CHECK(labels["severity"].as_string() == "page");  // its own wins over the external one
  CHECK(labels["region"].as_string() == "eu");
  CHECK(w.sent[0].alert["annotations"]["value"].as_string() == "20");
  CHECK(w.sent[1].alert["annotations"]["value"].as_string() == "110");
  CHECK(text(w.sent[0].alert, "generatorURL").starts_with("http://nines/graph?g0.expr=metric"));
}

TEST_CASE("ALERTS stands in the store as soon as the evaluation is over") {
  World w(rule(60));
  const auto is = [&](const char* state_name) {
    const auto query =
        *promql::Query::parse("ALERTS{alertstate=\"" + std::string(state_name) + "\"}");
    const auto result = *w.engine.instant(query, w.clock.now());
    return std::get<promql::Vector>(result.value).size();
  };
  w.play(0, 0, high_between(30, 200));
  CHECK(is("pending") + is("firing") == 0);
  w.play(30, 60, high_between(30, 200));
  CHECK(is("pending") == 1);
  w.play(90, 90, high_between(30, 200));
  CHECK(is("pending") == 0);
  CHECK(is("firing") == 1);
  w.play(120, 210, high_between(30, 200));
  CHECK(is("firing") == 0);
}

TEST_CASE("two results with the same labels are an error that sends nothing") {
  alerts::RuleConfig same = rule(0);
  same.labels["instance"] = "";
  World w(same);
  w.metrics.add(kSeries.with("instance", "b"), at(0), 11);
  w.play(0, 120, high_between(0, 1'000));
  CHECK(w.sent.empty());
  CHECK(w.manager->status()[0].rules[0].health == "err");
}

TEST_CASE("an Alertmanager that is down hears the newest state when it is back") {
  World w(rule(0));
  w.status = 503;
  w.play(0, 30, high_between(0, 45));
  w.play(60, 60, high_between(0, 45));  // resolved
  CHECK(w.telemetry->text().find("prometheus_notifications_errors_total{alertmanager=\"" + kUrl +
                                 "\"} 0") == std::string::npos);
  w.status = 200;
  w.sent.clear();
  w.scheduler.run_for(Duration(6'000));
  REQUIRE(w.sent.size() == 1);
  CHECK(text(w.sent[0].alert, "endsAt") == format_time(at(60)));
  w.scheduler.run_for(Duration(20'000));
  CHECK(w.sent.size() == 1);
}

TEST_CASE("each Alertmanager sees alerts as relabelled for it, with its credentials") {
  alerts::RuleConfig rule;
  rule.alert = "Down";
  rule.expr = "metric > 0";
  World world(rule, {{"region", "eu"}});
  AlertmanagerConfig one{"http://am:9093/api/v2/alerts", Duration(10'000)};
  std::vector<std::string> authorized;
  one.prepare = [&](HttpRequest& request) {
    request.headers.emplace_back("Authorization", "Bearer x");
    authorized.push_back(request.url);
  };
  one.relabel = [](const LabelSet& labels) -> std::optional<LabelSet> {
    if (labels.get("instance") == "b") return std::nullopt;
    return labels.with("seen", labels.get("region"));
  };
  world.alertmanagers->load({one});
  world.metrics.add(kSeries, at(0), 1);
  world.metrics.add({{"__name__", "metric"}, {"instance", "b"}}, at(0), 1);
  world.manager->evaluate_once(at(0));
  world.scheduler.run_for(Duration(1'000));
  REQUIRE(world.sent.size() == 1);
  CHECK(world.sent[0].alert["labels"]["instance"].as_string() == "a");
  CHECK(world.sent[0].alert["labels"]["seen"].as_string() == "eu");
  CHECK(authorized.size() == 1);
}

TEST_CASE("a full queue loses the oldest, and counts it") {
  testing::SimClock clock(kStart);
  testing::SimScheduler scheduler(clock);
  testing::FakeHttpClient http;  // never answers
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  AlertmanagersOptions options;
  options.queue_max = 2;
  options.batch_max = 1;
  Alertmanagers sink(options, {http, scheduler, *log, *telemetry});
  sink.load({{"http://am/api/v2/alerts", Duration(1'000)}});
  const auto tell = [&](const char* instance) {
    alerts::Alert alert;
    alert.labels = LabelSet{{"alertname", "A"}, {"instance", instance}};
    alert.state = alerts::AlertState::kFiring;
    alert.fired_at = kStart;
    sink.on_alerts("rule", std::span(&alert, 1));
  };
  for (const char* instance : {"a", "b", "c"}) tell(instance);  // a is under way
  CHECK(telemetry->text().find(
            "notifications_dropped_total{alertmanager=\"http://am/api/v2/alerts\"} 0\n") !=
        std::string::npos);
  tell("d");
  CHECK(telemetry->text().find(
            "notifications_dropped_total{alertmanager=\"http://am/api/v2/alerts\"} 1") !=
        std::string::npos);
}

}  // namespace nines::notify
