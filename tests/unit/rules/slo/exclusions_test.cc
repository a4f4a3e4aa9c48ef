// Minutes that do not count: in maintenance, or while an alert fires.
#include "rules/slo/internal/exclusions.h"

#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

constexpr std::int64_t kMinuteSeconds = 60;

// From `from` to `to`, seconds after kStart.
maintenance::Maintenance planned(std::int64_t from, std::int64_t to,
                                 const std::string& rrule = "") {
  maintenance::Maintenance out;
  out.name = "work";
  out.start = LocalTime(at(from).time_since_epoch());
  out.duration = Duration((to - from) * 1'000);
  out.rrule = rrule;
  REQUIRE(maintenance::prepare(out));
  return out;
}

LabelSet firing(const std::string& name) {
  return {{"__name__", "ALERTS"}, {"alertname", name}, {"alertstate", "firing"}};
}

// Ten good and one bad request in each minute; the last scrape on its very end.
void traffic(Bench& b, int minutes) {
  double ok = 0, failed = 0;
  b.metrics.add(series("200"), at(0), ok);
  b.metrics.add(series("500"), at(0), failed);
  for (int minute = 1; minute <= minutes; ++minute) {
    for (const int part : {30, 60}) {
      b.metrics.add(series("200"), at(minute * 60 - 60 + part), ok += 5);
      if (part == 60) failed += 1;
      b.metrics.add(series("500"), at(minute * 60 - 60 + part), failed);
    }
  }
}

void check_minute(Bench& b, std::int64_t index, double valid, double excluded, bool left_out) {
  const storage::LedgerMinute row = b.minute(index);
  INFO("minute ", index);
  CHECK(row.valid == valid);
  CHECK(row.good == (valid > 0 ? valid - 1 : 0));
  CHECK(row.excluded == excluded);
  CHECK(row.is_excluded == left_out);
}

}  // namespace

TEST_CASE("the events of minutes in maintenance are excluded ones, exactly from edge to edge") {
  Bench b;
  SloConfig slo = make_slo();
  slo.exclude = {planned(120, 240)};
  b.boot({slo});
  traffic(b, 6);
  b.update(360);
  check_minute(b, 1, 11, 0, false);
  check_minute(b, 2, 0, 11, true);
  check_minute(b, 3, 0, 11, true);
  check_minute(b, 4, 11, 0, false);
  const SloStatus status = b.status(360);
  CHECK(status.valid == 44);
  CHECK(status.good == 40);
  CHECK(status.excluded == 22);
  CHECK(status.excluded_minutes == 2);
  // Counted again, and after a restart: the same.
  b.update(360);
  b.boot({slo});
  b.update(360);
  CHECK(b.status(360).excluded == 22);
  CHECK(b.status(360).valid == 44);
}

TEST_CASE("a maintenance without any sample is known to the ledger all the same") {
  Bench b;
  SloConfig slo = make_slo();
  slo.exclude = {planned(60, 180)};
  b.boot({slo});
  b.update(240);
  check_minute(b, 0, -1, 0, false);
  check_minute(b, 1, 0, 0, true);
  check_minute(b, 2, 0, 0, true);
  check_minute(b, 3, -1, 0, false);
  CHECK(b.status(240).excluded_minutes == 2);
}

TEST_CASE("minutes in which a named alert fires are left out, and others' alerts are nothing") {
  Bench b;
  SloConfig slo = make_slo();
  slo.exclude_alerts = {"DatacenterDown"};
  b.boot({slo});
  traffic(b, 10);
  for (int second = 130; second <= 250; second += 15)
    b.metrics.add(firing("DatacenterDown"), at(second), 1);
  b.metrics.add(firing("DatacenterDown"), at(265), stale_nan());
  for (int second = 400; second <= 500; second += 15) b.metrics.add(firing("Other"), at(second), 1);
  b.update(600);
  check_minute(b, 1, 11, 0, false);
  check_minute(b, 2, 0, 11, true);  // from 130 on
  check_minute(b, 3, 0, 11, true);
  check_minute(b, 4, 0, 11, true);  // to 265
  check_minute(b, 5, 11, 0, false);
  check_minute(b, 7, 11, 0, false);
}

TEST_CASE("an alert's end that comes late is made good by the recount of the last minutes") {
  Bench b;
  SloConfig slo = make_slo();
  slo.exclude_alerts = {"DatacenterDown"};
  b.boot({slo});
  traffic(b, 10);
  b.metrics.add(firing("DatacenterDown"), at(110), 1);
  b.update(180);
  check_minute(b, 2, 0, 11, true);  // nothing has said yet that it is over
  b.metrics.add(firing("DatacenterDown"), at(115), stale_nan());
  b.update(240);
  check_minute(b, 1, 0, 11, true);
  check_minute(b, 2, 11, 0, false);
  // A sample that nothing follows counts for five minutes.
  b.metrics.add(firing("DatacenterDown"), at(235), 1);
  b.update(600);
  check_minute(b, 8, 0, 11, true);
  check_minute(b, 9, 11, 0, false);
}

TEST_CASE("a rebuild leaves out what is to be left out now, and gives back what is not") {
  Bench b;
  b.boot({make_slo()});
  traffic(b, 6);
  b.update(360);
  CHECK(b.status(360).excluded == 0);
  SloConfig slo = make_slo();
  slo.exclude = {planned(60, 120)};
  b.boot({slo});
  b.update(360);
  check_minute(b, 1, 11, 0, false);  // counted already: a rebuild is asked for
  REQUIRE(b.service->rebuild("shop-availability", at(0)));
  check_minute(b, 1, 0, 11, true);
  b.boot({make_slo()});
  REQUIRE(b.service->rebuild("shop-availability", at(0)));
  check_minute(b, 1, 11, 0, false);
  CHECK(b.status(360).excluded == 0);
}

TEST_CASE("a slice in maintenance is none, whatever on_no_data says, also after a restart") {
  Bench b;
  SloConfig slo = make_slo();
  slo.budgeting = Budgeting::kTimeslices;
  slo.time_slice_target = 0.9;
  slo.target_percent = 90;
  slo.on_no_data = OnNoData::kBad;
  slo.exclude = {planned(120, 240)};
  b.boot({slo});
  double ok = 0;
  b.metrics.add(series("200"), at(0), ok);
  b.metrics.add(series("200"), at(60), ok += 10);
  b.update(360);  // minutes 1 and 4, 5: no data, bad; 2 and 3: maintenance
  for (int life = 0; life < 2; ++life) {
    const SloStatus status = b.status(360);
    CHECK(status.valid - status.good == 4);  // and the one that the first sample ends
    CHECK(status.excluded_minutes == 2);
    b.boot({slo});
  }
}

TEST_CASE("against every event: exclusions that overlap the edges of the budget's window") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed ", seed);
    testing::SeededRng rng(seed);
    Bench b;
    SloConfig slo = make_slo();
    slo.window = Duration(60 * 60'000);
    // Every 20 minutes for four to ten, so that one lies across the window's beginning.
    const auto length = static_cast<std::int64_t>(4 + rng.below(7)) * kMinuteSeconds;
    const maintenance::Maintenance work =
        planned(120, 120 + length, "FREQ=DAILY;BYHOUR=22,23,0;BYMINUTE=1,21,41");
    slo.exclude = {work};
    slo.exclude_alerts = {"DatacenterDown"};
    struct Truth {
      double good = 0, valid = 0;
    };
    std::map<std::int64_t, Truth> truth;  // by minute
    std::vector<maintenance::Span> fires;
    b.boot({slo});
    double ok = 0, failed = 0, seen_ok = 0, seen_failed = 0;
    bool burning = false;
    const int seconds = 110 * 60;
    b.metrics.add(series("200"), at(0), 0);
    b.metrics.add(series("500"), at(0), 0);
    for (int second = 5; second <= seconds; second += 5) {
      ok += static_cast<double>(rng.below(4));
      failed += static_cast<double>(rng.below(20) == 0 ? 1 + rng.below(3) : 0);
      if (second % 15 == 0) {  // a scrape, and an evaluation of the alert
        b.metrics.add(series("200"), at(second), ok);
        b.metrics.add(series("500"), at(second), failed);
        Truth& minute = truth[kFirstMinute + (second - 1) / 60];
        minute.good += ok - seen_ok;
        minute.valid += ok - seen_ok + failed - seen_failed;
        seen_ok = ok;
        seen_failed = failed;
        const bool was = burning;
        burning = rng.below(burning ? 12 : 60) != 0 ? burning : !burning;
        if (burning) {
          b.metrics.add(firing("DatacenterDown"), at(second), 1);
          if (!was) fires.push_back({at(second), at(seconds)});
        } else if (was) {
          b.metrics.add(firing("DatacenterDown"), at(second), stale_nan());
          fires.back().to = at(second);
        }
      }
      if (second % 60 == 0) {
        if (rng.below(8) == 0) b.boot({slo});
        if (rng.below(6) != 0) b.update(second);
      }
    }
    b.update(seconds);
    const auto planned_windows = maintenance::windows(work, at(-86'400), at(86'400));
    const auto is_left_out = [&](std::int64_t minute) {
      const Timestamp from = from_millis(minute * 60'000),
                      to = from_millis(minute * 60'000 + 60'000);
      const auto covers = [&](const maintenance::Span& span) {
        return std::max(span.from, from) < std::min(span.to, to);
      };
      return std::any_of(planned_windows.begin(), planned_windows.end(), covers) ||
             std::any_of(fires.begin(), fires.end(), covers);
    };
    const auto check = [&] {
      Truth window;
      double excluded = 0;
      std::int64_t minutes = 0;
      for (std::int64_t m = kFirstMinute + 50; m < kFirstMinute + 110; ++m) {
        const Truth& one = truth[m];
        if (is_left_out(m)) {
          excluded += one.valid;
          ++minutes;
        } else {
          window.good += one.good;
          window.valid += one.valid;
        }
      }
      const SloStatus status = b.status(seconds);
      CHECK(status.good == window.good);
      CHECK(status.valid == window.valid);
      CHECK(status.excluded == excluded);
      CHECK(status.excluded_minutes == minutes);
      CHECK(minutes > 0);
    };
    check();
    const auto before = b.minutes();
    REQUIRE(b.service->rebuild("shop-availability", kStart));
    const auto after = b.minutes();
    REQUIRE(before.size() == after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      CHECK(before[i].valid == after[i].valid);
      CHECK(before[i].excluded == after[i].excluded);
      CHECK(before[i].is_excluded == after[i].is_excluded);
    }
    check();
  }
}
