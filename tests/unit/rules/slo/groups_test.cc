// One SLO for each value of a label.
#include <doctest/doctest.h>

#include "rules/alerts/manager.h"
#include "rules/promql/engine.h"
#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

SloConfig by_code_class(std::vector<BurnWindow> alerting = {}) {
  SloConfig slo = make_slo(std::move(alerting));
  slo.group_by = {"route"};
  return slo;
}

LabelSet of_route(const std::string& route, const std::string& code = "200") {
  return series(code).with("route", route);
}

std::string group(const std::string& route) {
  return "shop-availability{route=\"" + route + "\"}";
}

}  // namespace

TEST_CASE("the name of a group can be read back, whatever the value") {
  SloConfig slo = by_code_class();
  slo.group_by = {"a", "b"};
  for (const char* value : {"x", "", "/cart?q=\"1\"", "back\\slash", "new\nline", "}", "\",b=\""}) {
    const LabelSet labels{{"a", value}, {"b", "y"}};
    const auto back = group_of(slo, group_name(slo, labels));
    REQUIRE_MESSAGE(back, value);
    CHECK(*back == labels);
  }
  CHECK(group_name(slo, {{"a", "x"}}) == "shop-availability{a=\"x\",b=\"\"}");
  for (const char* wrong :
       {"shop-availability", "shop-availability{}", "shop-availability{a=\"x\"}",
        "shop-availability{a=\"x\",b=\"y\"} ", "other{a=\"x\",b=\"y\"}",
        "shop-availability{b=\"x\",a=\"y\"}", "shop-availability{a=\"x,b=\"y\"}"}) {
    CHECK_MESSAGE(!group_of(slo, wrong), wrong);
  }
}

TEST_CASE("each value has its own ledger, also the one that is not there") {
  Bench b;
  b.boot({by_code_class()});
  for (const auto& [second, step] : {std::pair(0, 0.0), std::pair(60, 1.0)}) {
    b.metrics.add(of_route("cart"), at(second), 90 * step);
    b.metrics.add(of_route("cart", "500"), at(second), 10 * step);
    b.metrics.add(of_route("pay"), at(second), 7 * step);
    b.metrics.add(series("200"), at(second), 3 * step);
  }
  b.update(60);
  CHECK(b.minute(0, group("cart")).valid == 100);
  CHECK(b.minute(0, group("cart")).good == 90);
  CHECK(b.minute(0, group("pay")).valid == 7);
  CHECK(b.minute(0, group("")).valid == 3);
  CHECK(b.service->status(at(60)).size() == 3);
  CHECK(b.status(60, group("cart")).state == "breached");
  CHECK(b.status(60, group("pay")).state == "ok");
  CHECK(b.status(60, group("pay")).config.group == LabelSet{{"route", "pay"}});
  const auto whole = b.service->status("shop-availability", at(60));
  REQUIRE_FALSE(whole);
  CHECK(std::string(whole.error().what()).find("each group") != std::string::npos);
  const auto grouped = b.service->grouped();
  REQUIRE(grouped.size() == 1);
  CHECK(grouped[0].groups == 3);
  CHECK(grouped[0].refused == 0);
  const SampleColumns left = b.metrics.samples({{"__name__", "slo:objective:ratio"},
                                                {"route", "cart"},
                                                {"service", "shop"},
                                                {"slo", group("cart")},
                                                {"slo_definition", "shop-availability"},
                                                {"sloth_id", "shop-" + group("cart")},
                                                {"sloth_service", "shop"},
                                                {"sloth_slo", group("cart")}});
  CHECK(left.size() == 1);
}

TEST_CASE("new values appear by themselves, and all are there after a restart") {
  Bench b;
  b.boot({by_code_class()});
  b.metrics.add(of_route("cart"), at(0), 0);
  b.metrics.add(of_route("cart"), at(60), 5);
  b.update(60);
  b.metrics.add(of_route("pay"), at(75), 2);  // younger than its target: counts from zero
  b.metrics.add(of_route("cart"), at(120), 5);
  b.update(120);
  CHECK(b.minute(1, group("pay")).valid == 2);
  b.boot({by_code_class()});
  CHECK(b.status(120, group("cart")).valid == 5);
  CHECK(b.status(120, group("pay")).valid == 2);
  b.metrics.add(of_route("pay"), at(180), 9);
  b.update(180);
  CHECK(b.status(180, group("pay")).valid == 9);
}

TEST_CASE("past max_groups a value is refused, counted once, and may come in when there is room") {
  for (const std::size_t max : {2u, 3u}) {
    Bench b;
    SloConfig slo = by_code_class();
    slo.max_groups = max;
    slo.window = Duration(3'600'000);
    b.boot({slo});
    for (int minute = 0; minute <= 3; ++minute) {
      for (const char* route : {"a", "b", "c"})
        b.metrics.add(of_route(route), at(minute * 60), minute);
      b.update(minute * 60);
    }
    const auto grouped = b.service->grouped().at(0);
    CHECK(grouped.groups == max);
    CHECK(grouped.refused == (max == 2 ? 1 : 0));
    if (max == 3) continue;
    CHECK(grouped.refused_examples == std::vector<std::string>{group("c")});
    CHECK(b.telemetry->counter("nines_slo_groups_refused_total", "").value() == 1);
    CHECK_FALSE(b.service->status(group("c"), at(180)));
    // Two days later only c is left: the vanished ones make room, and stay in the ledger.
    const std::int64_t later = 2 * 86'400;
    for (int minute = 0; minute <= 4; ++minute) {
      b.metrics.add(of_route("c"), at(later + minute * 60), 10 + minute);
      b.update(later + minute * 60);
    }
    CHECK(b.status(later + 240, group("c")).valid > 0);
    CHECK_FALSE(b.service->status(group("a"), at(later)));
    CHECK(*b.state.last_minute(group("a")) == kFirstMinute + 2);
  }
}

TEST_CASE("one rule pages for each group, those to come included") {
  Bench b;
  promql::Engine engine(b.metrics, b.clock, {});
  alerts::Manager manager(
      {}, {engine, b.metrics, b.state, b.state, b.scheduler, b.executor, *b.log, *b.telemetry, {}});
  SloConfig slo = by_code_class({{Duration(3'600'000), Duration(300'000), 14.4, "page"}});
  slo.min_events = 10;
  const auto groups = Service::alert_groups({slo});
  for (const std::string& problem : alerts::check_group(groups.at(0), {})) FAIL_CHECK(problem);
  REQUIRE(manager.load(groups));
  b.boot({slo});
  for (int minute = 0; minute <= 10; ++minute) {
    b.metrics.add(of_route("cart", "500"), at(minute * 60), minute * 10);
    b.metrics.add(of_route("pay"), at(minute * 60), minute * 10);
    b.update(minute * 60);
  }
  manager.evaluate_once(at(600));
  const auto active = manager.active_alerts();
  REQUIRE(active.size() == 1);
  CHECK(active[0].labels.get("slo") == group("cart"));
  CHECK(active[0].labels.get("route") == "cart");
  CHECK(active[0].labels.get("service") == "shop");
}

TEST_CASE("a rebuild of a grouped SLO counts all its groups again") {
  Bench b;
  b.boot({by_code_class()});
  for (int minute = 0; minute <= 10; ++minute)
    b.metrics.add(of_route("cart"), at(minute * 60), minute * 10);
  b.update(600);
  b.metrics.add(of_route("cart", "500"), at(90), 0);
  b.metrics.add(of_route("cart", "500"), at(110), 4);
  b.metrics.add(of_route("pay"), at(90), 0);
  b.metrics.add(of_route("pay"), at(110), 6);
  b.update(660);
  REQUIRE(b.service->rebuild("shop-availability", at(60)));
  CHECK(b.minute(1, group("cart")).valid == 14);
  CHECK(b.minute(1, group("cart")).good == 10);
  CHECK(b.minute(1, group("pay")).valid == 6);
  CHECK(b.status(660, group("pay")).valid == 6);
}

TEST_CASE("what cannot be grouped by is refused") {
  const auto problems = [](std::vector<std::string> labels, std::size_t max = 100) {
    SloConfig slo = make_slo();
    slo.group_by = std::move(labels);
    slo.max_groups = max;
    return check_slo(slo, {}).size();
  };
  CHECK(problems({"service"}) == 0);
  for (const char* label :
       {"", "a-b", "__name__", "le", "slo", "sloth_id", "severity", "alertname"})
    CHECK_MESSAGE(problems({label}) == 1, label);
  CHECK(problems({"a"}, 1) == 0);
  CHECK(problems({"a"}, 10'000) == 0);
  CHECK(problems({"a"}, 0) == 1);
  CHECK(problems({"a"}, 10'001) == 1);
}
