#include <doctest/doctest.h>

#include "base/text/numbers.h"

namespace nines {
namespace {

std::int64_t nanos(Result<LogTime> at) {
  REQUIRE(at.has_value());
  return at->time_since_epoch().count();
}

TEST_CASE("a time is written in UTC with milliseconds, before 1970 too") {
  CHECK(format_time(from_millis(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(format_time(from_millis(1'795'428'000'123)) == "2026-11-23T10:00:00.123Z");
  CHECK(format_time(from_millis(-1)) == "1969-12-31T23:59:59.999Z");
  CHECK(format_time(from_millis(951'782'400'000)) == "2000-02-29T00:00:00.000Z");
}

TEST_CASE("a time is read as RFC 3339 with any offset, or as seconds") {
  CHECK(to_millis(*parse_time("2026-11-23T10:00:00Z")) == 1'795'428'000'000);
  CHECK(to_millis(*parse_time("2026-11-23T12:30:00+02:30")) == 1'795'428'000'000);
  CHECK(to_millis(*parse_time("2026-11-23T05:00:00.5-05:00")) == 1'795'428'000'500);
  CHECK(to_millis(*parse_time("2026-11-23T10:00:00.1239999Z")) == 1'795'428'000'123);
  CHECK(to_millis(*parse_time("1795428000.123")) == 1'795'428'000'123);
  CHECK(to_millis(*parse_time("-1.5")) == -1500);
  CHECK(to_millis(*parse_time("1e9")) == 1'000'000'000'000);
  for (const std::int64_t ms : {0LL, 1'795'428'000'123LL, -62'135'596'800'000LL}) {
    CHECK(to_millis(*parse_time(format_time(from_millis(ms)))) == ms);
  }
}

TEST_CASE("a time that is none is refused") {
  for (const char* text :
       {"", "now", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-23",
        "2026-11-23T10:00:00", "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z",
        "2026-11-23T10:00:60Z", "2026-11-23T10:00:00.Z", "2026-11-23T10:00:00Zx",
        "2026-11-23T10:00:00+24:00", "26-11-23T10:00:00Z", "NaN", "Inf", "1e300"}) {
    const auto at = parse_time(text);
    REQUIRE_FALSE_MESSAGE(at.has_value(), text);
    CHECK(at.error().code() == ErrorCode::kInvalid);
    CHECK_FALSE_MESSAGE(parse_log_time(text).has_value(), text);
  }
}

TEST_CASE("a log time keeps nanoseconds; more than ten characters of integer are nanoseconds") {
  CHECK(nanos(parse_log_time("1795428000123456789")) == 1'795'428'000'123'456'789);
  CHECK(nanos(parse_log_time("2026-11-23T10:00:00.123456789Z")) == 1'795'428'000'123'456'789);
  CHECK(nanos(parse_log_time("1795428000")) == 1'795'428'000'000'000'000);
  CHECK(nanos(parse_log_time("1795428000.5")) == 1'795'428'000'500'000'000);
  CHECK(nanos(parse_log_time("2026-11-23T10:00:00.1234567899Z")) == 1'795'428'000'123'456'789);
  CHECK(nanos(parse_log_time("9223372035")) == 9'223'372'035'000'000'000);
}

TEST_CASE("a log time outside the range of nanoseconds is refused, not wrapped") {
  CHECK_FALSE(parse_log_time("9999-12-31T00:00:00Z").has_value());
  CHECK_FALSE(parse_log_time("0001-01-01T00:00:00Z").has_value());
  CHECK_FALSE(parse_log_time("1e10").has_value());
  CHECK_FALSE(parse_log_time("9999999999").has_value());
  CHECK(parse_log_time("2262-01-01T00:00:00Z").has_value());
}

}  // namespace
}  // namespace nines
