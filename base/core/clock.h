#pragma once
// Time, as types: a Timestamp is a place on the wall calendar, an Instant a place on this
// process's stopwatch, a Duration the distance between two of the same kind.

#include <chrono>
#include <cstdint>

namespace nines {

using Duration = std::chrono::milliseconds;                       // the resolution of a sample
using Timestamp = std::chrono::sys_time<Duration>;                // UTC, since the Unix epoch
using LogTime = std::chrono::sys_time<std::chrono::nanoseconds>;  // the resolution of a log line
using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

constexpr std::int64_t to_millis(Timestamp at) noexcept {
  return at.time_since_epoch().count();
}
constexpr Timestamp from_millis(std::int64_t ms) noexcept {
  return Timestamp(Duration(ms));
}
constexpr double to_seconds(Duration d) noexcept {
  return static_cast<double>(d.count()) / 1000.0;
}

// The only way to learn the time. Safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;    // may jump, forwards or backwards: for stamping samples
  virtual Instant elapsed() const = 0;  // never goes back: for timeouts and intervals
  virtual LogTime now_nanos() const { return LogTime(now()); }  // for stamping log lines
};

}  // namespace nines
