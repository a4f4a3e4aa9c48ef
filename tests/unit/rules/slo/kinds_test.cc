// Indicators of other kinds, time slices, calendar windows, the guard against low traffic.
#include <chrono>
#include <limits>

#include <doctest/doctest.h>

#include "base/text/time_zone.h"
#include "rules/alerts/manager.h"
#include "rules/promql/engine.h"
#include "rules/slo/internal/window.h"
#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

std::vector<std::string> problems(const SloConfig& slo) {
  return check_slo(slo, {});
}

SloConfig gauge(CompareOp op, double threshold) {
  SloConfig slo = make_slo();
  slo.indicator = {};
  slo.indicator.kind = IndicatorKind::kThreshold;
  slo.indicator.total = "queue_age_seconds";
  slo.indicator.op = op;
  slo.indicator.threshold = threshold;
  return slo;
}
const LabelSet kQueue{{"__name__", "queue_age_seconds"}, {"job", "shop"}};

SloConfig sliced(Budgeting budgeting, double slice_target) {
  SloConfig slo = make_slo();
  slo.budgeting = budgeting;
  slo.time_slice_target = slice_target;
  slo.target_percent = 90;
  return slo;
}

// Minute by minute: so many good and bad requests; -1 good: no sample at all.
void run(Bench& b, const std::vector<std::pair<int, int>>& minutes) {
  double ok = 0, failed = 0;
  b.metrics.add(series("200"), at(0), ok);
  b.metrics.add(series("500"), at(0), failed);
  std::int64_t second = 0;
  for (const auto& [good, bad] : minutes) {
    second += 60;
    if (good >= 0) {
      b.metrics.add(series("200"), at(second), ok += good);
      b.metrics.add(series("500"), at(second), failed += bad);
    }
    b.update(second);
  }
}

SloConfig calendar(const std::string& duration, const std::string& start, const std::string& zone) {
  SloConfig slo = make_slo();
  slo.calendar = *parse_calendar_duration(duration);
  slo.calendar->start = *parse_local_time(start);
  slo.calendar->zone = *TimeZone::find(zone);
  slo.window = longest(*slo.calendar);
  return slo;
}

std::int64_t minute_at(const std::string& utc) {
  return to_millis(TimeZone::utc().to_utc(*parse_local_time(utc))) / 60'000;
}

}  // namespace

TEST_CASE(
    "a latency between two bounds of a classic histogram takes its part of the bucket, and says "
    "so") {
  const auto counted = [](double threshold) {
    SloConfig slo = make_slo();
    slo.indicator = {};
    slo.indicator.kind = IndicatorKind::kLatency;
    slo.indicator.total = "h";
    slo.indicator.threshold = threshold;
    Bench b;
    const LabelSet labels{{"instance", "a"}, {"job", "shop"}};
    for (const int scrape : {0, 1}) {
      const Timestamp when = at(10 + 30 * scrape);
      b.metrics.add(labels.with("__name__", "h_count"), when, 5 + 100 * scrape);
      for (const auto& [le, below] : std::vector<std::pair<std::string, int>>{
               {"0.1", 20}, {"0.50", 60}, {"1", 90}, {"+Inf", 100}}) {
        b.metrics.add(labels.with("__name__", "h_bucket").with("le", le), when, 5 + below * scrape);
      }
    }
    b.boot({slo});
    b.update(60);
    CHECK(b.minute(0).valid == 100);
    return std::pair(b.minute(0).good, !b.status(60).interpolation.empty());
  };
  CHECK(counted(1) == std::pair(90.0, false));
  CHECK(counted(0.5) == std::pair(60.0, false));     // however the bound is written
  CHECK(counted(0.3).first == doctest::Approx(40));  // half of the way from 0.1 to 0.5
  CHECK(counted(0.3).second);
  CHECK(counted(0.05).first == doctest::Approx(10));  // from zero
  CHECK(counted(0.75).first == doctest::Approx(75));
  CHECK(counted(7) == std::pair(90.0, false));  // above the last bound nothing is known to be good
}

TEST_CASE("each sample of a raw ratio is one event, good or bad by its share") {
  for (const bool is_bad : {false, true}) {
    SloConfig slo = make_slo();
    slo.indicator = {};
    slo.indicator.raw = is_bad ? RawRatio::kFailure : RawRatio::kSuccess;
    slo.indicator.total = "share";
    CHECK(problems(slo).empty());
    Bench b;
    const LabelSet labels{{"__name__", "share"}, {"job", "shop"}};
    const double kNan = std::numeric_limits<double>::quiet_NaN();
    std::int64_t second = 0;
    for (const double share : {1.0, 0.75, 0.25, kNan, 1.5, -0.5})  // what is no share is cut
      b.metrics.add(labels, at(second += 10), share);
    b.boot({slo});
    b.update(60);
    CHECK(b.minute(0).valid == 5);
    CHECK(b.minute(0).good == (is_bad ? 2.0 : 3.0));
    CHECK(b.status(60).sli == doctest::Approx(is_bad ? 0.4 : 0.6));
  }
  SloConfig both = make_slo();
  both.indicator.raw = RawRatio::kSuccess;
  CHECK(problems(both).at(0).find("raw goes with neither") != std::string::npos);
}

TEST_CASE("each sample of a gauge is an event, good when it compares with the threshold") {
  for (const auto& [op, good] : std::vector<std::pair<CompareOp, double>>{{CompareOp::kLt, 1},
                                                                          {CompareOp::kLte, 2},
                                                                          {CompareOp::kGt, 1},
                                                                          {CompareOp::kGte, 2},
                                                                          {CompareOp::kEq, 1},
                                                                          {CompareOp::kNe, 2}}) {
    Bench b;
    b.boot({gauge(op, 5)});
    b.metrics.add(kQueue, at(10), 4);
    b.metrics.add(kQueue, at(20), 5);
    b.metrics.add(kQueue, at(30), 6);
    b.metrics.add(kQueue, at(40), stale_nan());
    b.update(60);
    CHECK(b.minute(0).valid == 3);
    CHECK(b.minute(0).good == good);
    CHECK(b.minute(1).valid == -1);
  }
}

TEST_CASE("a latency is counted from the bucket that has its threshold, however it is written") {
  for (const char* le : {"1", "1.0"}) {
    Bench b;
    SloConfig slo = make_slo();
    slo.indicator = {};
    slo.indicator.kind = IndicatorKind::kLatency;
    slo.indicator.total = "latency_seconds{job=\"shop\"}";
    slo.indicator.threshold = 1;
    REQUIRE(problems(slo).empty());
    b.boot({slo});
    const auto bucket = [](const char* bound) {
      return LabelSet{{"__name__", "latency_seconds_bucket"}, {"job", "shop"}, {"le", bound}};
    };
    const LabelSet count{{"__name__", "latency_seconds_count"}, {"job", "shop"}};
    for (const auto& [second, within, all] :
         std::vector<std::tuple<int, double, double>>{{0, 10, 12}, {60, 17, 20}}) {
      b.metrics.add(bucket("0.1"), at(second), 1);
      b.metrics.add(bucket(le), at(second), within);
      b.metrics.add(bucket("+Inf"), at(second), all);
      b.metrics.add(count, at(second), all);
    }
    b.update(60);
    CHECK(b.minute(0).valid == 8);
    CHECK(b.minute(0).good == 7);
  }
}

TEST_CASE("a time slice is good or bad as a whole") {
  Bench b;
  b.boot({sliced(Budgeting::kTimeslices, 0.95)});
  run(b, {{95, 5}, {94, 6}, {1, 0}, {-1, 0}, {1'000'000, 60'000}, {10, 0}});
  const SloStatus status = b.status(360);
  CHECK(status.valid == 5);  // the minute without events is frozen
  CHECK(status.good == 3);
  CHECK(status.budget_total == 0.5);
  CHECK(status.budget_consumed == 2);
  CHECK(status.bad_minutes == 2);
  CHECK(b.minutes().size() >= 5);  // the ledger keeps events, whatever they are judged by
}

TEST_CASE("a ratio slice counts with its own share, whatever its traffic") {
  Bench b;
  b.boot({sliced(Budgeting::kRatioTimeslices, 0)});
  run(b, {{50, 50}, {1'000, 0}, {3, 1}});
  const SloStatus status = b.status(180);
  CHECK(status.valid == 3);
  CHECK(status.good == 0.5 + 1 + 0.75);
  CHECK(status.sli == doctest::Approx(0.75));
}

TEST_CASE("a slice without events is good, bad or none, as asked") {
  for (const auto& [choice, good, valid] : std::vector<std::tuple<OnNoData, double, double>>{
           {OnNoData::kFreeze, 1, 1}, {OnNoData::kGood, 3, 3}, {OnNoData::kBad, 1, 3}}) {
    Bench b;
    SloConfig slo = sliced(Budgeting::kTimeslices, 0.9);
    slo.on_no_data = choice;
    b.boot({slo});
    run(b, {{10, 0}, {-1, 0}, {-1, 0}});
    // The first sample, at the very start, ends the minute before: it counts nothing.
    const SloStatus status = b.status(180);
    CHECK(status.valid - (choice == OnNoData::kFreeze ? 0 : 1) == valid);
    CHECK(status.good - (choice == OnNoData::kGood ? 1 : 0) == good);
    b.boot({slo});  // and so after a restart
    CHECK(b.status(180).valid == status.valid);
    CHECK(b.status(180).good == status.good);
  }
}

TEST_CASE("slices longer than a minute are judged when they are whole, late samples included") {
  Bench b;
  SloConfig slo = sliced(Budgeting::kTimeslices, 0.9);
  slo.time_slice_window = Duration(120'000);
  b.boot({slo});
  // kFirstMinute is even: slices are minutes 0-1, 2-3.
  run(b, {{80, 20}, {120, 0}, {10, 0}});
  CHECK(b.status(180).valid == 1);
  CHECK(b.status(180).good == 1);  // 200 of 220
  b.metrics.add(series("500"), at(150), 30);
  b.update(240);
  CHECK(b.status(240).valid == 2);
  CHECK(b.status(240).good == 1);
}

TEST_CASE("slices of any length are judged the same after a restart") {
  for (const int minutes : {3, 5, 7, 60}) {
    INFO("slices of ", minutes, " minutes");
    Bench b;
    SloConfig slo = sliced(Budgeting::kTimeslices, 0.9);
    slo.time_slice_window = Duration(minutes * 60'000);
    b.boot({slo});
    run(b, std::vector<std::pair<int, int>>(125, {10, 0}));
    const SloStatus before = b.status(125 * 60);
    CHECK(before.valid >= 1);
    b.boot({slo});
    CHECK(b.status(125 * 60).valid == before.valid);
    CHECK(b.status(125 * 60).good == before.good);
  }
}

TEST_CASE("what slices need, and what on_no_data is about, is checked") {
  CHECK(problems(sliced(Budgeting::kTimeslices, 0.95)).empty());
  CHECK(problems(sliced(Budgeting::kTimeslices, 1)).empty());
  CHECK(problems(sliced(Budgeting::kTimeslices, 0)).size() == 1);
  CHECK(problems(sliced(Budgeting::kTimeslices, 1.01)).size() == 1);
  CHECK(problems(sliced(Budgeting::kRatioTimeslices, 0)).empty());
  SloConfig frozen = make_slo();
  frozen.on_no_data = OnNoData::kBad;
  CHECK(problems(frozen).size() == 1);
  SloConfig odd = sliced(Budgeting::kTimeslices, 0.9);
  odd.time_slice_window = Duration(90'000);
  CHECK(problems(odd).size() == 1);
  SloConfig wide = sliced(Budgeting::kTimeslices, 0.9);
  wide.time_slice_window = Duration(600'000);
  wide.alerting = {{Duration(3'600'000), Duration(300'000), 5, "page"}};
  CHECK(problems(wide).size() == 1);
}

TEST_CASE("a calendar month is as long as its zone's clock makes it") {
  const SloConfig slo = calendar("1M", "2026-01-01 00:00:00", "Europe/Paris");
  const MinuteWindow march = window_at(slo, minute_at("2026-03-15 12:00:00"));
  CHECK(march.from == minute_at("2026-02-28 23:00:00"));
  CHECK(march.minutes == 31 * 1'440 - 60);  // the clock is set forward
  const MinuteWindow october = window_at(slo, minute_at("2026-10-31 22:59:00"));
  CHECK(october.from == minute_at("2026-09-30 22:00:00"));
  CHECK(october.minutes == 31 * 1'440 + 60);
  // The last minute of October ends when November begins.
  CHECK(window_at(slo, minute_at("2026-10-31 23:00:00")).from == october.from);
  CHECK(window_at(slo, minute_at("2026-10-31 23:01:00")).from == minute_at("2026-10-31 23:00:00"));
  // Before the first start the same grid holds.
  CHECK(window_at(slo, minute_at("2025-02-10 00:00:00")).minutes == 28 * 1'440);
}

TEST_CASE("a calendar day is half an hour shorter or longer where the clock jumps by so much") {
  const SloConfig howe = calendar("1d", "2026-01-01 00:00:00", "Australia/Lord_Howe");
  const MinuteWindow autumn = window_at(howe, minute_at("2026-04-05 00:00:00"));
  CHECK(autumn.from == minute_at("2026-04-04 13:00:00"));  // +11:00, later +10:30
  CHECK(autumn.minutes == 1'440 + 30);
  const MinuteWindow spring = window_at(howe, minute_at("2026-10-04 00:00:00"));
  CHECK(spring.from == minute_at("2026-10-03 13:30:00"));
  CHECK(spring.minutes == 1'440 - 30);
  // Nepal is 5:45 ahead, always.
  const MinuteWindow month = window_at(calendar("1M", "2026-01-01 00:00:00", "Asia/Kathmandu"),
                                       minute_at("2026-04-10 00:00:00"));
  CHECK(month.from == minute_at("2026-03-31 18:15:00"));
  CHECK(month.minutes == 30 * 1'440);
  // A week over the jump, from 02:00, which the clock skips on the 29th of March.
  const MinuteWindow week = window_at(calendar("1w", "2026-03-22 02:00:00", "Europe/Berlin"),
                                      minute_at("2026-03-25 00:00:00"));
  CHECK(week.minutes == 7 * 1'440);
}

TEST_CASE("quarters, years, weeks and days begin where their start says") {
  CHECK(window_at(calendar("1Q", "2026-01-01", "UTC"), minute_at("2026-05-10 00:00:00")).from ==
        minute_at("2026-04-01 00:00:00"));
  CHECK(window_at(calendar("1Y", "2024-04-01", "UTC"), minute_at("2026-02-01 00:00:00")).minutes ==
        365 * 1'440);
  CHECK(window_at(calendar("2w", "2026-01-05", "UTC"), minute_at("2026-01-20 00:00:00")).from ==
        minute_at("2026-01-19 00:00:00"));
  CHECK(window_at(calendar("1d", "2026-01-01 06:00:00", "UTC"), minute_at("2026-01-20 05:00:00"))
            .from == minute_at("2026-01-19 06:00:00"));
  // A 31st that a month does not have is its last day.
  CHECK(window_at(calendar("1M", "2026-01-31", "UTC"), minute_at("2026-03-01 00:00:00")).from ==
        minute_at("2026-02-28 00:00:00"));
  for (const char* wrong : {"", "M", "0M", "1h", "30", "-1d", "37M"}) {
    CHECK_FALSE(parse_calendar_duration(wrong));
  }
}

TEST_CASE("a calendar budget begins anew with its window") {
  Bench b;  // kStart is 2023-11-14 22:14 UTC
  b.boot({calendar("1d", "2023-01-01 22:17:00", "UTC")});
  run(b, {{90, 10}, {100, 0}, {90, 10}, {100, 0}});
  CHECK(b.status(180).budget_consumed == 20);
  CHECK(b.status(240).budget_consumed == 0);
  CHECK(b.status(240).valid == 100);
  CHECK(b.status(240).window_length == Duration(86'400'000));
  const auto points = *b.service->budget("shop-availability", at(0), at(240), 4);
  REQUIRE(points.size() == 4);
  CHECK(points[2].remaining < 1);
  CHECK(points[3].remaining == 1);
}

TEST_CASE("a handful of events is not judged and pages nobody") {
  SloConfig slo = make_slo({{Duration(3'600'000), Duration(300'000), 14.4, "page"}});
  slo.min_events = 100;
  const auto firing = [&](int per_minute) {
    Bench b;
    promql::Engine engine(b.metrics, b.clock, {});
    alerts::Manager manager(
        {},
        {engine, b.metrics, b.state, b.state, b.scheduler, b.executor, *b.log, *b.telemetry, {}});
    REQUIRE(manager.load(Service::alert_groups({slo})));
    b.boot({slo});
    run(b, std::vector<std::pair<int, int>>(10, {0, per_minute}));
    manager.evaluate_once(at(600));
    CHECK(b.status(600).state == (per_minute < 10 ? "no_data" : "breached"));
    return manager.active_alerts().size();
  };
  CHECK(firing(9) == 0);
  CHECK(firing(10) == 1);
}

TEST_CASE("presets share the budget as their tables say") {
  const auto rows = pyrra(Duration(28LL * 86'400'000));
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].long_window == Duration(3'600'000));
  CHECK(rows[3].long_window == Duration(4LL * 86'400'000));
  CHECK(rows[0].burn_rate == 14);
  CHECK(pyrra(Duration(7LL * 86'400'000))[1].long_window == Duration(5'400'000));
  CHECK(google_28d()[0].burn_rate == doctest::Approx(0.02 * 28 * 24));
}
