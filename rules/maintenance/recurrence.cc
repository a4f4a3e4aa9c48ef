#include "rules/maintenance/recurrence.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace nines::maintenance {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::year_month;
using std::chrono::year_month_day;

constexpr int kYearsMax = 100;  // how far occurrences are looked for

template <typename T>
bool holds(const std::vector<T>& list, T value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

unsigned weekday_of(local_days day) {
  return std::chrono::weekday(day).c_encoding();
}

// A stretch of days: a month, or a year.
struct DaySpan {
  local_days first, last;
};

DaySpan month_span(year_month month) {
  return {local_days(month / std::chrono::day(1)), local_days(month / std::chrono::last)};
}

DaySpan year_span(std::chrono::year year) {
  return {local_days(year / 1 / 1), local_days(year / 12 / 31)};
}

// Whether `day` is what `part` means within the span.
bool matches(const WeekdayPart& part, local_days day, DaySpan span) {
  if (weekday_of(day) != part.weekday) return false;
  if (part.ordinal == 0) return true;
  const auto nth =
      part.ordinal > 0 ? (day - span.first).count() / 7 + 1 : -((span.last - day).count() / 7 + 1);
  return nth == part.ordinal;
}

bool is_wanted_day(const Recurrence& rule, local_days day, DaySpan span) {
  return rule.by_day.empty() ||
         std::any_of(rule.by_day.begin(), rule.by_day.end(),
                     [&](const WeekdayPart& part) { return matches(part, day, span); });
}

bool is_wanted_month(const Recurrence& rule, local_days day) {
  const auto month = static_cast<unsigned>(year_month_day(day).month());
  return rule.by_month.empty() || holds(rule.by_month, static_cast<int>(month));
}

bool is_wanted_month_day(const Recurrence& rule, local_days day) {
  if (rule.by_month_day.empty()) return true;
  const year_month_day date(day);
  const int from_start = static_cast<int>(static_cast<unsigned>(date.day()));
  const auto last = static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
  const int from_end = from_start - static_cast<int>(last) - 1;
  return holds(rule.by_month_day, from_start) || holds(rule.by_month_day, from_end);
}

bool is_start_day_of_month(local_days day, local_days start) {
  return year_month_day(day).day() == year_month_day(start).day();
}

// The days of one month that the rule wants.
void add_month(const Recurrence& rule, year_month month, DaySpan for_ordinals, local_days start,
               std::vector<local_days>& out) {
  const DaySpan span = month_span(month);
  for (local_days day = span.first; day <= span.last; day += days(1)) {
    const bool wanted =
        rule.by_month_day.empty() && rule.by_day.empty()
            ? is_start_day_of_month(day, start)
            : is_wanted_month_day(rule, day) && is_wanted_day(rule, day, for_ordinals);
    if (wanted) out.push_back(day);
  }
}

void add_year(const Recurrence& rule, std::chrono::year year, local_days start,
              std::vector<local_days>& out) {
  const bool by_parts = !rule.by_month_day.empty() || !rule.by_day.empty();
  for (int m = 1; m <= 12; ++m) {
    const year_month month = year / std::chrono::month(static_cast<unsigned>(m));
    const bool wanted = !rule.by_month.empty() ? holds(rule.by_month, m)
                        : by_parts             ? true
                                               : month.month() == year_month_day(start).month();
    if (!wanted) continue;
    // "The first Monday" is of the month when months are named, else of the year.
    add_month(rule, month, rule.by_month.empty() ? year_span(year) : month_span(month), start, out);
  }
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

local_days week_of(local_days day, unsigned week_start) {
  return day - days((weekday_of(day) + 7 - week_start) % 7);
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

local_days Occurrences::first_day(std::int64_t period) const {
  const local_days start = day_of(start_);
  const std::int64_t steps = period * rule_.interval;
  switch (rule_.frequency) {
    case Frequency::kDaily:
      return start + days(steps);
    case Frequency::kWeekly:
      return week_of(start, rule_.week_start) + days(7 * steps);
    case Frequency::kMonthly:
      return month_span(month_of(start) + std::chrono::months(steps)).first;
    case Frequency::kYearly:
      break;
  }
  return year_span(year_month_day(start).year() + std::chrono::years(steps)).first;
}

// The period `day` lies in, or the one before the gap it lies in.
std::int64_t Occurrences::period_of(local_days day) const {
  const local_days start = day_of(start_);
  std::int64_t units = 0;
  switch (rule_.frequency) {
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

std::vector<LocalTime> Occurrences::of_period(std::int64_t period) const {
  const local_days first = first_day(period);
  const local_days start = day_of(start_);
  std::vector<local_days> wanted;
  switch (rule_.frequency) {
    case Frequency::kDaily:
      if (is_wanted_month(rule_, first) && is_wanted_month_day(rule_, first) &&
          is_wanted_day(rule_, first, {first, first})) {
        wanted.push_back(first);
      }
      break;
    case Frequency::kWeekly:
      for (int i = 0; i < 7; ++i) {
        const local_days day = first + days(i);
        const bool right_day = rule_.by_day.empty() ? weekday_of(day) == weekday_of(start)
                                                    : is_wanted_day(rule_, day, {day, day});
        if (right_day && is_wanted_month(rule_, day)) wanted.push_back(day);
      }
      break;
    case Frequency::kMonthly:
      if (is_wanted_month(rule_, first))
        add_month(rule_, month_of(first), month_span(month_of(first)), start, wanted);
      break;
    case Frequency::kYearly:
      add_year(rule_, year_month_day(first).year(), start, wanted);
      break;
  }
  const auto of_day = start_ - start;
  const auto start_hour = std::chrono::floor<std::chrono::hours>(of_day);
  const auto start_minute = std::chrono::floor<std::chrono::minutes>(of_day - start_hour);
  const auto rest = of_day - start_hour - start_minute;
  const std::vector<int> hours = rule_.by_hour.empty()
                                     ? std::vector<int>{static_cast<int>(start_hour.count())}
                                     : rule_.by_hour;
  const std::vector<int> minutes = rule_.by_minute.empty()
                                       ? std::vector<int>{static_cast<int>(start_minute.count())}
                                       : rule_.by_minute;
  std::vector<LocalTime> out;
  for (const local_days day : wanted) {
    for (const int hour : hours) {
      for (const int minute : minutes) {
        out.push_back(
            LocalTime(day + std::chrono::hours(hour) + std::chrono::minutes(minute) + rest));
      }
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  out = at_positions(out, rule_.by_position);
  std::erase_if(out, [&](LocalTime at) { return at < start_; });
  return out;
}

// COUNT counts from the start, whatever is asked for later: where it ends is found out once.
Result<void> Occurrences::find_last() {
  const local_days end = day_of(start_) + days(366LL * kYearsMax);
  int found = 0;
  for (std::int64_t period = 0; first_day(period) < end; ++period) {
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
  const local_days first = day_of(zone_.to_local(from)) - days(1);
  const local_days last = day_of(zone_.to_local(to)) + days(1);
  for (std::int64_t period = std::max<std::int64_t>(0, period_of(first)); first_day(period) <= last;
       ++period) {
    for (const LocalTime local : of_period(period)) {
      if (last_ && local > *last_) break;
      const Timestamp at = instant_of(zone_, local);
      if (rule_.until) {
        const bool over = rule_.until->is_utc
                              ? at.time_since_epoch() > rule_.until->at.time_since_epoch()
                              : local > rule_.until->at;
        if (over) break;
      }
      if (at >= from && at < to) out.push_back(at);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace nines::maintenance
