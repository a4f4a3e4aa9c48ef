#pragma once
// Planned work: silences alerts, leaves its minutes out of error budgets, keeps remediation still.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/text/time_zone.h"
#include "rules/maintenance/recurrence.h"

namespace nines::maintenance {

inline constexpr Duration kDurationMin{60'000};
inline constexpr Duration kDurationMax{366LL * 86'400'000};

struct Maintenance {
  std::string name;               // unique
  std::vector<Matcher> matchers;  // whom it concerns: labels of alerts, or service and slo
  std::string comment;
  LocalTime start{};  // of the first window; whole minutes
  TimeZone zone = TimeZone::utc();
  Duration duration{};                     // elapsed time, whole minutes
  std::string rrule;                       // as written; empty: once
  std::optional<Occurrences> occurrences;  // of `rrule`
  // Starts besides those, and starts that are none: iCalendar's RDATE and EXDATE, on the zone's
  // clock.
  std::vector<LocalTime> rdate;
  std::vector<LocalTime> exdate;
  std::vector<std::chrono::local_days> exdate_days;  // no window begins on them
  // What it does, `effects`.
  bool silences = true;
  bool excludes = true;  // from error budgets
  bool stops_remediation = true;
  int line = 0;
  std::string created_by;             // of one that was added while nines ran
  std::optional<Timestamp> ended_at;  // nothing of it lasts from then on

  bool concerns(const LabelSet& labels) const {
    return !matchers.empty() && matches_all(matchers, labels);
  }
};
// The same definition, wherever it stands in the file.
bool operator==(const Maintenance& a, const Maintenance& b);

struct Span {  // [from, to)
  Timestamp from{};
  Timestamp to{};
  bool operator==(const Span&) const = default;
};

// Windows of one rule that may begin within one duration.
inline constexpr std::size_t kOverlapMax = 1'000;

// Reads `rrule` into `occurrences`, and checks start and duration. kInvalid.
Result<void> prepare(Maintenance& maintenance);

// The windows that overlap [from, to), whole, ascending; those that touch are one.
std::vector<Span> windows(const Maintenance& maintenance, Timestamp from, Timestamp to);
bool is_active(const Maintenance& maintenance, Timestamp at);

// Sorted, and those that touch or overlap made one.
std::vector<Span> united(std::vector<Span> spans);

// Names of those with the effect `effect` that are active and concern `labels`.
std::vector<std::string> active_for(std::span<const Maintenance> all, bool Maintenance::*effect,
                                    const LabelSet& labels, Timestamp at);

}  // namespace nines::maintenance
