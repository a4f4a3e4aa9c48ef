#include "rules/maintenance/maintenance.h"

#include <algorithm>
#include <utility>

#include "base/text/numbers.h"

namespace nines::maintenance {
namespace {

constexpr Duration kMinute{60'000};
constexpr Duration kOverlapSpan{24 * 3'600'000};  // how much of a long duration is counted out

// What asks whether a window lasts has to look at each that began within its duration.
Result<void> check_overlap(const Maintenance& maintenance) {
  const Timestamp start = instant_of(maintenance.zone, maintenance.start);
  const Duration looked_at = std::min(maintenance.duration, kOverlapSpan);
  const double windows =
      static_cast<double>(maintenance.occurrences->between(start, start + looked_at).size()) *
      (to_seconds(maintenance.duration) / to_seconds(looked_at));
  if (windows <= static_cast<double>(kOverlapMax)) return {};
  return Error(ErrorCode::kInvalid,
               "the rule begins more than " + std::to_string(kOverlapMax) +
                   " windows within one `duration`: choose a rarer rule, or one long window");
}

bool is_left_out(const Maintenance& maintenance, Timestamp at) {
  if (maintenance.exdate.empty() && maintenance.exdate_days.empty()) return false;
  const auto& days = maintenance.exdate_days;
  const auto day = std::chrono::floor<std::chrono::days>(maintenance.zone.to_local(at));
  const auto is_at = [&](LocalTime one) { return instant_of(maintenance.zone, one) == at; };
  return std::find(days.begin(), days.end(), day) != days.end() ||
         std::any_of(maintenance.exdate.begin(), maintenance.exdate.end(), is_at);
}

}  // namespace

bool operator==(const Maintenance& a, const Maintenance& b) {
  return a.name == b.name && a.matchers == b.matchers && a.start == b.start &&
         a.zone.name() == b.zone.name() && a.duration == b.duration && a.rrule == b.rrule &&
         a.rdate == b.rdate && a.exdate == b.exdate && a.exdate_days == b.exdate_days &&
         a.silences == b.silences && a.excludes == b.excludes &&
         a.stops_remediation == b.stops_remediation && a.ended_at == b.ended_at;
}

Result<void> prepare(Maintenance& maintenance) {
  if (maintenance.start.time_since_epoch() % kMinute != Duration::zero())
    return Error(ErrorCode::kInvalid, "the start must be a whole minute");
  if (maintenance.duration < kDurationMin || maintenance.duration > kDurationMax ||
      maintenance.duration % kMinute != Duration::zero()) {
    return Error(ErrorCode::kInvalid, "the duration must be whole minutes, from " +
                                          format_duration(kDurationMin) + " to " +
                                          format_duration(kDurationMax) + ", not " +
                                          format_duration(maintenance.duration));
  }
  maintenance.occurrences.reset();
  if (maintenance.rrule.empty()) return {};
  NINES_TRY(Recurrence rule, parse_recurrence(maintenance.rrule));
  const Frequency frequency = rule.frequency;
  NINES_TRY(maintenance.occurrences,
            Occurrences::make(std::move(rule), maintenance.start, maintenance.zone));
  return frequency > Frequency::kHourly ? Result<void>() : check_overlap(maintenance);
}

std::vector<Span> united(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.from < b.from; });
  std::vector<Span> out;
  for (const Span& span : spans) {
    if (!out.empty() && span.from <= out.back().to) {
      out.back().to = std::max(out.back().to, span.to);
    } else {
      out.push_back(span);
    }
  }
  return out;
}

std::vector<Span> windows(const Maintenance& maintenance, Timestamp from, Timestamp to) {
  std::vector<Span> spans;
  const auto add = [&](Timestamp at) {
    Span span{at, at + maintenance.duration};
    if (maintenance.ended_at) span.to = std::min(span.to, *maintenance.ended_at);
    if (span.from >= span.to) return;
    if (span.from < to && span.to > from && !is_left_out(maintenance, at)) spans.push_back(span);
  };
  if (maintenance.occurrences) {
    for (const Timestamp at : maintenance.occurrences->between(from - maintenance.duration, to))
      add(at);
  } else {
    add(instant_of(maintenance.zone, maintenance.start));
  }
  for (const LocalTime more : maintenance.rdate) add(instant_of(maintenance.zone, more));
  return united(std::move(spans));
}

bool is_active(const Maintenance& maintenance, Timestamp at) {
  return !windows(maintenance, at, at + Duration(1)).empty();
}

std::vector<std::string> active_for(std::span<const Maintenance> all, bool Maintenance::*effect,
                                    const LabelSet& labels, Timestamp at) {
  std::vector<std::string> names;
  for (const Maintenance& one : all) {
    if (one.*effect && one.concerns(labels) && is_active(one, at)) names.push_back(one.name);
  }
  return names;
}

}  // namespace nines::maintenance
