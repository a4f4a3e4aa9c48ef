#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <span>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/maintenance/recurrence.h"

namespace nines::maintenance {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};
constexpr std::array<std::string_view, 7> kFrequencies = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY",
                                                          "WEEKLY",   "MONTHLY",  "YEARLY"};
constexpr std::array<std::string_view, 14> kParts = {
    "FREQ",     "INTERVAL", "COUNT",  "UNTIL",    "BYDAY",    "BYMONTHDAY", "BYYEARDAY",
    "BYWEEKNO", "BYMONTH",  "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS",   "WKST"};

Error wrong(std::string_view part, std::string_view value, std::string_view wanted) {
  return {ErrorCode::kInvalid,
          std::string(part) + "=" + std::string(value) + ": " + std::string(wanted)};
}

std::string in_words(std::span<const std::string_view> all) {
  const std::vector<std::string> words(all.begin(), all.end());
  return join(words, ", ");
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::optional<int> whole(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto number = parse_int(text);
  if (!number || *number < -100'000 || *number > 1'000'000) return std::nullopt;
  return static_cast<int>(*number);
}

// A list of numbers within [least, most]; with `signed_too`, within [-most, -least] as well.
Result<std::vector<int>> numbers(std::string_view part, std::string_view value, int least, int most,
                                 bool signed_too = false) {
  std::vector<int> out;
  for (const std::string_view one : split(value, ',')) {
    const std::optional<int> number = whole(one);
    const bool fits = number && ((*number >= least && *number <= most) ||
                                 (signed_too && *number <= -least && *number >= -most));
    if (!fits) {
      const std::string range = std::to_string(least) + " to " + std::to_string(most);
      return wrong(
          part, value,
          "numbers from " + range +
              (signed_too ? ", or negative ones, separated by commas" : ", separated by commas"));
    }
    out.push_back(*number);
  }
  return out;
}

// Ascending, each once.
Result<std::vector<int>> clock_numbers(std::string_view part, std::string_view value, int most) {
  NINES_TRY(std::vector<int> out, numbers(part, value, 0, most));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::optional<unsigned> weekday(std::string_view name) {
  const auto* found = std::find(kWeekdays.begin(), kWeekdays.end(), name);
  if (found == kWeekdays.end()) return std::nullopt;
  return static_cast<unsigned>(found - kWeekdays.begin());
}

Result<std::vector<WeekdayPart>> weekdays(std::string_view value) {
  std::vector<WeekdayPart> out;
  for (const std::string_view one : split(value, ',')) {
    WeekdayPart part;
    const auto day = one.size() < 2 ? std::nullopt : weekday(one.substr(one.size() - 2));
    bool good = day.has_value();
    if (day) part.weekday = *day;
    if (good && one.size() > 2) {
      const std::optional<int> ordinal = whole(one.substr(0, one.size() - 2));
      good = ordinal && *ordinal != 0 && *ordinal >= -53 && *ordinal <= 53;
      if (good) part.ordinal = *ordinal;
    }
    if (!good) {
      return wrong("BYDAY", value,
                   "days like MO or SU, with an ordinal before them in MONTHLY and YEARLY rules, "
                   "like 1MO or -1FR, separated by commas");
    }
    out.push_back(part);
  }
  return out;
}

// "19971224", "19971224T000000" or "19971224T000000Z". A date alone takes in its whole day.
Result<Until> until(std::string_view value) {
  const auto refused = [&] {
    return wrong("UNTIL", value,
                 "a date like 20261231, a local time like 20261231T020000 or, in UTC, "
                 "20261231T020000Z");
  };
  Until out;
  std::string_view digits = value;
  if (digits.ends_with('Z')) {
    out.is_utc = true;
    digits.remove_suffix(1);
  }
  const bool date_only = digits.size() == 8 && !out.is_utc;
  if (!date_only && (digits.size() != 15 || digits[8] != 'T')) return refused();
  std::string text = std::string(digits.substr(0, 4)) + "-" + std::string(digits.substr(4, 2)) +
                     "-" + std::string(digits.substr(6, 2));
  text += date_only
              ? " 23:59:59"
              : " " + std::string(digits.substr(9, 2)) + ":" + std::string(digits.substr(11, 2)) +
                    ":" + std::string(digits.substr(13, 2));
  const auto at = parse_local_time(text);
  if (!at) return refused();
  out.at = *at;
  return out;
}

Result<void> set_part(std::string_view part, std::string_view value, Recurrence& rule) {
  if (part == "FREQ") {
    const auto* found = std::find(kFrequencies.begin(), kFrequencies.end(), value);
    if (found == kFrequencies.end())
      return wrong(part, value, "must be one of " + in_words(kFrequencies));
    rule.frequency = static_cast<Frequency>(found - kFrequencies.begin());
  } else if (part == "INTERVAL" || part == "COUNT") {
    const int most = part == "COUNT" ? kCountMax : kIntervalMax;
    const std::optional<int> number = whole(value);
    if (!number || *number < 1 || *number > most) {
      return wrong(part, value, "must be a whole number from 1 to " + std::to_string(most));
    }
    (part == "COUNT" ? rule.count : rule.interval) = *number;
  } else if (part == "UNTIL") {
    NINES_TRY(rule.until, until(value));
  } else if (part == "BYDAY") {
    NINES_TRY(rule.by_day, weekdays(value));
  } else if (part == "BYMONTHDAY") {
    NINES_TRY(rule.by_month_day, numbers(part, value, 1, 31, true));
  } else if (part == "BYYEARDAY") {
    NINES_TRY(rule.by_year_day, numbers(part, value, 1, 366, true));
  } else if (part == "BYWEEKNO") {
    NINES_TRY(rule.by_week_no, numbers(part, value, 1, 53, true));
  } else if (part == "BYMONTH") {
    NINES_TRY(rule.by_month, numbers(part, value, 1, 12));
  } else if (part == "BYHOUR") {
    NINES_TRY(rule.by_hour, clock_numbers(part, value, 23));
  } else if (part == "BYMINUTE") {
    NINES_TRY(rule.by_minute, clock_numbers(part, value, 59));
  } else if (part == "BYSECOND") {
    NINES_TRY(rule.by_second, clock_numbers(part, value, 60));
    // Clocks here have no leap second: the RFC then takes the 59th.
    if (rule.by_second.back() == 60) {
      rule.by_second.pop_back();
      if (rule.by_second.empty() || rule.by_second.back() != 59) rule.by_second.push_back(59);
    }
  } else if (part == "BYSETPOS") {
    NINES_TRY(rule.by_position, numbers(part, value, 1, 366, true));
  } else if (part == "WKST") {
    const auto day = weekday(value);
    if (!day) return wrong(part, value, "must be one of SU, MO, TU, WE, TH, FR, SA");
    rule.week_start = *day;
  } else {
    std::string message = "unknown part " + quote_go(part);
    const std::string_view near = nearest_word(part, kParts);
    if (!near.empty()) message += ", did you mean " + std::string(near) + "?";
    return Error(ErrorCode::kInvalid, message + "; parts are " + in_words(kParts));
  }
  return {};
}

// How many times a period of hours or less may have at most; 0: more than BYSETPOS can say.
std::size_t times_in_period(const Recurrence& rule) {
  const std::size_t seconds = std::max<std::size_t>(1, rule.by_second.size());
  const std::size_t minutes = std::max<std::size_t>(1, rule.by_minute.size());
  switch (rule.frequency) {
    case Frequency::kSecondly:
      return 1;
    case Frequency::kMinutely:
      return seconds;
    case Frequency::kHourly:
      return minutes * seconds;
    default:
      return 0;
  }
}

Result<void> check_positions(const Recurrence& rule) {
  if (rule.by_position.empty()) return {};
  const bool other_parts = !rule.by_day.empty() || !rule.by_month_day.empty() ||
                           !rule.by_year_day.empty() || !rule.by_week_no.empty() ||
                           !rule.by_month.empty() || !rule.by_hour.empty() ||
                           !rule.by_minute.empty() || !rule.by_second.empty();
  if (!other_parts)
    return Error(ErrorCode::kInvalid, "BYSETPOS needs another BY part to choose from");
  const std::size_t most = times_in_period(rule);
  const auto is_there = [&](int position) {
    return static_cast<std::size_t>(std::abs(position)) <= most;
  };
  if (most > 0 && std::none_of(rule.by_position.begin(), rule.by_position.end(), is_there)) {
    return Error(ErrorCode::kInvalid, "BYSETPOS never holds: a period of this rule has at most " +
                                          std::to_string(most) + " times");
  }
  return {};
}

// What RFC 5545 forbids together.
Result<void> check(const Recurrence& rule, const std::set<std::string>& seen) {
  if (!seen.contains("FREQ")) {
    return Error(ErrorCode::kInvalid, "FREQ is missing, like FREQ=WEEKLY;BYDAY=SU");
  }
  if (rule.count > 0 && rule.until)
    return Error(ErrorCode::kInvalid, "COUNT and UNTIL exclude each other: leave one out");
  const Frequency frequency = rule.frequency;
  const bool by_month = frequency == Frequency::kMonthly || frequency == Frequency::kYearly;
  const bool ordinals = std::any_of(rule.by_day.begin(), rule.by_day.end(),
                                    [](const WeekdayPart& part) { return part.ordinal != 0; });
  if (ordinals && !by_month) {
    return Error(ErrorCode::kInvalid,
                 "an ordinal in BYDAY, like 1MO, needs FREQ=MONTHLY or FREQ=YEARLY");
  }
  if (ordinals && !rule.by_week_no.empty()) {
    return Error(ErrorCode::kInvalid,
                 "an ordinal in BYDAY, like 1MO, does not go with BYWEEKNO: leave one out");
  }
  if (frequency == Frequency::kWeekly && !rule.by_month_day.empty())
    return Error(ErrorCode::kInvalid, "BYMONTHDAY does not go with FREQ=WEEKLY: use FREQ=MONTHLY");
  if (frequency != Frequency::kYearly && !rule.by_week_no.empty())
    return Error(ErrorCode::kInvalid, "BYWEEKNO needs FREQ=YEARLY");
  const bool of_days = frequency == Frequency::kDaily || frequency == Frequency::kWeekly ||
                       frequency == Frequency::kMonthly;
  if (of_days && !rule.by_year_day.empty()) {
    return Error(ErrorCode::kInvalid,
                 "BYYEARDAY does not go with FREQ=DAILY, WEEKLY or MONTHLY: use FREQ=YEARLY");
  }
  return check_positions(rule);
}

}  // namespace

Result<Recurrence> parse_recurrence(std::string_view text) {
  std::string rule_text = upper(trim(text));
  if (rule_text.starts_with("RRULE:")) rule_text.erase(0, 6);
  Recurrence rule;
  std::set<std::string> seen;
  for (const std::string_view piece : split(rule_text, ';')) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos || equals + 1 == piece.size()) {
      return Error(ErrorCode::kInvalid, quote_go(piece) +
                                            " is no part of a rule: parts are NAME=VALUE, "
                                            "separated by semicolons, like FREQ=WEEKLY;BYDAY=SU");
    }
    const std::string name(piece.substr(0, equals));
    if (!seen.insert(name).second)
      return Error(ErrorCode::kInvalid, name + " stands in the rule twice");
    if (auto set = set_part(name, piece.substr(equals + 1), rule); !set) return set.error();
  }
  if (auto good = check(rule, seen); !good) return good.error();
  return rule;
}

}  // namespace nines::maintenance
