#pragma once
// Samples and log lines so late that whoever has counted their minute should count it again.

#include <optional>

#include "base/core/clock.h"

namespace nines::storage {

// How far behind the clock a sample or a line is late.
inline constexpr Duration kLateAfter{120'000};

class LateSamples {
 public:
  virtual ~LateSamples() = default;
  // The earliest time of what was late since the last call; nothing: none was. One
  // caller: what it is told it is told once. Thread-safe.
  virtual std::optional<Timestamp> take_late() = 0;
};

}  // namespace nines::storage
