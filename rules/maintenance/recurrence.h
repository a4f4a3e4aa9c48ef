#pragma once
// Recurrence rules of iCalendar, on the wall clock of a time zone.
// Source: RFC 5545, sections 3.3.10 (Recurrence Rule) and 3.3.5 (times that a zone skips or
// repeats).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/text/time_zone.h"

namespace nines::maintenance {

enum class Frequency : std::uint8_t {
  kSecondly,
  kMinutely,
  kHourly,
  kDaily,
  kWeekly,
  kMonthly,
  kYearly
};

struct WeekdayPart {     // of BYDAY: MO, 1FR, -1SU
  int ordinal = 0;       // 0: every one; else the n-th of the month or year, negative from its end
  unsigned weekday = 0;  // 0 is Sunday
  bool operator==(const WeekdayPart&) const = default;
};

struct Until {
  LocalTime at{};       // inclusive
  bool is_utc = false;  // else on the zone's own clock
  bool operator==(const Until&) const = default;
};

struct Recurrence {
  Frequency frequency = Frequency::kDaily;
  int interval = 1;
  int count = 0;  // 0: no COUNT
  std::optional<Until> until;
  std::vector<WeekdayPart> by_day;
  std::vector<int> by_month_day;  // 1 to 31, or negative from the month's end
  std::vector<int> by_year_day;   // 1 to 366, or negative from the year's end
  std::vector<int> by_week_no;    // 1 to 53, or negative; weeks as ISO 8601 counts them, from WKST
  std::vector<int> by_month;
  // These three ascending, each once.
  std::vector<int> by_hour;
  std::vector<int> by_minute;
  std::vector<int> by_second;  // 60, a leap second, has become 59
  std::vector<int>
      by_position;          // BYSETPOS: of the occurrences of one period, negative from the end
  unsigned week_start = 1;  // WKST, 0 is Sunday
  bool operator==(const Recurrence&) const = default;
};

inline constexpr int kCountMax = 100'000;
inline constexpr int kIntervalMax = 10'000;

// "FREQ=WEEKLY;BYDAY=SU", in any case and order; a leading "RRULE:" is taken. kInvalid: names the
// part and what may stand there.
Result<Recurrence> parse_recurrence(std::string_view text);

// The occurrences of one rule. Immutable, any thread. The start itself is an occurrence only when
// the rule says so.
class Occurrences {
 public:
  // kInvalid: a rule that has no occurrence within a hundred years, or within the first twenty
  // million seconds, minutes or hours that it has to look at.
  static Result<Occurrences> make(Recurrence rule, LocalTime start, TimeZone zone);
  // Those in [from, to), ascending, each once.
  std::vector<Timestamp> between(Timestamp from, Timestamp to) const;
  const Recurrence& rule() const { return rule_; }

 private:
  Occurrences(Recurrence rule, LocalTime start, TimeZone zone)
      : rule_(std::move(rule)), start_(start), zone_(std::move(zone)) {}
  // A period is a day, week, month or year of the rule's interval; where the rule goes by hours or
  // less, it is an hour, of which nothing may be wanted.
  std::vector<LocalTime> of_period(std::int64_t period) const;
  void add_day(std::chrono::local_days day, std::vector<LocalTime>& out) const;
  void add_hour(LocalTime hour, std::vector<LocalTime>& out) const;
  LocalTime first_of(std::int64_t period) const;
  std::int64_t period_of(LocalTime at) const;
  Result<void> find_last();

  Recurrence rule_;
  LocalTime start_;
  TimeZone zone_;
  std::optional<LocalTime> last_;  // where COUNT ends
};

// The instant of a wall-clock time, as RFC 5545 wants it: one that is skipped is taken with the
// offset from before the jump, one that occurs twice is its first occurrence.
Timestamp instant_of(const TimeZone& zone, LocalTime local);

}  // namespace nines::maintenance
