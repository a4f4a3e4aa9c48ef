// What the service says about an SLO, and when its alerts fire.

#include <cmath>

#include <doctest/doctest.h>

#include "rules/alerts/manager.h"
#include "rules/promql/engine.h"
#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

const LabelSet kLabels{{"service", "shop"},
                       {"slo", "shop-availability"},
                       {"sloth_id", "shop-shop-availability"},
                       {"sloth_service", "shop"},
                       {"sloth_slo", "shop-availability"}};

double last(const Bench& b, const std::string& name, const std::string& window = "") {
  const SampleColumns samples =
      b.metrics.samples(kLabels.with("__name__", name).with("sloth_window", window));
  REQUIRE_MESSAGE(samples.size() > 0, name);
  return samples.values.back();
}

// Writes ledger rows straight away: `bad` of `valid` events in each of the minutes [from, to).
void fill(Bench& b, std::int64_t from, std::int64_t to, double valid, double bad) {
  std::vector<storage::LedgerMinute> rows;
  for (std::int64_t m = from; m < to; ++m)
    rows.push_back({kFirstMinute + m, valid - bad, valid, 0});
  REQUIRE(b.state.write_minutes("shop-availability", rows));
}

}  // namespace

TEST_CASE("without events the budget is whole and the state says no_data") {
  Bench b;
  b.boot({make_slo(google_30d())});
  b.update(60);
  const SloStatus s = b.status(60);
  CHECK(s.state == "no_data");
  CHECK(s.sli == 1);
  CHECK(s.budget_remaining == 1);
  CHECK(s.exhaustion_seconds == -1);
  CHECK(s.burn_rates.at("1h") == 0);
  CHECK(last(b, "slo:period_error_budget_remaining:ratio") == 1);
  CHECK(b.metrics.samples(kLabels.with("__name__", "slo:current_burn_rate:ratio")).size() == 0);
  CHECK_FALSE(b.service->status("nosuch", kStart));
}

TEST_CASE("the figures of a window are exact") {
  Bench b;
  fill(b, 0, 1'000, 1'000, 0);
  fill(b, 1'000, 1'060, 1'000, 5);
  b.boot({make_slo(google_30d())});
  b.update(1'060 * 60);
  const SloStatus s = b.status(1'060 * 60);
  CHECK(s.valid == 1'060'000);
  CHECK(s.good == 1'059'700);
  CHECK(s.budget_total == 1'060);
  CHECK(s.budget_consumed == 300);
  CHECK(s.budget_remaining == 1 - 300.0 / 1'060);
  CHECK(s.sli == 1'059'700.0 / 1'060'000);
  CHECK(s.bad_minutes == 60);
  CHECK(s.burn_rates.at("1h") == doctest::Approx(5).epsilon(1e-12));
  CHECK(s.burn_rates.at("2h") == doctest::Approx(2.5).epsilon(1e-12));
  CHECK(s.exhaustion_seconds ==
        doctest::Approx((1 - 300.0 / 1'060) * 30 * 86'400 / 5).epsilon(1e-12));
  // As minutes; and going on as in the last six hours, in which 300 of 360,000 were bad.
  CHECK(s.budget_minutes_total == doctest::Approx(43.2));
  CHECK(s.budget_minutes_remaining == doctest::Approx(43.2 * (1 - 300.0 / 1'060)));
  CHECK(s.forecast_remaining == doctest::Approx(1 - 300.0 / 360));
  CHECK(s.window_to == at(1'060 * 60));
  CHECK(s.window_from == at(1'060 * 60) - Duration(30LL * 86'400'000));
  CHECK(last(b, "slo:sli_error:ratio_rate1h", "1h") == 0.005);
  CHECK(last(b, "slo:sli_error:ratio_rate30d", "30d") == 300.0 / 1'060'000);
  CHECK(last(b, "slo:objective:ratio") == 0.999);
  CHECK(last(b, "slo:error_budget:ratio") == 0.001);
  CHECK(last(b, "slo:time_period:days") == 30);
  CHECK(last(b, "slo:current_burn_rate:ratio") == doctest::Approx(5).epsilon(1e-12));
  CHECK(last(b, "slo:period_burn_rate:ratio") == doctest::Approx(300.0 / 1'060));
  CHECK(last(b, "slo:period_error_budget_remaining:ratio") == s.budget_remaining);
  // The windows of the Google table, each under its own name and with its own label.
  for (const char* window : {"5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"})
    last(b, std::string("slo:sli_error:ratio_rate") + window, window);
  const LabelSet info = kLabels.with("__name__", "sloth_slo_info")
                            .with("sloth_mode", "nines")
                            .with("sloth_version", "0")
                            .with("sloth_spec", "nines/v1")
                            .with("sloth_objective", "99.9");
  CHECK(b.metrics.samples(info).values.back() == 1);
}

TEST_CASE("the forecast of a calendar window weighs what has passed and what is to come") {
  Bench b;
  SloConfig slo = make_slo();
  slo.target_percent = 90;
  slo.calendar = CalendarWindow{};
  slo.calendar->unit = 'd';
  const auto day = std::chrono::floor<std::chrono::days>(kStart) + std::chrono::days(1);
  const std::int64_t midnight = to_millis(day) / 60'000 - kFirstMinute;
  fill(b, midnight, midnight + 6 * 60, 100, 5);
  b.boot({slo});
  const SloStatus s = b.status((midnight + 6 * 60) * 60);
  CHECK(s.window_from == day);
  CHECK(s.budget_remaining == doctest::Approx(0.5));
  CHECK(s.budget_minutes_total == doctest::Approx(144));
  // A quarter of the day at half of the budget, the rest at the burn rate of half.
  CHECK(s.forecast_remaining == doctest::Approx(1 - (0.25 * 0.5 + 0.75 * 0.5)));
}

TEST_CASE("the whole is weighed by events, not by minutes") {
  Bench b;
  fill(b, 0, 60, 10'000, 0);
  fill(b, 60, 61, 1, 1);  // a lonely bad request at night
  b.boot({make_slo()});
  CHECK(b.status(61 * 60).sli == 600'000.0 / 600'001);
  CHECK(b.status(61 * 60).state == "ok");
}

TEST_CASE("the state follows the budget: ok, at risk, breached") {
  Bench b;
  fill(b, 0, 1, 900, 0);
  b.boot({make_slo()});
  const auto state_with = [&](double bad) {
    fill(b, 0, 1, 1'000'000, bad);
    b.boot({make_slo()});
    return b.status(60).state;
  };
  CHECK(state_with(900) == "ok");
  CHECK(state_with(901) == "at_risk");
  CHECK(state_with(1'000) == "at_risk");
  CHECK(state_with(1'001) == "breached");
  CHECK(b.status(60).budget_remaining < 0);
  CHECK(b.status(60).exhaustion_seconds == 0);
}

TEST_CASE("events leave the rolling window") {
  Bench b;
  SloConfig slo = make_slo();
  slo.window = Duration(3'600'000);
  fill(b, 0, 1, 100, 100);
  fill(b, 1, 2, 100, 0);
  b.boot({slo});
  CHECK(b.status(60 * 60).valid == 200);
  CHECK(b.status(61 * 60).valid == 100);
  CHECK(b.status(61 * 60).bad_minutes == 0);
}

TEST_CASE("the budget over time has its steps and the rolling remainder") {
  Bench b;
  SloConfig slo = make_slo();
  slo.window = Duration(600'000);
  slo.target_percent = 90;
  fill(b, 0, 30, 100, 5);
  b.boot({slo});
  const auto points = b.service->budget("shop-availability", at(600), at(1'800), 3);
  REQUIRE(points);
  REQUIRE(points->size() == 3);
  CHECK((*points)[0].at == at(600 + 420));
  CHECK((*points)[2].at == at(1'800));
  CHECK((*points)[0].good == 7 * 95);
  CHECK((*points)[0].bad == 7 * 5);
  CHECK((*points)[2].bad == 6 * 5);
  for (const BudgetPoint& p : *points) CHECK(p.remaining == doctest::Approx(0.5).epsilon(1e-12));
  CHECK_FALSE(b.service->budget("shop-availability", at(600), at(600), 3));
  CHECK_FALSE(b.service->budget("nosuch", at(0), at(600), 3));
}

TEST_CASE("a ratio without events in its window ends with a staleness marker") {
  Bench b;
  for (int m = 0; m <= 2; ++m) b.metrics.add(series("200"), at(m * 60), m * 10);
  b.boot({make_slo()});
  b.update(120);
  CHECK(last(b, "slo:sli_error:ratio_rate5m", "5m") == 0);
  b.update(600);
  CHECK(is_stale_nan(last(b, "slo:sli_error:ratio_rate5m", "5m")));
  CHECK(last(b, "slo:sli_error:ratio_rate30m", "30m") == 0);
}

TEST_CASE("the SLO's labels are on every series, as Sloth has it, and hide none of its own") {
  Bench b;
  SloConfig slo = make_slo(google_30d());
  slo.labels = {{"team", "web"}, {"service", "other"}, {"sloth_id", "x"}};
  for (int m = 0; m <= 2; ++m) b.metrics.add(series("200"), at(m * 60), m * 10);
  b.boot({slo});
  b.update(120);
  const LabelSet labels = kLabels.with("team", "web");
  for (const char* name : {"slo:objective:ratio", "slo:error_budget:ratio", "slo:time_period:days",
                           "slo:current_burn_rate:ratio", "slo:period_burn_rate:ratio",
                           "slo:period_error_budget_remaining:ratio"}) {
    CHECK_MESSAGE(b.metrics.samples(labels.with("__name__", name)).size() == 1, name);
  }
  CHECK(
      b.metrics
          .samples(labels.with("__name__", "slo:sli_error:ratio_rate5m").with("sloth_window", "5m"))
          .size() == 1);
  CHECK(b.metrics
            .samples(labels.with("__name__", "sloth_slo_info")
                         .with("sloth_version", "0")
                         .with("sloth_mode", "nines")
                         .with("sloth_spec", "nines/v1")
                         .with("sloth_objective", "99.9"))
            .size() == 1);
}

TEST_CASE("series from before a change of labels make no second alert") {
  SloConfig slo = make_slo({{Duration(3'600'000), Duration(300'000), 2, "page"}});
  slo.policy = {{0.5, 0.02, true, {}, {}}};
  slo.labels = {{"team", "web"}};
  const auto groups = Service::alert_groups({slo});
  REQUIRE(groups.at(0).rules.size() == 2);
  for (const alerts::RuleConfig& rule : groups[0].rules) {
    Bench b;
    for (const LabelSet& labels : {kLabels, kLabels.with("team", "web")}) {
      for (const char* window : {"5m", "1h"}) {
        b.metrics.add(labels.with("__name__", std::string("slo:sli_error:ratio_rate") + window)
                          .with("sloth_window", window),
                      at(0), 0.5);
      }
      b.metrics.add(labels.with("__name__", "slo:period_error_budget_remaining:ratio"), at(0), 0.1);
      b.metrics.add(
          labels.with("__name__", "slo:error_budget_policy:active").with("remaining_below", "0.5"),
          at(0), 1);
    }
    promql::Engine engine(b.metrics, b.clock, {});
    const auto query = promql::Query::parse(rule.expr);
    REQUIRE(query);
    const auto result = engine.instant(*query, at(0));
    REQUIRE_MESSAGE(result, (result ? "" : result.error().what()));
    const auto& vector = std::get<promql::Vector>(result->value);
    REQUIRE_MESSAGE(vector.size() == 1, rule.expr);
    CHECK(vector[0].labels.get("service") == "shop");
    CHECK_FALSE(vector[0].labels.has("team"));  // the rule says it
    CHECK(rule.labels.at("team") == "web");
  }
}

TEST_CASE("once started, the service updates itself each minute and at once") {
  Bench b;
  for (int m = 0; m <= 10; ++m) b.metrics.add(series("200"), at(m * 60), m * 10);
  b.clock.advance(Duration(130'000));
  b.boot({make_slo()});
  b.service->start();
  b.scheduler.run_for(Duration(0));
  CHECK(b.status(130).valid == 20);
  b.scheduler.run_for(Duration(120'000));
  CHECK(b.status(250).valid == 40);
  b.service->stop();
  b.scheduler.run_for(Duration(120'000));
  CHECK(b.status(370).valid == 40);
}

TEST_CASE("an SLO that is loaded no more ends its series and keeps its ledger") {
  Bench b;
  for (int m = 0; m <= 1; ++m) b.metrics.add(series("200"), at(m * 60), m * 10);
  b.boot({make_slo()});
  b.update(60);
  b.service->load({});
  CHECK(is_stale_nan(last(b, "slo:objective:ratio")));
  CHECK(b.state.last_minute("shop-availability"));
  b.service->load({make_slo()});
  CHECK(b.status(60).valid == 10);
}

TEST_CASE("a burn-rate alert fires and resolves in the minute the table says") {
  Bench b;
  promql::Engine engine(b.metrics, b.clock, {});
  alerts::Manager manager(
      {}, {engine, b.metrics, b.state, b.state, b.scheduler, b.executor, *b.log, *b.telemetry, {}});
  const SloConfig slo = make_slo(google_30d());
  REQUIRE(manager.load(Service::alert_groups({slo})));
  b.boot({slo});
  // 100 requests a minute; from minute 180 on 10 of them fail, from minute 200 on none does.
  double ok = 0;
  double failed = 0;
  std::int64_t fired_at = -1;
  std::int64_t resolved_at = -1;
  const auto page_fires = [&] {
    for (const alerts::Alert& alert : manager.active_alerts()) {
      if (alert.labels.get("severity") == "page" && alert.labels.get("long_window") == "1h" &&
          alert.state == alerts::AlertState::kFiring) {
        CHECK(alert.labels.get("alertname") == "SLOBurnRate");
        CHECK(alert.labels.get("slo") == "shop-availability");
        CHECK(alert.labels.get("service") == "shop");
        return true;
      }
    }
    return false;
  };
  for (std::int64_t quarter = 0; quarter <= 210 * 4; ++quarter) {
    const bool bad = quarter > 180 * 4 && quarter <= 200 * 4;
    ok += bad ? 22.5 : 25;
    failed += bad ? 2.5 : 0;
    b.metrics.add(series("200"), at(quarter * 15), ok);
    b.metrics.add(series("500"), at(quarter * 15), failed);
    if (quarter % 4 != 0) continue;
    b.update(quarter * 15);
    manager.evaluate_once(at(quarter * 15));
    const bool fires = page_fires();
    if (fires && fired_at < 0) fired_at = quarter / 4;
    if (!fires && fired_at >= 0 && resolved_at < 0) resolved_at = quarter / 4;
  }
  // 9 bad minutes: 90 of 6000 events of the hour are 1.5 %, above 14.4 times 0.1 %; 8 are 1.33 %.
  CHECK(fired_at == 180 + 9);
  // One bad minute among five is still 2 %: five good ones must pass.
  CHECK(resolved_at == 200 + 5);
}
