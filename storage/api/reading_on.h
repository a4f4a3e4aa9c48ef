#pragma once
// Readers that tell when one series was sampled at the same times as the one before it, and what is
// newest in many.

#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/api/querier.h"

namespace nines::storage {

// The last sample of a series, as far as it is known without reading.
struct LatestSample {
  enum class State : std::uint8_t { kUnknown, kNone, kFloat };
  State state = State::kUnknown;
  std::int64_t time_ms = 0;
  double value = 0;
};

// A store's SeriesReader may be one; who reads many series looks whether it is.
class ReadingOn : public SeriesReader {
 public:
  // As read(), for one who reads on: `out` is what the last call filled, of which the caller may
  // have changed anything but the times, or it is empty. True when the times are those of that
  // call: they are left as they are, and what was made of them holds for these samples too.
  virtual Result<bool> read_on(std::size_t index, TimeRange range, SampleColumns& out) = 0;
  // For each of the series [first, first + out.size()): the last sample in the closed `range`, be it
  // a staleness marker, or that there is none; kUnknown where only reading can tell.
  virtual void latest(std::size_t first, TimeRange range, std::span<LatestSample> out) = 0;
};

}  // namespace nines::storage
