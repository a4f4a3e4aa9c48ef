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

// Samples and windows added up, in order of time. Sums stay compensated over everything added.
class WindowFold {
 public:
  explicit WindowFold(std::int64_t end = 0) { window_.end = end; }
  void sample(std::int64_t time, double value, std::int64_t start);
  // Samples [begin, end) of `samples`, markers and histograms among them.
  void samples(const SampleColumns& samples, std::size_t begin, std::size_t end);
  void window(const TierWindow& piece);
  bool empty() const { return window_.count == 0 && !window_.ended && !window_.histograms; }
  TierWindow result() const;

 private:
  struct Sum {  // Neumaier's
    double sum = 0, lost = 0;
    void add(double value);
    double value() const;
  };
  TierWindow window_;
  Sum sum_, correction_;
};

// Appends the windows of `samples` (ascending by time), ascending. What falls into the last window
// that `out` has already joins it.
void fold_samples(const SampleColumns& samples, std::int64_t step, std::vector<TierWindow>& out);

// Sorts `windows` by their ends, and makes one of those whose ends are the same when rounded up to
// `step`. Pieces of one window stand in the order of their samples.
void fold_windows(std::int64_t step, std::vector<TierWindow>& windows);

}  // namespace nines::storage
