#include "rules/maintenance/maintenance.h"

#include <algorithm>
#include <utility>

#include "base/text/numbers.h"

namespace nines::maintenance {
namespace {

constexpr Duration kMinute{60'000};

}  // namespace

bool operator==(const Maintenance& a, const Maintenance& b) {
  return a.name == b.name && a.matchers == b.matchers && a.start == b.start &&
         a.zone.name() == b.zone.name() && a.duration == b.duration && a.rrule == b.rrule &&
         a.silences == b.silences && a.excludes == b.excludes &&
         a.stops_remediation == b.stops_remediation;
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
  NINES_TRY(maintenance.occurrences,
            Occurrences::make(std::move(rule), maintenance.start, maintenance.zone));
  return {};
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
    const Span span{at, at + maintenance.duration};
    if (span.from < to && span.to > from) spans.push_back(span);
  };
  if (maintenance.occurrences) {
    for (const Timestamp at : maintenance.occurrences->between(from - maintenance.duration, to))
      add(at);
  } else {
    add(instant_of(maintenance.zone, maintenance.start));
  }
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
