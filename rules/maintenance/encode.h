#pragma once
// Maintenance as JSON, with the keys of [[maintenance]]: what the API takes and shows, and what is
// kept of it.

#include <optional>
#include <span>
#include <string>

#include "base/text/json.h"
#include "rules/maintenance/maintenance.h"

namespace nines::maintenance {

// An instant with its offset, "2026-01-04T02:00:00+01:00", or a time on the zone's clock,
// "2026-01-04 02:00:00".
std::optional<LocalTime> parse_start(std::string text, const TimeZone& zone);
// "2026-01-04 02:00:00"
std::string format_start(LocalTime at);

// From the names "silence", "slo_exclude", "no_remediation". kInvalid: another name, none, or none
// that does without matchers.
Result<void> set_effects(Maintenance& maintenance, std::span<const std::string> names);
std::vector<std::string> effects_of(const Maintenance& maintenance);

// Into `rdate` (whole minutes) and `exdate` (also days). kInvalid, at most kDatesMax of each.
inline constexpr std::size_t kDatesMax = 1'000;
Result<void> set_rdate(Maintenance& maintenance, std::span<const std::string> texts);
Result<void> set_exdate(Maintenance& maintenance, std::span<const std::string> texts);

// The fields, into an object that is open.
void write_fields(JsonWriter& json, const Maintenance& maintenance);
// Of an object; prepared. Without `starts_at` it begins with the minute of `now`. kInvalid names
// the field and what may stand there.
Result<Maintenance> read_fields(const Json& json, Timestamp now);

}  // namespace nines::maintenance
