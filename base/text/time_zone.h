#pragma once
// IANA time zones of the system: wall-clock fields and back, daylight saving included.

#include <chrono>
#include <memory>
#include <string>

#include "base/core/clock.h"
#include "base/core/result.h"

namespace nines {

// A civil time, as a clock on the wall shows it. Not an instant: it may occur twice, or never.
using LocalTime = std::chrono::local_time<std::chrono::milliseconds>;

// Immutable, any thread, cheap to copy.
class TimeZone {
 public:
  // "Europe/Paris", "UTC"; empty is UTC. kNotFound: the system's zone files (package tzdata) do not
  // have it.
  static Result<TimeZone> find(const std::string& name);
  static TimeZone utc();

  LocalTime to_local(Timestamp at) const;
  // A local time that occurs twice means its first occurrence; one that is skipped means the
  // instant of the jump.
  Timestamp to_utc(LocalTime local) const;
  // What clocks there call the time then: "CET", "UTC".
  std::string abbreviation(Timestamp at) const;
  const std::string& name() const { return name_; }

 private:
  TimeZone(std::string name, const void* zone) : name_(std::move(name)), zone_(zone) {}
  std::string name_;
  const void* zone_;  // of the zone library, lives as long as the process; null: UTC
};

// "2026-01-01 00:00:00" or "2026-01-01". kInvalid.
Result<LocalTime> parse_local_time(const std::string& text);

}  // namespace nines
