#pragma once
// Which days a recurrence rule wants, whatever its period.

#include <chrono>

#include "rules/maintenance/recurrence.h"

namespace nines::maintenance {

// What the rule leaves open (the day of the month, the weekday) is that of `start`.
// Source: RFC 5545, section 3.3.10, the table of what each BY part expands or limits.
bool wants_day(const Recurrence& rule, std::chrono::local_days day, std::chrono::local_days start);

// The first day of the week, that begins with `week_start` (0 is Sunday), `day` lies in.
std::chrono::local_days week_of(std::chrono::local_days day, unsigned week_start);

}  // namespace nines::maintenance
