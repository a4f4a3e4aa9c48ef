// The error budget policy: each crossing is told once, over restarts too.
#include <doctest/doctest.h>

#include "rules/alerts/manager.h"
#include "rules/promql/engine.h"
#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

struct Told {
  std::string receiver, below, key;
  bool firing = false;
};

struct World : Bench {
  std::vector<Told> told;
  double ok = 0, failed = 0;
  std::int64_t second = 0;

  static SloConfig slo() {
    SloConfig out = make_slo();
    out.target_percent = 90;
    PolicyStep half, none;
    half.remaining_below = 0.5;
    half.hysteresis = 0.1;
    half.notify = true;
    half.labels = {{"deploys", "careful"}};
    none.remaining_below = 0;
    none.hysteresis = 0.1;
    none.receivers = {"freeze"};
    none.labels = {{"deploys", "frozen"}};
    out.policy = {half, none};
    return out;
  }
  void start(const SloConfig& config) {
    service = nullptr;
    ServiceParts parts{metrics, metrics, state, scheduler, executor, *log, *telemetry};
    parts.values = &state;
    parts.page = [this](const std::string& receiver, const alerts::Alert& alert,
                        const std::string& key) -> Result<void> {
      told.push_back({receiver, std::string(alert.labels.get("remaining_below")), key,
                      alert.state == alerts::AlertState::kFiring});
      return {};
    };
    service = std::make_unique<Service>(std::move(parts));
    service->load({config});
  }
  // A minute with so many requests.
  void minute(int good, int bad) {
    if (second == 0) {
      metrics.add(series("200"), at(0), 0);
      metrics.add(series("500"), at(0), 0);
    }
    second += 60;
    metrics.add(series("200"), at(second), ok += good);
    metrics.add(series("500"), at(second), failed += bad);
    update(second);
  }
  // The newest sample of the step's series; -1: none.
  double active(const std::string& below) {
    LabelBuilder labels;
    labels.set("__name__", "slo:error_budget_policy:active")
        .set("sloth_id", "shop-shop-availability");
    labels.set("sloth_service", "shop").set("sloth_slo", "shop-availability");
    labels.set("service", "shop").set("slo", "shop-availability").set("remaining_below", below);
    labels.set("deploys", below == "0" ? "frozen" : "careful");
    const SampleColumns columns = metrics.samples(labels.build());
    return columns.size() == 0 ? -1 : columns.values.back();
  }
};

}  // namespace

TEST_CASE("a step begins below its share, and is over when its hysteresis more is left") {
  World w;
  w.start(World::slo());
  w.minute(96, 4);  // 4 of 10 spent
  CHECK(w.active("0.5") == 0);
  w.minute(95, 5);  // 9 of 20
  w.minute(92, 8);  // 17 of 30
  CHECK(w.status(w.second).budget_remaining == doctest::Approx(13.0 / 30));
  CHECK(w.active("0.5") == 1);
  CHECK(w.active("0") == 0);
  REQUIRE(w.status(w.second).policy.size() == 2);
  CHECK(w.status(w.second).policy[0].active);
  CHECK(w.status(w.second).policy[0].since == at(180));
  CHECK_FALSE(w.status(w.second).policy[1].active);
  w.minute(100, 0);  // 17 of 40: 57 % left, not yet 60 %
  CHECK(w.active("0.5") == 1);
  w.minute(100, 0);  // 17 of 50: 66 %
  CHECK(w.active("0.5") == 0);
  CHECK_FALSE(w.status(w.second).policy[0].active);
  CHECK(w.told.empty());
}

TEST_CASE("receivers are told once of each crossing, whatever restarts") {
  World w;
  w.start(World::slo());
  w.minute(80, 20);
  REQUIRE(w.told.size() == 1);
  CHECK(w.told[0].receiver == "freeze");
  CHECK(w.told[0].below == "0");
  CHECK(w.told[0].firing);
  for (int life = 0; life < 3; ++life) {
    w.start(World::slo());
    w.minute(80, 20);
  }
  CHECK(w.told.size() == 1);
  CHECK(w.status(w.second).policy[1].since == at(60));
  for (int i = 0; i < 30; ++i) w.minute(1'000, 0);
  REQUIRE(w.told.size() == 2);
  CHECK_FALSE(w.told[1].firing);
  CHECK(w.told[1].key != w.told[0].key);
  w.start(World::slo());
  w.minute(1'000, 0);
  CHECK(w.told.size() == 2);
  // Another crossing is another message.
  w.minute(0, 40'000);
  REQUIRE(w.told.size() == 3);
  CHECK(w.told[2].firing);
  CHECK(w.told[2].key != w.told[0].key);
}

TEST_CASE("a crash between keeping and telling tells after the restart, under the same key") {
  World w;
  w.start(World::slo());
  w.minute(80, 20);
  REQUIRE(w.told.size() == 1);
  // As the disk would be then: the step is kept, that it was told is not.
  auto stored = **w.state.get_value("slo/policy/shop-availability");
  const auto at_told = stored.rfind("\"told\":true");
  REQUIRE(at_told != std::string::npos);
  stored.replace(at_told, 11, "\"told\":false");
  REQUIRE(w.state.set_value("slo/policy/shop-availability", stored));
  w.start(World::slo());
  w.minute(80, 20);
  REQUIRE(w.told.size() == 2);
  CHECK(w.told[1].key == w.told[0].key);
  CHECK(w.told[1].firing);
}

TEST_CASE("an SLO that is not judged changes no step") {
  World w;
  SloConfig slo = World::slo();
  slo.min_events = 1'000;
  w.start(slo);
  w.minute(0, 100);
  CHECK(w.told.empty());
  CHECK_FALSE(w.status(w.second).policy[1].active);
  w.minute(0, 1'000);
  CHECK(w.told.size() == 1);
}

TEST_CASE("a step that notifies is an alert, from the crossing to its end") {
  World w;
  const SloConfig slo = World::slo();
  promql::Engine engine(w.metrics, w.clock, {});
  alerts::Manager manager(
      {}, {engine, w.metrics, w.state, w.state, w.scheduler, w.executor, *w.log, *w.telemetry, {}});
  REQUIRE(manager.load(Service::alert_groups({slo})));
  w.start(slo);
  w.minute(100, 0);
  manager.evaluate_once(at(w.second));
  CHECK(manager.active_alerts().empty());
  w.minute(50, 50);
  manager.evaluate_once(at(w.second));
  REQUIRE(manager.active_alerts().size() == 1);
  const alerts::Alert alert = manager.active_alerts()[0];
  CHECK(alert.labels.get("alertname") == kPolicyAlert);
  CHECK(alert.labels.get("slo") == "shop-availability");
  CHECK(alert.labels.get("deploys") == "careful");
  CHECK(alert.value == doctest::Approx(w.status(w.second).budget_remaining));
  for (int i = 0; i < 30; ++i) w.minute(1'000, 0);
  manager.evaluate_once(at(w.second));
  CHECK(manager.active_alerts().empty());
}

TEST_CASE("a step's label is on the burn-rate alerts while it holds") {
  World w;
  SloConfig slo = World::slo();
  slo.alerting = {{Duration(300'000), Duration(60'000), 1, "page"}};
  slo.policy[0].labels["severity"] = "critical";  // in place of the row's own
  w.start(slo);
  promql::Engine engine(w.metrics, w.clock, {});
  alerts::Manager manager({}, {engine,
                               w.metrics,
                               w.state,
                               w.state,
                               w.scheduler,
                               w.executor,
                               *w.log,
                               *w.telemetry,
                               {},
                               nullptr});
  REQUIRE(manager.load(Service::alert_groups({slo})));
  const auto burning = [&] {
    manager.evaluate_once(w.clock.now());
    for (const alerts::Alert& alert : manager.active_alerts()) {
      if (alert.labels.get("alertname") == "SLOBurnRate")
        return std::string(alert.labels.get("severity")) + " " +
               std::string(alert.labels.get("deploys"));
    }
    return std::string("quiet");
  };
  for (int i = 0; i < 60; ++i) w.minute(100, 0);
  CHECK(burning() == "quiet");
  w.minute(0, 150);
  CHECK(burning() == "page ");
  w.minute(0, 200);
  CHECK(burning() == "critical careful");
  w.minute(0, 800);
  CHECK(burning() == "critical frozen");
}
