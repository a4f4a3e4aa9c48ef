#include "rules/maintenance/internal/recurrence_days.h"

#include <algorithm>

namespace nines::maintenance {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::year_month_day;

bool holds(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

unsigned weekday_of(local_days day) {
  return std::chrono::weekday(day).c_encoding();
}

// A place counted from the start of a span of `length`, or from its end.
bool holds_place(const std::vector<int>& list, std::int64_t place, std::int64_t length) {
  return holds(list, static_cast<int>(place)) || holds(list, static_cast<int>(place - length - 1));
}

struct DaySpan {
  local_days first, last;
};

DaySpan month_span(year_month_day date) {
  return {local_days(date.year() / date.month() / 1),
          local_days(date.year() / date.month() / std::chrono::last)};
}

DaySpan year_span(std::chrono::year year) {
  return {local_days(year / 1 / 1), local_days(year / 12 / 31)};
}

bool is_in(const std::vector<int>& list, local_days day, DaySpan span) {
  return list.empty() ||
         holds_place(list, (day - span.first).count() + 1, (span.last - span.first).count() + 1);
}

// Week 1 is the first with at least four days in its year, so a week is of the year its fourth day
// lies in, and the 28th of December always is in the last.
bool is_in_week(const Recurrence& rule, local_days day) {
  if (rule.by_week_no.empty()) return true;
  const local_days week = week_of(day, rule.week_start);
  const std::chrono::year year = year_month_day(week + days(3)).year();
  const local_days first = week_of(local_days(year / 1 / 4), rule.week_start);
  const local_days last = week_of(local_days(year / 12 / 28), rule.week_start);
  return holds_place(rule.by_week_no, (week - first).count() / 7 + 1,
                     (last - first).count() / 7 + 1);
}

bool matches(const WeekdayPart& part, local_days day, DaySpan span) {
  if (weekday_of(day) != part.weekday) return false;
  if (part.ordinal == 0) return true;
  const auto nth =
      part.ordinal > 0 ? (day - span.first).count() / 7 + 1 : -((span.last - day).count() / 7 + 1);
  return nth == part.ordinal;
}

bool is_wanted_weekday(const Recurrence& rule, local_days day, year_month_day date) {
  // "The first Monday" is of the month when months are named, else of the year.
  const bool of_year = rule.frequency == Frequency::kYearly && rule.by_month.empty();
  const DaySpan span = of_year ? year_span(date.year()) : month_span(date);
  return std::any_of(rule.by_day.begin(), rule.by_day.end(),
                     [&](const WeekdayPart& part) { return matches(part, day, span); });
}

// What the rule does not say, the start does.
bool is_like_start(const Recurrence& rule, local_days day, local_days start) {
  const year_month_day date(day);
  const year_month_day first(start);
  if (!rule.by_month_day.empty() || !rule.by_year_day.empty()) return true;
  if (!rule.by_week_no.empty()) return weekday_of(day) == weekday_of(start);
  switch (rule.frequency) {
    case Frequency::kYearly:
      return date.day() == first.day() && (!rule.by_month.empty() || date.month() == first.month());
    case Frequency::kMonthly:
      return date.day() == first.day();
    case Frequency::kWeekly:
      return weekday_of(day) == weekday_of(start);
    default:
      return true;
  }
}

}  // namespace

local_days week_of(local_days day, unsigned week_start) {
  return day - days((weekday_of(day) + 7 - week_start) % 7);
}

bool wants_day(const Recurrence& rule, local_days day, local_days start) {
  const year_month_day date(day);
  if (!rule.by_month.empty() &&
      !holds(rule.by_month, static_cast<int>(static_cast<unsigned>(date.month()))))
    return false;
  if (!rule.by_month_day.empty() && !is_in(rule.by_month_day, day, month_span(date))) return false;
  if (!rule.by_year_day.empty() && !is_in(rule.by_year_day, day, year_span(date.year())))
    return false;
  if (!is_in_week(rule, day)) return false;
  return rule.by_day.empty() ? is_like_start(rule, day, start) : is_wanted_weekday(rule, day, date);
}

}  // namespace nines::maintenance
