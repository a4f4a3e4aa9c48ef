// Windows of maintenance: where they begin and end, whom they concern.
#include "rules/maintenance/maintenance.h"

#include <doctest/doctest.h>

using namespace nines;
using namespace nines::maintenance;

namespace {

Timestamp utc(const std::string& text) {
  return TimeZone::utc().to_utc(*parse_local_time(text));
}

Maintenance make(const std::string& start, Duration duration, const std::string& rrule = "",
                 const std::string& zone = "UTC") {
  Maintenance out;
  out.name = "weekly-db";
  out.matchers = {Matcher::equal("service", "db")};
  out.start = *parse_local_time(start);
  out.zone = *TimeZone::find(zone);
  out.duration = duration;
  out.rrule = rrule;
  return out;
}

constexpr Duration kHour{3'600'000};

}  // namespace

TEST_CASE("a window holds its first instant and not its last") {
  Maintenance once = make("2026-01-04 02:00:00", kHour);
  REQUIRE(prepare(once));
  CHECK_FALSE(is_active(once, utc("2026-01-04 02:00:00") - Duration(1)));
  CHECK(is_active(once, utc("2026-01-04 02:00:00")));
  CHECK(is_active(once, utc("2026-01-04 03:00:00") - Duration(1)));
  CHECK_FALSE(is_active(once, utc("2026-01-04 03:00:00")));
}

TEST_CASE("a window that began before is found, and windows that touch are one") {
  Maintenance weekly = make("2026-01-04 02:00:00", kHour, "FREQ=WEEKLY;BYDAY=SU");
  REQUIRE(prepare(weekly));
  CHECK(is_active(weekly, utc("2026-11-22 02:59:00")));
  CHECK(windows(weekly, utc("2026-11-22 02:30:00"), utc("2026-11-29 02:30:00")) ==
        std::vector<Span>{{utc("2026-11-22 02:00:00"), utc("2026-11-22 03:00:00")},
                          {utc("2026-11-29 02:00:00"), utc("2026-11-29 03:00:00")}});
  Maintenance endless = make("2026-01-04 02:00:00", 24 * kHour, "FREQ=DAILY;COUNT=3");
  REQUIRE(prepare(endless));
  CHECK(windows(endless, utc("2026-01-01"), utc("2026-02-01")) ==
        std::vector<Span>{{utc("2026-01-04 02:00:00"), utc("2026-01-07 02:00:00")}});
}

TEST_CASE("the duration is elapsed time, also when the clock jumps") {
  Maintenance night = make("2026-03-01 01:00:00", 3 * kHour, "FREQ=DAILY", "Europe/Paris");
  REQUIRE(prepare(night));
  CHECK(windows(night, utc("2026-03-29"), utc("2026-03-29 12:00:00")) ==
        std::vector<Span>{{utc("2026-03-29 00:00:00"), utc("2026-03-29 03:00:00")}});
}

TEST_CASE("single starts are added to a rule, and taken out of it") {
  Maintenance weekly = make("2026-01-04 02:00:00", kHour, "FREQ=WEEKLY;BYDAY=SU", "Europe/Paris");
  weekly.rdate = {*parse_local_time("2026-01-07 02:00:00"),
                  *parse_local_time("2026-01-11 02:30:00")};
  weekly.exdate = {*parse_local_time("2026-01-04 02:00:00")};
  weekly.exdate_days = {std::chrono::floor<std::chrono::days>(*parse_local_time("2026-01-18"))};
  REQUIRE(prepare(weekly));
  CHECK(windows(weekly, utc("2026-01-01"), utc("2026-01-26")) ==
        std::vector<Span>{{utc("2026-01-07 01:00:00"), utc("2026-01-07 02:00:00")},
                          {utc("2026-01-11 01:00:00"), utc("2026-01-11 02:30:00")},
                          {utc("2026-01-25 01:00:00"), utc("2026-01-25 02:00:00")}});
  CHECK_FALSE(is_active(weekly, utc("2026-01-18 01:30:00")));
  Maintenance once = make("2026-01-04 02:00:00", kHour);
  once.rdate = {*parse_local_time("2026-02-04 02:00:00")};
  REQUIRE(prepare(once));
  CHECK(windows(once, utc("2026-01-01"), utc("2027-01-01")).size() == 2);
}

TEST_CASE("windows that overlap too often are refused, on both sides of the limit") {
  Maintenance full = make("2026-01-04 02:00:00", 1000 * Duration(60'000), "FREQ=MINUTELY");
  CHECK(prepare(full));
  full.duration += Duration(60'000);
  CHECK_FALSE(prepare(full));
  Maintenance endless = make("2026-01-04 02:00:00", kDurationMax, "FREQ=SECONDLY");
  CHECK_FALSE(prepare(endless));
}

TEST_CASE("starts and durations have limits, on both sides") {
  Maintenance odd = make("2026-01-04 02:00:30", kHour);
  CHECK_FALSE(prepare(odd));
  for (const auto& [duration, good] :
       std::vector<std::pair<Duration, bool>>{{Duration(60'000), true},
                                              {Duration(59'000), false},
                                              {Duration(90'000), false},
                                              {kDurationMax, true},
                                              {kDurationMax + Duration(60'000), false}}) {
    Maintenance one = make("2026-01-04 02:00:00", duration);
    CHECK(prepare(one).has_value() == good);
  }
  Maintenance wrong = make("2026-01-04 02:00:00", kHour, "FREQ=NEVER");
  CHECK_FALSE(prepare(wrong));
}

TEST_CASE("an effect reaches only whom the matchers name, while the window lasts") {
  std::vector<Maintenance> all{make("2026-01-04 02:00:00", kHour)};
  all[0].stops_remediation = false;
  REQUIRE(prepare(all[0]));
  const Timestamp within = utc("2026-01-04 02:30:00");
  const LabelSet db{{"alertname", "Slow"}, {"service", "db"}};
  CHECK(active_for(all, &Maintenance::silences, db, within) ==
        std::vector<std::string>{"weekly-db"});
  CHECK(active_for(all, &Maintenance::stops_remediation, db, within).empty());
  CHECK(active_for(all, &Maintenance::silences, {{"service", "web"}}, within).empty());
  CHECK(active_for(all, &Maintenance::silences, db, within + kHour).empty());
  all[0].matchers.clear();
  CHECK(active_for(all, &Maintenance::silences, db, within).empty());
}
