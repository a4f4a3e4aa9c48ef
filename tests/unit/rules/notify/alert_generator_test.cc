// Every requirement of the alert generator specification (version 1.0 of the Prometheus compliance
// project), each by a case of its own. The rules come from YAML as the specification's do, an
// Alertmanager is played, and time is compressed. Where the specification's text and Prometheus
// differ, Prometheus is followed, and the case says so. What is sent, and when, over hours stands
// in alertmanagers_test.cc.
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "rules/alerts/manager.h"
#include "rules/notify/alertmanagers.h"
#include "rules/promql/engine.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/memory_state.h"
#include "tests/support/sim_clock.h"

namespace nines::notify {
namespace {

constexpr Timestamp kStart = from_millis(1'700'000'010'000);
constexpr int kInterval = 30;

Timestamp at(int seconds) {
  return kStart + Duration(std::int64_t{seconds} * 1'000);
}

struct Sent {
  int at = 0;  // seconds after kStart
  Json alert;
  std::string text(std::string_view name) const { return alert[name].as_string(); }
  std::string label(std::string_view name) const { return alert["labels"][name].as_string(); }
  std::string annotation(std::string_view name) const {
    return alert["annotations"][name].as_string();
  }
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
  std::unique_ptr<Alertmanagers> alertmanagers;
  std::unique_ptr<alerts::Manager> manager;

  explicit World(const std::string& rules_yaml) {
    http.set_handler([this](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
      const auto body = Json::parse(request.body);
      REQUIRE(body);
      REQUIRE(body->is_array());  // the payload is an array of alerts
      for (const Json& alert : body->items()) {
        sent.push_back({static_cast<int>((clock.now() - kStart) / Duration(1'000)), alert});
      }
      return testing::make_response(200);
    });
    alertmanagers = std::make_unique<Alertmanagers>(
        AlertmanagersOptions{}, AlertmanagersParts{http, scheduler, *log, *telemetry});
    alertmanagers->load({{"http://receiver:8080/api/v2/alerts", Duration(10'000)}});
    alerts::ManagerOptions options;
    options.evaluation_interval = Duration(60'000);
    options.external_url = "http://nines";
    manager =
        std::make_unique<alerts::Manager>(options, alerts::ManagerParts{engine,
                                                                        metrics,
                                                                        state,
                                                                        state,
                                                                        scheduler,
                                                                        executor,
                                                                        *log,
                                                                        *telemetry,
                                                                        {alertmanagers.get()}});
    auto groups = alerts::parse_rules_yaml("rules.yaml", rules_yaml);
    REQUIRE_MESSAGE(groups, (groups ? "" : groups.error().what()));
    for (const auto& group : *groups) {
      const auto problems = alerts::check_group(group, {});
      REQUIRE_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0]));
    }
    REQUIRE(manager->load(*groups));
  }
  // metric{...labels} has this value from now on; NaN: it ends.
  void set(double value, const std::map<std::string, std::string>& labels = {}) {
    LabelBuilder builder(LabelSet{{"__name__", "metric"}});
    for (const auto& [name, text] : labels) builder.set(name, text);
    values[builder.build()] = value;
  }
  void evaluate(int seconds) {
    scheduler.run_for(at(seconds) - clock.now());
    for (const auto& [labels, value] : values) {
      metrics.add(labels, at(seconds), std::isnan(value) ? stale_nan() : value);
    }
    manager->evaluate_once(at(seconds));
  }
  void evaluate_until(int from, int to) {
    for (int second = from; second <= to; second += kInterval) evaluate(second);
  }
  std::size_t count(const std::string& expr) {
    const auto result = engine.instant(*promql::Query::parse(expr), clock.now());
    REQUIRE(result);
    return std::get<promql::Vector>(result->value).size();
  }
  const alerts::RuleStatus& rule(std::size_t i = 0) {
    status = manager->status();
    return status.at(0).rules.at(i);
  }
  std::string states() {
    std::string out;
    for (const alerts::Alert& alert : manager->active_alerts())
      out += (out.empty() ? "" : " ") + std::string(alerts::to_string(alert.state));
    return out;
  }

  std::map<LabelSet, double> values;
  std::vector<alerts::GroupStatus> status;
};

// One group of one alert on the series `metric`.
std::string one_rule(const std::string& more = "", const std::string& expr = "metric > 10") {
  return "groups:\n- name: g\n  interval: 30s\n  rules:\n  - alert: High\n    expr: " + expr +
         "\n" + more;
}

constexpr double kGone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("rules: YAML and the equivalent JSON are read, with their defaults") {
  World yaml(one_rule());
  World json(
      R"({"groups":[{"name":"g","rules":[{"alert":"High","expr":"metric > 10","labels":{"a":"b"}}]}]})");
  CHECK(yaml.rule().config.hold == Duration::zero());
  CHECK(yaml.rule().config.labels.empty());
  CHECK(json.rule().config.labels.at("a") == "b");
  CHECK(json.manager->status()[0].interval == Duration(60'000));  // 1m where nothing is said
  CHECK(yaml.manager->status()[0].interval == Duration(30'000));
}

TEST_CASE("rules: a group's name is unique in its file") {
  const auto twice = alerts::parse_rules_yaml(
      "f.yaml", "groups:\n- {name: g, rules: []}\n- {name: g, rules: []}\n");
  REQUIRE_FALSE(twice);
  CHECK(twice.error().what().find("twice") != std::string::npos);
}

TEST_CASE("rules: they run in order, and see what earlier ones of the same cycle gave") {
  World w(
      "groups:\n- name: g\n  rules:\n"
      "  - {record: doubled, expr: metric * 2}\n"
      "  - {alert: FromRecord, expr: doubled > 10}\n"
      "  - {alert: FromAlert, expr: 'ALERTS{alertname=\"FromRecord\"}'}\n");
  w.set(6);
  w.evaluate(0);
  REQUIRE(w.sent.size() == 2);
  CHECK(w.sent[0].label("alertname") == "FromRecord");
  CHECK(w.sent[1].label("alertname") == "FromAlert");
}

TEST_CASE(
    "templates: every variable and function of the specification, in labels and annotations") {
  const std::map<std::string, std::string> wanted = {
      {"{{ $value }}", "11"},
      {"{{ $labels.instance }}", "a"},
      {"{{ .Labels.instance }} {{ .Value }}", "a 11"},
      {"{{ humanize 1048576.0 }}", "1.049M"},
      {"{{ humanize1024 1048576.0 }}", "1Mi"},
      {"{{ humanizeDuration 135.3563 }}", "2m 15s"},
      {"{{ humanizePercentage 0.959 }}", "95.9%"},
      {"{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"},
      {"{{ title \"aaa bbB\" }}", "Aaa BbB"},
      {"{{ toUpper \"aB\" }}{{ toLower \"aB\" }}", "ABab"},
      {"{{ stripPort \"[::1]:6006\" }}", "::1"},
      {"{{ stripDomain \"prometheus.io:8080\" }}", "prometheus:8080"},
      {"{{ parseDuration \"2h10m15s\" }}", "7815"},
      {"{{ match \"a+\" \"aa\" }} {{ match \"a+\" \"b\" }}", "true false"},
      {"{{ reReplaceAll \"(a)b\" \"x$1\" \"ab\" }}", "xa"},
      {"{{ define \"x\" }}x{{ . }}{{ end }}{{ template \"x\" 1 }}", "x1"},
      {"{{ with query \"metric\" }}{{ . | first | value }}{{ end }}", "11"},
      {"{{ range query \"metric\" | sortByLabel \"instance\" }}{{ .Labels.instance }}{{ end }}",
       "a"},
      {"{{ query \"metric\" | first | label \"instance\" }}", "a"},
      {"{{ with args 1 2 }}{{ .arg0 }}{{ .arg1 }}{{ end }}", "12"},
      {"{{ printf \"%.2f\" $value }}", "11.00"},
      {"{{ if gt $value 10.0 }}yes{{ else }}no{{ end }}", "yes"},
  };
  std::string labels = "    labels:\n";
  std::string annotations = "    annotations:\n";
  int n = 0;
  for (const auto& [text, value] : wanted) {
    labels += "      l" + std::to_string(n) + ": '" + text + "'\n";
    annotations += "      a" + std::to_string(n++) + ": '" + text + "'\n";
  }
  World w(one_rule(labels + annotations));
  w.set(11, {{"instance", "a"}});
  w.evaluate(0);
  REQUIRE(w.sent.size() == 1);
  n = 0;
  for (const auto& row : wanted) {
    const auto& text = row.first;
    const auto& value = row.second;
    CAPTURE(text);
    CHECK(w.sent[0].label("l" + std::to_string(n)) == value);
    CHECK(w.sent[0].annotation("a" + std::to_string(n++)) == value);
  }
}

TEST_CASE("templates: the functions that may be missing do not make the rules unreadable") {
  World w(
      one_rule("    annotations:\n"
               "      a: '{{ graphLink \"up\" }} {{ tableLink \"up\" }} {{ pathPrefix }}'\n"
               "      b: '{{ externalURL }} {{ $externalLabels.x }} {{ $externalURL }}'\n"
               "      c: '{{ safeHtml \"<b>\" }} {{ query \"metric\" | first | strvalue }}'\n"));
  w.set(11);
  w.evaluate(0);
  REQUIRE(w.sent.size() == 1);
  CHECK(w.sent[0].annotation("a").starts_with("/graph?g0.expr=up"));
  CHECK(w.sent[0].annotation("b") == "http://nines  http://nines");
}

TEST_CASE("evaluation: each element of the vector is one alert with the element's labels") {
  World w(one_rule());
  for (const char* instance : {"a", "b", "c"}) w.set(11, {{"instance", instance}});
  w.set(9, {{"instance", "d"}});
  w.evaluate(0);
  REQUIRE(w.sent.size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(w.sent[i].label("instance") == std::string(1, "abc"[i]));
}

TEST_CASE("evaluation: at the group's interval, never early") {
  World w(one_rule());
  w.manager->start();
  std::vector<Timestamp> seen;
  for (int second = 1; second <= 600; ++second) {
    w.scheduler.run_for(Duration(1'000));
    const Timestamp last = w.manager->status()[0].last_evaluation;
    CHECK(last <= w.clock.now());
    if (last != Timestamp{} && (seen.empty() || seen.back() != last)) seen.push_back(last);
  }
  w.manager->stop();
  CHECK(seen.size() == 20);
  for (std::size_t i = 1; i < seen.size(); ++i) CHECK(seen[i] - seen[i - 1] == Duration(30'000));
}

TEST_CASE("labels: templates see the labels of the query's result only") {
  World w(
      one_rule("    labels: {team: x, seen: '{{ $labels.team }}', instance: '{{ $labels.instance "
               "}}2'}\n    annotations: {seen: '{{ $labels.team }}{{ $labels.instance }}'}\n"));
  w.set(11, {{"instance", "a"}});
  w.evaluate(0);
  REQUIRE(w.sent.size() == 1);
  CHECK(w.sent[0].label("seen").empty());
  CHECK(w.sent[0].label("instance") == "a2");
  CHECK(w.sent[0].annotation("seen") == "a");
}

TEST_CASE("labels: the rule's win over the result's, and alertname over all") {
  World w(one_rule("    labels: {job: rule, alertname: other}\n"));
  w.set(11, {{"job", "scraped"}, {"alertname", "third"}});
  w.evaluate(0);
  REQUIRE(w.sent.size() == 1);
  CHECK(w.sent[0].label("job") == "rule");
  CHECK(w.sent[0].label("alertname") == "High");
}

TEST_CASE("labels: __name__ is dropped, as Prometheus does and not as the text says") {
  World w(one_rule());
  w.set(11);
  w.evaluate(0);
  REQUIRE(w.sent.size() == 1);
  CHECK(w.sent[0].label("__name__").empty());
  CHECK(w.sent[0].alert["labels"].members().size() == 1);
}

TEST_CASE(
    "labels: two results with one label set are an error: nothing sent, nothing written, told") {
  World w(one_rule("    labels: {instance: same}\n"));
  w.set(11, {{"instance", "a"}});
  w.set(11, {{"instance", "b"}});
  w.evaluate_until(0, 120);
  CHECK(w.sent.empty());
  CHECK(w.count("ALERTS") == 0);
  CHECK(w.rule().health == "err");
  CHECK(w.rule().last_error.find("same labelset") != std::string::npos);
}

TEST_CASE("states: pending from the first evaluation on, firing when `for` has passed") {
  World w(one_rule("    for: 60s\n"));
  w.set(11);
  w.evaluate(0);
  CHECK(w.states() == "pending");
  CHECK(w.rule().alerts[0].active_at == at(0));
  w.evaluate(30);
  CHECK(w.states() == "pending");
  CHECK(w.rule().alerts[0].active_at == at(0));
  w.evaluate(60);
  CHECK(w.states() == "firing");
  CHECK(w.rule().alerts[0].active_at == at(0));
}

TEST_CASE("states: without `for` firing at once, without being pending") {
  World w(one_rule());
  w.set(11);
  w.evaluate(0);
  CHECK(w.states() == "firing");
  CHECK(w.count("ALERTS{alertstate=\"pending\"}") == 0);
}

TEST_CASE("states: a `for` below the interval fires at the next evaluation and not between") {
  World w(one_rule("    for: 1s\n"));
  w.set(11);
  w.evaluate(0);
  w.scheduler.run_for(Duration(29'000));
  CHECK(w.sent.empty());
  CHECK(w.states() == "pending");
  w.evaluate(30);
  CHECK(w.states() == "firing");
  REQUIRE(w.sent.size() == 1);
}

TEST_CASE("states: annotations and value are those of the newest evaluation, pending or firing") {
  World w(one_rule("    for: 30s\n    annotations: {v: '{{ $value }}'}\n"));
  for (int i = 0; i < 4; ++i) {
    w.set(11 + i);
    w.evaluate(i * kInterval);
    CHECK(w.rule().alerts[0].annotations.get("v") == std::to_string(11 + i));
    CHECK(w.rule().alerts[0].value == 11 + i);
  }
}

TEST_CASE("states: what is missing from the result is over at once, pending or firing") {
  World w(one_rule("    for: 30s\n"));
  w.set(11);
  w.evaluate(0);
  w.set(9);
  w.evaluate(30);
  CHECK(w.states().empty());
  w.set(11);
  w.evaluate_until(60, 90);
  CHECK(w.states() == "firing");
  w.set(kGone);
  w.evaluate(120);
  CHECK(w.states().empty());
}

TEST_CASE("states: one that comes back is a new alert that waits its `for` again") {
  World w(one_rule("    for: 30s\n"));
  w.set(11);
  w.evaluate_until(0, 30);
  w.set(9);
  w.evaluate(60);
  w.set(11);
  w.evaluate(90);
  CHECK(w.states() == "pending");
  CHECK(w.rule().alerts[0].active_at == at(90));
}

TEST_CASE("ALERTS: one for each pending and firing alert, at the evaluation's time, at once") {
  World w(one_rule("    for: 30s\n    labels: {alertstate: mine, __name__x: y}\n"));
  w.set(11, {{"instance", "a"}});
  w.evaluate(0);
  CHECK(w.count("ALERTS{alertstate=\"pending\",alertname=\"High\",instance=\"a\"} == 1") == 1);
  CHECK(w.count("ALERTS{alertstate=\"mine\"}") == 0);  // its own names win
  w.evaluate(30);
  CHECK(w.count("ALERTS{alertstate=\"firing\"}") == 1);
  CHECK(w.count("ALERTS{alertstate=\"pending\"}") == 0);
  const SampleColumns samples = w.metrics.samples(LabelSet{{"__name__", "ALERTS"},
                                                           {"__name__x", "y"},
                                                           {"alertname", "High"},
                                                           {"alertstate", "firing"},
                                                           {"instance", "a"}});
  REQUIRE(samples.size() == 1);
  CHECK(samples.times[0] == to_millis(at(30)));
  w.set(9, {{"instance", "a"}});
  w.evaluate(60);
  CHECK(w.count("ALERTS") == 0);
}

TEST_CASE("sending: firing and ended alerts only, never pending ones") {
  World w(one_rule("    for: 60s\n"));
  w.set(11);
  w.evaluate_until(0, 30);
  CHECK(w.sent.empty());
  w.set(9);
  w.evaluate_until(60, 120);  // never fired: nothing to take back
  CHECK(w.sent.empty());
}

TEST_CASE("sending: only after evaluations, not because time passes") {
  World w(one_rule());
  w.set(11);
  w.evaluate(0);
  REQUIRE(w.sent.size() == 1);
  w.scheduler.run_for(Duration(3'600'000));
  CHECK(w.sent.size() == 1);
}

TEST_CASE("sending: again at the first evaluation more than the resend delay after the last") {
  World w(one_rule());
  w.set(11);
  w.evaluate_until(0, 300);
  std::vector<int> times;
  for (const Sent& one : w.sent) times.push_back(one.at);
  CHECK(times == std::vector<int>{0, 90, 180, 270});  // strictly more, as Prometheus: 90 s, not 60
}

TEST_CASE("sending: an end is told at once and for fifteen minutes, no longer") {
  World w(one_rule());
  w.set(11);
  w.evaluate(0);
  w.set(9);
  w.evaluate_until(30, 3'600);
  REQUIRE(w.sent.size() > 2);
  CHECK(w.sent[1].at == 30);
  CHECK(w.sent.back().at <= 30 + 900);
  CHECK(w.sent.back().at > 30 + 900 - 90);
  for (std::size_t i = 1; i < w.sent.size(); ++i)
    CHECK(w.sent[i].text("endsAt") == format_time(at(30)));
}

TEST_CASE("sending: an end is told no more once the same labels fire again") {
  World w(one_rule());
  w.set(11);
  w.evaluate(0);
  w.set(9);
  w.evaluate(30);
  w.set(11);
  w.evaluate_until(60, 1'000);
  for (std::size_t i = 2; i < w.sent.size(); ++i) {
    CHECK(w.sent[i].text("startsAt") == format_time(at(60)));
    CHECK(w.sent[i].text("endsAt") > format_time(at(w.sent[i].at)));
  }
}

TEST_CASE("payload: startsAt is when it fired, also of one that has ended") {
  World w(one_rule("    for: 30s\n"));
  w.set(11);
  w.evaluate_until(0, 60);
  w.set(9);
  w.evaluate(90);
  REQUIRE(w.sent.size() == 2);
  for (const Sent& one : w.sent) CHECK(one.text("startsAt") == format_time(at(30)));
}

TEST_CASE(
    "payload: endsAt is four times the longer of resend delay and interval ahead, from the "
    "evaluation as Prometheus counts it") {
  World shorter(one_rule());
  shorter.set(11);
  shorter.evaluate_until(0, 90);
  REQUIRE(shorter.sent.size() == 2);
  CHECK(shorter.sent[0].text("endsAt") == format_time(at(240)));
  CHECK(shorter.sent[1].text("endsAt") == format_time(at(90 + 240)));
  std::string slow = one_rule();
  slow.replace(slow.find("30s"), 3, "2m");
  World longer(slow);
  longer.set(11);
  longer.evaluate(0);
  REQUIRE(longer.sent.size() == 1);
  CHECK(longer.sent[0].text("endsAt") == format_time(at(480)));
}

TEST_CASE("payload: labels always, annotations when there are any, a generatorURL") {
  World w(one_rule("    annotations: {summary: s}\n"));
  w.set(11, {{"instance", "a"}});
  w.evaluate(0);
  REQUIRE(w.sent.size() == 1);
  CHECK(w.sent[0].alert["labels"].members().size() == 2);
  CHECK(w.sent[0].annotation("summary") == "s");
  CHECK(w.sent[0].text("generatorURL") == "http://nines/graph?g0.expr=metric%20%3E%2010&g0.tab=1");
}

TEST_CASE("order: the alerts of one evaluation are sent in the order of the rules") {
  World w(
      "groups:\n- name: g\n  interval: 30s\n  rules:\n"
      "  - {alert: First, expr: metric > 1}\n  - {alert: Second, expr: metric > 2}\n"
      "  - {alert: Third, expr: metric > 3}\n");
  w.set(4);
  w.evaluate(0);
  REQUIRE(w.sent.size() == 3);
  CHECK(w.sent[0].label("alertname") == "First");
  CHECK(w.sent[1].label("alertname") == "Second");
  CHECK(w.sent[2].label("alertname") == "Third");
}

}  // namespace nines::notify
