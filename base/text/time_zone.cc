#include "base/text/time_zone.h"

#include <cstdio>
#include <stdexcept>

#include <date/tz.h>

#include "base/text/text.h"

namespace nines {
namespace {

using Ms = std::chrono::milliseconds;

const date::time_zone& zone_of(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
}

}  // namespace

Result<TimeZone> TimeZone::find(const std::string& name) {
  if (name.empty() || name == "UTC") return utc();
  try {
    return TimeZone(name, date::locate_zone(name));
  } catch (const std::runtime_error&) {
    return Error(ErrorCode::kNotFound, "no time zone " + quote_go(name) +
                                           " on this machine; names are like \"Europe/Paris\" "
                                           "(package tzdata)");
  }
}

TimeZone TimeZone::utc() {
  return {"UTC", nullptr};
}

LocalTime TimeZone::to_local(Timestamp at) const {
  if (zone_ == nullptr) return LocalTime(at.time_since_epoch());
  return LocalTime(
      zone_of(zone_).to_local(date::sys_time<Ms>(at.time_since_epoch())).time_since_epoch());
}

std::string TimeZone::abbreviation(Timestamp at) const {
  if (zone_ == nullptr) return "UTC";
  return zone_of(zone_).get_info(date::sys_time<Ms>(at.time_since_epoch())).abbrev;
}

Timestamp TimeZone::to_utc(LocalTime local) const {
  if (zone_ == nullptr) return Timestamp(local.time_since_epoch());
  const date::local_time<Ms> wall(local.time_since_epoch());
  return Timestamp(zone_of(zone_).to_sys(wall, date::choose::earliest).time_since_epoch());
}

Result<LocalTime> parse_local_time(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, end = 0;
  const int fields = std::sscanf(text.c_str(), "%4d-%2d-%2d%n %2d:%2d:%2d%n", &year, &month, &day,
                                 &end, &hour, &minute, &second, &end);
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  const bool whole = (fields == 3 || fields == 6) && static_cast<std::size_t>(end) == text.size();
  if (!whole || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 59) {
    return Error(ErrorCode::kInvalid,
                 quote_go(text) + " is no local time like \"2026-01-01 00:00:00\"");
  }
  return LocalTime(std::chrono::local_days(date) + std::chrono::hours(hour) +
                   std::chrono::minutes(minute) + std::chrono::seconds(second));
}

}  // namespace nines
