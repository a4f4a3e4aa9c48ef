#pragma once
// When a target's turn comes: at a phase of its interval, counted on the wall clock.

#include <algorithm>
#include <cstdint>

#include "base/core/clock.h"

namespace nines::collector {

// The first time after `after` that lies `phase` behind a whole number of intervals since the
// epoch. 0 <= phase < interval.
inline Timestamp next_turn(Timestamp after, Duration interval, Duration phase) {
  const auto since = after.time_since_epoch() - phase;
  auto whole = since / interval;
  if (since < Duration(0) && since % interval != Duration(0)) --whole;
  return Timestamp(phase + (whole + 1) * interval);
}

// The time a sample is stamped with: the planned one when the scheduler was late by no more than
// 2 ms and 1% of the interval. Equal distances are what the storage packs best.
inline Timestamp stamp_of(Timestamp now, Timestamp planned, Duration interval) {
  const Duration late = std::max(now - planned, planned - now);
  return late <= std::min(Duration(2), interval / 100) ? planned : now;
}

// Evenly over the interval, in steps of at most 100 ms: whoever wakes for one target serves the
// others of its step too, and waking costs more than asking. Longer steps would keep those that
// come last in theirs waiting.
inline Duration phase_of(std::uint64_t hash, Duration interval) {
  const Duration step = std::clamp(interval / 20, Duration(1), Duration(100));
  const Duration phase(
      static_cast<Duration::rep>(hash % static_cast<std::uint64_t>(interval.count())));
  return phase - phase % step;
}

}  // namespace nines::collector
