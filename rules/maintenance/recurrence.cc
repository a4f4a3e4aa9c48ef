#include "rules/maintenance/recurrence.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/maintenance/internal/recurrence_days.h"

namespace nines::maintenance {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::year_month;
using std::chrono::year_month_day;

constexpr int kYearsMax = 100;  // how far occurrences are looked for
constexpr std::int64_t kLookedAtMax = 20'000'000;

bool holds(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

local_days day_of(LocalTime at) {
  return std::chrono::floor<days>(at);
}

year_month month_of(local_days day) {
  const year_month_day date(day);
  return date.year() / date.month();
}

LocalTime floor_to(LocalTime at, seconds unit) {
  return LocalTime(at.time_since_epoch() - (at - day_of(at)) % unit);
}

std::vector<int> or_else(const std::vector<int>& named, std::int64_t otherwise) {
  return named.empty() ? std::vector<int>{static_cast<int>(otherwise)} : named;
}

// Of the occurrences of one period, those at the positions asked for.
std::vector<LocalTime> at_positions(const std::vector<LocalTime>& all,
                                    const std::vector<int>& positions) {
  if (positions.empty()) return all;
  std::vector<LocalTime> out;
  const auto size = static_cast<int>(all.size());
  for (int i = 0; i < size; ++i) {
    if (holds(positions, i + 1) || holds(positions, i - size))
      out.push_back(all[static_cast<std::size_t>(i)]);
  }
  return out;
}

}  // namespace

Timestamp instant_of(const TimeZone& zone, LocalTime local) {
  const Timestamp at = zone.to_utc(local);
  const LocalTime shown = zone.to_local(at);
  if (shown == local) return at;
  // Skipped: `at` is the jump. Just before it the clock still had its old offset.
  const Timestamp before = at - Duration(1);
  const Duration offset = zone.to_local(before).time_since_epoch() - before.time_since_epoch();
  return Timestamp(local.time_since_epoch() - offset);
}

LocalTime Occurrences::first_of(std::int64_t period) const {
  const local_days start = day_of(start_);
  const std::int64_t steps = period * rule_.interval;
  switch (rule_.frequency) {
    case Frequency::kSecondly:
    case Frequency::kMinutely:
    case Frequency::kHourly:
      return std::chrono::floor<hours>(start_) + hours(period);
    case Frequency::kDaily:
      return start + days(steps);
    case Frequency::kWeekly:
      return week_of(start, rule_.week_start) + days(7 * steps);
    case Frequency::kMonthly:
      return local_days((month_of(start) + std::chrono::months(steps)) / 1);
    case Frequency::kYearly:
      break;
  }
  return local_days((year_month_day(start).year() + std::chrono::years(steps)) / 1 / 1);
}

// The period `at` lies in, or the one before the gap it lies in.
std::int64_t Occurrences::period_of(LocalTime at) const {
  const local_days start = day_of(start_);
  const local_days day = day_of(at);
  std::int64_t units = 0;
  switch (rule_.frequency) {
    case Frequency::kSecondly:
    case Frequency::kMinutely:
    case Frequency::kHourly:
      return (std::chrono::floor<hours>(at) - std::chrono::floor<hours>(start_)).count();
    case Frequency::kDaily:
      units = (day - start).count();
      break;
    case Frequency::kWeekly:
      units = floor_div((day - week_of(start, rule_.week_start)).count(), 7);
      break;
    case Frequency::kMonthly:
      units = (month_of(day) - month_of(start)).count();
      break;
    case Frequency::kYearly:
      units = (year_month_day(day).year() - year_month_day(start).year()).count();
      break;
  }
  return floor_div(units, rule_.interval);
}

void Occurrences::add_day(local_days day, std::vector<LocalTime>& out) const {
  const std::chrono::hh_mm_ss clock(start_ - day_of(start_));
  for (const int hour : or_else(rule_.by_hour, clock.hours().count())) {
    for (const int minute : or_else(rule_.by_minute, clock.minutes().count())) {
      for (const int second : or_else(rule_.by_second, clock.seconds().count())) {
        out.push_back(day + hours(hour) + minutes(minute) + seconds(second) + clock.subseconds());
      }
    }
  }
}

// The seconds, minutes or the one hour of the rule's interval within this hour.
void Occurrences::add_hour(LocalTime hour, std::vector<LocalTime>& out) const {
  const local_days day = day_of(hour);
  if (!rule_.by_hour.empty() &&
      !holds(rule_.by_hour,
             static_cast<int>(std::chrono::duration_cast<hours>(hour - day).count())))
    return;
  if (!wants_day(rule_, day, day_of(start_))) return;
  const std::chrono::hh_mm_ss clock(start_ - day_of(start_));
  const std::vector<int> of_minute = or_else(rule_.by_second, clock.seconds().count());
  const auto unit_length = rule_.frequency == Frequency::kHourly     ? seconds(3600)
                           : rule_.frequency == Frequency::kMinutely ? seconds(60)
                                                                     : seconds(1);
  // The first unit of this hour that is whole intervals after the start's own.
  const auto from_start = (hour - floor_to(start_, unit_length)) / unit_length;
  const std::int64_t first =
      floor_div(from_start + rule_.interval - 1, rule_.interval) * rule_.interval - from_start;
  for (std::int64_t unit = first; unit * unit_length < hours(1); unit += rule_.interval) {
    const LocalTime at = hour + unit * unit_length;
    const auto minute = static_cast<int>(std::chrono::floor<minutes>(at - hour).count());
    std::vector<LocalTime> set;
    const auto add_minute = [&](int m) {
      for (const int second : of_minute)
        set.push_back(hour + minutes(m) + seconds(second) + clock.subseconds());
    };
    if (rule_.frequency == Frequency::kHourly) {
      for (const int m : or_else(rule_.by_minute, clock.minutes().count())) add_minute(m);
    } else if (!rule_.by_minute.empty() && !holds(rule_.by_minute, minute)) {
      continue;
    } else if (rule_.frequency == Frequency::kMinutely) {
      add_minute(minute);
    } else {
      const auto second = static_cast<int>((at - hour - minutes(minute)) / seconds(1));
      if (rule_.by_second.empty() || holds(rule_.by_second, second))
        set.push_back(at + clock.subseconds());
    }
    for (const LocalTime one : at_positions(set, rule_.by_position)) out.push_back(one);
  }
}

std::vector<LocalTime> Occurrences::of_period(std::int64_t period) const {
  std::vector<LocalTime> out;
  const LocalTime first = first_of(period);
  if (rule_.frequency <= Frequency::kHourly) {
    add_hour(first, out);
  } else {
    const local_days start = day_of(start_);
    // Of a week, month or year every day; the periods between are the interval's.
    const local_days from = day_of(first);
    const year_month_day date(from);
    const local_days to =
        rule_.frequency == Frequency::kDaily    ? from + days(1)
        : rule_.frequency == Frequency::kWeekly ? from + days(7)
        : rule_.frequency == Frequency::kMonthly
            ? local_days((date.year() / date.month() + std::chrono::months(1)) / 1)
            : local_days((date.year() + std::chrono::years(1)) / 1 / 1);
    for (local_days day = from; day < to; day += days(1)) {
      if (wants_day(rule_, day, start)) add_day(day, out);
    }
    out = at_positions(out, rule_.by_position);
  }
  std::erase_if(out, [&](LocalTime at) { return at < start_; });
  return out;
}

// COUNT counts from the start, whatever is asked for later: where it ends is found out once.
Result<void> Occurrences::find_last() {
  const LocalTime end = start_ + days(366LL * kYearsMax);
  // How many seconds, minutes or hours a period costs at most.
  const std::int64_t cost = rule_.frequency == Frequency::kSecondly   ? 3600
                            : rule_.frequency == Frequency::kMinutely ? 60
                                                                      : 1;
  int found = 0;
  std::int64_t looked_at = 0;
  for (std::int64_t period = 0; first_of(period) < end; ++period) {
    const local_days day = day_of(first_of(period));
    if (rule_.frequency > Frequency::kHourly || wants_day(rule_, day, day_of(start_)))
      looked_at += cost;
    if (looked_at > kLookedAtMax && found == 0) break;
    for (const LocalTime at : of_period(period)) {
      last_ = at;
      if (++found == std::max(1, rule_.count)) {
        if (rule_.count == 0) last_.reset();
        return {};
      }
    }
  }
  if (found > 0) return {};  // fewer than COUNT
  return Error(ErrorCode::kInvalid,
               "the rule has no occurrence within a hundred years of its start: its parts exclude "
               "each other");
}

Result<Occurrences> Occurrences::make(Recurrence rule, LocalTime start, TimeZone zone) {
  Occurrences out(std::move(rule), start, std::move(zone));
  if (auto found = out.find_last(); !found) return found.error();
  if (!out.rule_.until) return out;
  const Timestamp from = instant_of(out.zone_, start);
  const Timestamp until = out.rule_.until->is_utc
                              ? Timestamp(out.rule_.until->at.time_since_epoch())
                              : instant_of(out.zone_, out.rule_.until->at);
  const Timestamp to =
      std::min(until + Duration(1), from + Duration(kYearsMax * 366LL * 86'400'000));
  if (to <= from || out.between(from, to).empty()) {
    return Error(ErrorCode::kInvalid, "UNTIL lies before the first occurrence");
  }
  return out;
}

std::vector<Timestamp> Occurrences::between(Timestamp from, Timestamp to) const {
  std::vector<Timestamp> out;
  if (to <= from) return out;
  // A day on both sides for what the offset of the zone, or a jump of its clock, may move.
  const LocalTime first = zone_.to_local(from) - days(1);
  const LocalTime last = zone_.to_local(to) + days(1);
  bool over = false;
  for (std::int64_t period = std::max<std::int64_t>(0, period_of(first));
       !over && first_of(period) <= last; ++period) {
    for (const LocalTime local : of_period(period)) {
      const Timestamp at = instant_of(zone_, local);
      over = last_ && local > *last_;
      if (rule_.until) {
        over = over ||
               (rule_.until->is_utc ? at.time_since_epoch() > rule_.until->at.time_since_epoch()
                                    : local > rule_.until->at);
      }
      if (over) break;
      if (at >= from && at < to) out.push_back(at);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace nines::maintenance
