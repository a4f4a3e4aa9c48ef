#pragma once
// What is kept of a series' samples once they are gone: a summary of each 5 minutes, of each hour.

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/model/sample.h"

namespace nines::storage {

enum class Tier : std::uint8_t { k5m = 0, k1h = 1 };
inline constexpr std::size_t kTiers = 2;
std::string_view to_string(Tier tier) noexcept;  // "5m", "1h"
// How much time a window of the tier covers, in milliseconds.
constexpr std::int64_t tier_step(Tier tier) {
  return tier == Tier::k5m ? 300'000 : 3'600'000;
}

// The samples of one series in (end - step, end], `end` a multiple of the step: open on the left as
// a range of PromQL is, so that a range whose ends are multiples of the step is whole windows.
//
// Floats are summed up; of staleness markers and native histograms a window says only that it saw
// them (count may be 0 then). Exact, and exact however a window was put together: count, min, max,
// first, last, their times, resets, the flags. `sum` and `correction` are compensated (Neumaier)
// and are exact while all values are whole numbers and the sums below 2^53; else each piece a
// window was merged from adds at most one rounding.
struct TierWindow {
  std::int64_t end = 0;  // milliseconds, closed
  std::uint32_t count = 0;
  std::uint32_t resets = 0;  // of a counter, between first and last
  bool ended = false;        // its newest sample is a staleness marker
  bool histograms = false;   // it held native histograms, of which nothing is kept
  // Zero while count is 0. NaN values count and enter sum, first and last; min and max are NaN only
  // when all values are.
  double sum = 0;
  double min = 0, max = 0;
  double first = 0, last = 0;
  double correction = 0;  // the values before each reset, added up
  std::int64_t first_time = 0, last_time = 0;
  std::int64_t first_start = 0, last_start = 0;  // when the counter began; 0: unknown

  // Of a counter from its first to its last sample, resets taken into account: what PromQL's
  // increase() extrapolates.
  double increase() const { return last - first + correction; }
  bool operator==(const TierWindow&) const = default;
};

// The end of the window that `time` is in.
constexpr std::int64_t window_end(std::int64_t time, std::int64_t step) {
  const std::int64_t down = time / step * step;
  return down < time ? down + step : down;
}

// Appends the windows of `samples` (ascending by time), ascending. What falls into the last window
// that `out` has already joins it.
void fold_samples(const SampleColumns& samples, std::int64_t step, std::vector<TierWindow>& out);

// Appends `piece`, or joins it to the last of `out` when that has the same end once both are
// rounded up to `step`. Pieces come in order of their samples.
void fold_window(const TierWindow& piece, std::int64_t step, std::vector<TierWindow>& out);

// `later` joined to `window`: its samples are all newer. Keeps the end of `window`.
void merge_window(TierWindow& window, const TierWindow& later);

}  // namespace nines::storage
