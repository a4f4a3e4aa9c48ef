// Recurrence rules against the examples of RFC 5545, section 3.8.5.3, and at the jumps of clocks.
#include "rules/maintenance/recurrence.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/text/numbers.h"

using namespace nines;
using namespace nines::maintenance;

namespace {

Occurrences of(const std::string& rule, const std::string& start,
               const std::string& zone = "America/New_York") {
  const auto parsed = parse_recurrence(rule);
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().what()));
  auto made = Occurrences::make(*parsed, *parse_local_time(start), *TimeZone::find(zone));
  REQUIRE_MESSAGE(made, (made ? "" : made.error().what()));
  return *std::move(made);
}

Timestamp utc(const std::string& text) {
  return TimeZone::utc().to_utc(*parse_local_time(text));
}

// As the zone's calendar shows them: "1997: 9/2 9/3", each year anew.
std::string dates(const std::vector<Timestamp>& all, const std::string& zone) {
  std::string out;
  int year = 0;
  const TimeZone there = *TimeZone::find(zone);
  for (const Timestamp at : all) {
    const std::chrono::year_month_day date(
        std::chrono::floor<std::chrono::days>(there.to_local(at)));
    if (static_cast<int>(date.year()) != year) {
      year = static_cast<int>(date.year());
      out += (out.empty() ? "" : " ") + std::to_string(year) + ":";
    }
    out += " " + std::to_string(static_cast<unsigned>(date.month())) + "/" +
           std::to_string(static_cast<unsigned>(date.day()));
  }
  return out;
}

// The first `limit` of a rule that begins at 09:00.
std::string first(const std::string& start, const std::string& rule, std::size_t limit = 1000) {
  const std::string zone = "America/New_York";
  auto all = of(rule, start + " 09:00:00", zone).between(utc("1996-01-01"), utc("2010-01-01"));
  for (const Timestamp at : all) {
    const LocalTime local = TimeZone::find(zone)->to_local(at);
    CHECK(local - std::chrono::floor<std::chrono::days>(local) == std::chrono::hours(9));
  }
  if (all.size() > limit) all.resize(limit);
  return dates(all, zone);
}

std::string refusal(const std::string& rule) {
  const auto parsed = parse_recurrence(rule);
  return parsed ? "" : parsed.error().what();
}

}  // namespace

TEST_CASE("daily rules of the RFC") {
  CHECK(first("1997-09-02", "FREQ=DAILY;COUNT=10") ==
        "1997: 9/2 9/3 9/4 9/5 9/6 9/7 9/8 9/9 9/10 9/11");
  CHECK(of("FREQ=DAILY;UNTIL=19971224T000000Z", "1997-09-02 09:00:00")
            .between(utc("1997-01-01"), utc("1999-01-01"))
            .size() == 113);
  CHECK(first("1997-09-02", "FREQ=DAILY;INTERVAL=2", 4) == "1997: 9/2 9/4 9/6 9/8");
  CHECK(first("1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=5") == "1997: 9/2 9/12 9/22 10/2 10/12");
  const auto january = of("FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998-01-01 09:00:00")
                           .between(utc("1997-01-01"), utc("2005-01-01"));
  CHECK(january.size() == 93);
  CHECK(january == of("FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
                      "1998-01-01 09:00:00")
                       .between(utc("1997-01-01"), utc("2005-01-01")));
  const auto often =
      of("FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", "1997-09-02 09:00:00")
          .between(utc("1997-09-02"), utc("1997-09-03"));
  REQUIRE(often.size() == 24);
  CHECK(often[1] - often[0] == Duration(20 * 60'000));
  CHECK(often.back() == utc("1997-09-02 20:40:00"));
}

TEST_CASE("weekly rules of the RFC") {
  CHECK(first("1997-09-02", "FREQ=WEEKLY;COUNT=10") ==
        "1997: 9/2 9/9 9/16 9/23 9/30 10/7 10/14 10/21 10/28 11/4");
  CHECK(of("FREQ=WEEKLY;UNTIL=19971224T000000Z", "1997-09-02 09:00:00")
            .between(utc("1997-01-01"), utc("1999-01-01"))
            .size() == 17);
  CHECK(first("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", 9) ==
        "1997: 9/2 9/16 9/30 10/14 10/28 11/11 11/25 12/9 12/23");
  const std::string five_weeks = "1997: 9/2 9/4 9/9 9/11 9/16 9/18 9/23 9/25 9/30 10/2";
  CHECK(first("1997-09-02", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH") ==
        five_weeks);
  CHECK(first("1997-09-02", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH") == five_weeks);
  CHECK(
      first("1997-09-01", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR") ==
      "1997: 9/1 9/3 9/5 9/15 9/17 9/19 9/29 10/1 10/3 10/13 10/15 10/17 10/27 10/29 10/31 "
      "11/10 11/12 11/14 11/24 11/26 11/28 12/8 12/10 12/12 12/22");
  CHECK(first("1997-09-02", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH") ==
        "1997: 9/2 9/4 9/16 9/18 9/30 10/2 10/14 10/16");
  CHECK(first("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO") ==
        "1997: 8/5 8/10 8/19 8/24");
  CHECK(first("1997-08-05", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU") ==
        "1997: 8/5 8/17 8/19 8/31");
}

TEST_CASE("monthly rules of the RFC") {
  CHECK(first("1997-09-05", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR") ==
        "1997: 9/5 10/3 11/7 12/5 1998: 1/2 2/6 3/6 4/3 5/1 6/5");
  CHECK(first("1997-09-05", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR") ==
        "1997: 9/5 10/3 11/7 12/5");
  CHECK(first("1997-09-07", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU") ==
        "1997: 9/7 9/28 11/2 11/30 1998: 1/4 1/25 3/1 3/29 5/3 5/31");
  CHECK(first("1997-09-22", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO") ==
        "1997: 9/22 10/20 11/17 12/22 1998: 1/19 2/16");
  CHECK(first("1997-09-28", "FREQ=MONTHLY;BYMONTHDAY=-3", 6) ==
        "1997: 9/28 10/29 11/28 12/29 1998: 1/29 2/26");
  CHECK(first("1997-09-02", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15") ==
        "1997: 9/2 9/15 10/2 10/15 11/2 11/15 12/2 12/15 1998: 1/2 1/15");
  CHECK(first("1997-09-30", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1") ==
        "1997: 9/30 10/1 10/31 11/1 11/30 12/1 12/31 1998: 1/1 1/31 2/1");
  CHECK(first("1997-09-10", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15") ==
        "1997: 9/10 9/11 9/12 9/13 9/14 9/15 1999: 3/10 3/11 3/12 3/13");
  CHECK(first("1997-09-02", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", 13) ==
        "1997: 9/2 9/9 9/16 9/23 9/30 11/4 11/11 11/18 11/25 1998: 1/6 1/13 1/20 1/27");
  CHECK(first("1997-09-02", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", 5) ==
        "1998: 2/13 3/13 11/13 1999: 8/13 2000: 10/13");
  CHECK(first("1997-09-13", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", 10) ==
        "1997: 9/13 10/11 11/8 12/13 1998: 1/10 2/7 3/7 4/11 5/9 6/13");
  CHECK(first("1997-09-04", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3") ==
        "1997: 9/4 10/7 11/6");
  CHECK(first("1997-09-29", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", 7) ==
        "1997: 9/29 10/30 11/27 12/30 1998: 1/29 2/26 3/30");
  // The 30th of February is no day.
  CHECK(first("2007-01-15", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5") ==
        "2007: 1/15 1/30 2/15 3/15 3/30");
}

TEST_CASE("yearly rules of the RFC") {
  CHECK(first("1997-06-10", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7") ==
        "1997: 6/10 7/10 1998: 6/10 7/10 1999: 6/10 7/10 2000: 6/10 7/10 2001: 6/10 7/10");
  CHECK(first("1997-03-10", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3") ==
        "1997: 3/10 1999: 1/10 2/10 3/10 2001: 1/10 2/10 3/10 2003: 1/10 2/10 3/10");
  CHECK(first("1997-05-19", "FREQ=YEARLY;BYDAY=20MO", 3) == "1997: 5/19 1998: 5/18 1999: 5/17");
  CHECK(first("1997-03-13", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", 11) ==
        "1997: 3/13 3/20 3/27 1998: 3/5 3/12 3/19 3/26 1999: 3/4 3/11 3/18 3/25");
  CHECK(first("1997-06-05", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", 13) ==
        "1997: 6/5 6/12 6/19 6/26 7/3 7/10 7/17 7/24 7/31 8/7 8/14 8/21 8/28");
  CHECK(first("1996-11-05", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
              3) == "1996: 11/5 2000: 11/7 2004: 11/2");
  CHECK(first("1996-02-29", "FREQ=YEARLY", 3) == "1996: 2/29 2000: 2/29 2004: 2/29");
}

TEST_CASE("yearly rules of the RFC by days and weeks of the year") {
  CHECK(first("1997-01-01", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200") ==
        "1997: 1/1 4/10 7/19 2000: 1/1 4/9 7/18 2003: 1/1 4/10 7/19 2006: 1/1");
  CHECK(first("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", 3) ==
        "1997: 5/12 1998: 5/11 1999: 5/17");
  CHECK(first("1997-01-01", "FREQ=YEARLY;BYYEARDAY=-1", 3) ==
        "1997: 12/31 1998: 12/31 1999: 12/31");
  // Week 1 of 2009 begins in 2008. Without BYDAY it is the weekday of the start.
  CHECK(first("2007-01-01", "FREQ=YEARLY;BYWEEKNO=1", 3) == "2007: 1/1 12/31 2008: 12/29");
  CHECK(first("1997-01-01", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH", 3) ==
        "1998: 12/31 2004: 12/30 2009: 12/31");
  CHECK(first("1997-01-01", "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", 3) ==
        "1997: 12/28 1999: 1/3 2000: 1/2");
}

TEST_CASE("rules by hours, minutes and seconds") {
  const auto all = [](const std::string& rule, const std::string& start = "1997-09-02 09:00:00") {
    return of(rule, start).between(utc("1997-01-01"), utc("1998-01-01"));
  };
  // UTC is four hours ahead of New York there.
  CHECK(all("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z") ==
        std::vector{utc("1997-09-02 13:00:00"), utc("1997-09-02 16:00:00"),
                    utc("1997-09-02 19:00:00")});
  const auto quarters = all("FREQ=MINUTELY;INTERVAL=15;COUNT=6");
  REQUIRE(quarters.size() == 6);
  CHECK(quarters.back() == utc("1997-09-02 14:15:00"));
  CHECK(all("FREQ=MINUTELY;INTERVAL=90;COUNT=4").back() == utc("1997-09-02 17:30:00"));
  CHECK(all("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16;COUNT=200") ==
        all("FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40;COUNT=200"));
  CHECK(all("FREQ=SECONDLY;INTERVAL=45;COUNT=3") == std::vector{utc("1997-09-02 13:00:00"),
                                                                utc("1997-09-02 13:00:45"),
                                                                utc("1997-09-02 13:01:30")});
  CHECK(all("FREQ=DAILY;BYSECOND=60,30;COUNT=3") == std::vector{utc("1997-09-02 13:00:30"),
                                                                utc("1997-09-02 13:00:59"),
                                                                utc("1997-09-03 13:00:30")});
  CHECK(all("FREQ=HOURLY;BYMINUTE=10,20,30;BYSETPOS=-1;COUNT=2") ==
        std::vector{utc("1997-09-02 13:30:00"), utc("1997-09-02 14:30:00")});
  CHECK(all("FREQ=HOURLY;BYYEARDAY=-1;BYHOUR=3;COUNT=1") ==
        std::vector{utc("1997-12-31 08:00:00")});
  // The hour that is skipped is the one after; the one that comes twice is its first.
  CHECK(of("FREQ=HOURLY", "2026-03-29 00:00:00", "Europe/Paris")
            .between(utc("2026-03-28 23:00:00"), utc("2026-03-29 03:00:00"))
            .size() == 4);
  CHECK_FALSE(Occurrences::make(*parse_recurrence("FREQ=SECONDLY;INTERVAL=2;BYSECOND=1"),
                                *parse_local_time("2026-01-01"), TimeZone::utc()));
}

TEST_CASE("a window in the middle of a rule is found without counting from its start") {
  const auto weekly = of("FREQ=WEEKLY;BYDAY=SU", "1990-01-07 02:00:00", "UTC");
  CHECK(weekly.between(utc("2026-11-22"), utc("2026-11-29")) ==
        std::vector{utc("2026-11-22 02:00:00")});
  CHECK(weekly.between(utc("2026-11-22 02:00:00"), utc("2026-11-22 02:00:01")).size() == 1);
  CHECK(weekly.between(utc("2026-11-22 02:00:01"), utc("2026-11-29 02:00:00")).empty());
  CHECK(weekly.between(utc("1980-01-01"), utc("1990-01-07 02:00:00")).empty());
  const auto counted = of("FREQ=DAILY;COUNT=3", "2026-01-01 02:00:00", "UTC");
  CHECK(counted.between(utc("2026-01-03"), utc("2026-02-01")) ==
        std::vector{utc("2026-01-03 02:00:00")});
}

TEST_CASE("the wall clock's hour stays across daylight saving, and skipped hours are not lost") {
  // Paris: 2026-03-29 02:00 becomes 03:00; 2026-10-25 03:00 becomes 02:00.
  const auto nightly = of("FREQ=DAILY", "2026-03-27 02:30:00", "Europe/Paris");
  CHECK(nightly.between(utc("2026-03-28"), utc("2026-03-31")) ==
        std::vector{utc("2026-03-28 01:30:00"), utc("2026-03-29 01:30:00"),
                    utc("2026-03-30 00:30:00")});
  CHECK(nightly.between(utc("2026-10-24"), utc("2026-10-27")) ==
        std::vector{utc("2026-10-24 00:30:00"), utc("2026-10-25 00:30:00"),
                    utc("2026-10-26 01:30:00")});
  // Two occurrences that the jump makes one are one.
  const auto both = of("FREQ=DAILY;BYHOUR=2,3", "2026-03-27 02:00:00", "Europe/Paris");
  CHECK(both.between(utc("2026-03-29"), utc("2026-03-30")) ==
        std::vector{utc("2026-03-29 01:00:00")});
  // RFC 5545, 3.3.5: 02:30 in New York on 2007-03-11 is 03:30 of daylight saving time.
  CHECK(instant_of(*TimeZone::find("America/New_York"), *parse_local_time("2007-03-11 02:30:00")) ==
        utc("2007-03-11 07:30:00"));
  CHECK(instant_of(*TimeZone::find("America/New_York"), *parse_local_time("2007-11-04 01:30:00")) ==
        utc("2007-11-04 05:30:00"));
}

TEST_CASE("UNTIL is taken in UTC, on the zone's clock, or as a whole day") {
  const auto last = [](const std::string& until) {
    return of("FREQ=DAILY;UNTIL=" + until, "2026-01-01 02:00:00", "Asia/Tokyo")
        .between(utc("2025-01-01"), utc("2027-01-01"))
        .size();
  };
  CHECK(last("20260102T170000Z") == 3);  // 2026-01-03 02:00 in Tokyo
  CHECK(last("20260102T165959Z") == 2);
  CHECK(last("20260103T020000") == 3);
  CHECK(last("20260103T015959") == 2);
  CHECK(last("20260103") == 3);
  const auto early = Occurrences::make(*parse_recurrence("FREQ=DAILY;UNTIL=20251231"),
                                       *parse_local_time("2026-01-01"), TimeZone::utc());
  CHECK_FALSE(early);
}

TEST_CASE("what is no rule is refused with what may stand there") {
  CHECK(parse_recurrence("rrule:freq=weekly;byday=su"));
  CHECK(refusal("FREQ=SOMETIMES").find("HOURLY, DAILY") != std::string::npos);
  CHECK(refusal("INTERVAL=2").find("FREQ is missing") != std::string::npos);
  CHECK(refusal("FREQ=DAILY;COUNT=3;UNTIL=20260101").find("exclude each other") !=
        std::string::npos);
  CHECK(refusal("FREQ=DAILY;INTREVAL=2").find("did you mean INTERVAL?") != std::string::npos);
  CHECK(refusal("FREQ=MONTHLY;BYYEARDAY=1").find("use FREQ=YEARLY") != std::string::npos);
  CHECK(refusal("FREQ=MONTHLY;BYWEEKNO=1").find("needs FREQ=YEARLY") != std::string::npos);
  CHECK(refusal("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO").find("BYWEEKNO") != std::string::npos);
  CHECK(refusal("FREQ=SECONDLY;BYSECOND=1;BYSETPOS=2").find("at most 1") != std::string::npos);
  CHECK(refusal("FREQ=HOURLY;BYMINUTE=1,2;BYSETPOS=3").find("at most 2") != std::string::npos);
  CHECK(refusal("FREQ=WEEKLY;BYDAY=1MO").find("FREQ=MONTHLY") != std::string::npos);
  CHECK(refusal("FREQ=WEEKLY;BYMONTHDAY=1").find("FREQ=MONTHLY") != std::string::npos);
  CHECK(refusal("FREQ=DAILY;FREQ=DAILY").find("twice") != std::string::npos);
  CHECK(refusal("FREQ=DAILY;BYSETPOS=1").find("another BY part") != std::string::npos);
  for (const char* wrong :
       {"", "DAILY", "FREQ=", "FREQ=DAILY;", "FREQ=DAILY;BYDAY=XX", "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=54MO", "FREQ=DAILY;UNTIL=2026", "FREQ=DAILY;UNTIL=20260230",
        "FREQ=DAILY;UNTIL=20260101X000000", "FREQ=DAILY;WKST=8", "FREQ=DAILY;BYMONTHDAY=0"}) {
    CHECK_MESSAGE(!parse_recurrence(wrong), wrong);
  }
  CHECK_FALSE(Occurrences::make(*parse_recurrence("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"),
                                *parse_local_time("2026-01-01"), TimeZone::utc()));
}

TEST_CASE("every limit of a rule holds on both sides") {
  for (const auto& row :
       std::vector<std::pair<std::string, std::string>>{{"COUNT=100000", "COUNT=100001"},
                                                        {"COUNT=1", "COUNT=0"},
                                                        {"INTERVAL=10000", "INTERVAL=10001"},
                                                        {"INTERVAL=1", "INTERVAL=0"},
                                                        {"BYHOUR=0,23", "BYHOUR=24"},
                                                        {"BYMINUTE=0,59", "BYMINUTE=60"},
                                                        {"BYSECOND=0,60", "BYSECOND=61"},
                                                        {"BYMONTH=1,12", "BYMONTH=13"},
                                                        {"BYMONTHDAY=31,-31", "BYMONTHDAY=32"}}) {
    const auto& good = row.first;
    const auto& bad = row.second;
    CHECK_MESSAGE(parse_recurrence("FREQ=MONTHLY;" + good), good);
    CHECK_MESSAGE(!parse_recurrence("FREQ=MONTHLY;" + bad), bad);
  }
}
