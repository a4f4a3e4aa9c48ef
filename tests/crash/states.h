#pragma once
// Which disks a power cut may leave at one point of a recording, and how many a suite looks at.

#include <cstdlib>
#include <functional>
#include <string>

#include "tests/support/crash_disk.h"
#include "tests/support/sim_clock.h"

namespace nines::testing {

// How many of something a suite looks at: `n`, what a check-in can wait for, times
// NINES_CRASH_SCALE. ThreadSanitizer sees the same code in a twentieth of the states: these suites
// have one thread.
inline std::uint64_t crash_count(std::uint64_t n) {
  const char* value = std::getenv("NINES_CRASH_SCALE");  // NOLINT(concurrency-mt-unsafe)
  const std::uint64_t scale = value ? std::strtoull(value, nullptr, 10) : 1;
#if defined(__SANITIZE_THREAD__)
  n /= 20;
#endif
  return n * (scale == 0 ? 1 : scale);
}

// Calls `check` with every image looked at; returns how many.
inline std::uint64_t each_state(const PowerCut& cut, bool after_write, std::uint64_t shuffles,
                                Rng& dice, const std::function<void(const DiskImage&)>& check) {
  std::uint64_t states = 2;
  check(cut.nothing());
  check(cut.everything());
  if (!after_write) return states;
  // Tears: every sector of a short write, some of a long one.
  const std::size_t sectors = cut.last_sectors();
  const std::size_t step = sectors <= 6 ? 1 : sectors / 6;
  for (std::size_t n = 1; n < sectors; n += step) {
    check(cut.torn(n, true));
    check(cut.torn(n, false));
    states += 2;
  }
  for (std::uint64_t i = 0; i < shuffles; ++i) check(cut.shuffled(dice));
  return states + shuffles;
}

}  // namespace nines::testing
