#pragma once
// Functions of range vectors: each answers all steps of one series at once.

#include <cstdint>
#include <span>
#include <string>

#include "rules/promql/internal/evaluator.h"
#include "storage/api/tier_window.h"

namespace nines::promql {

// One call over one series.
struct RangeTask {
  Annotations& annotations;
  Fn id;
  const RangeSeries& series;
  std::span<const Window> windows;
  const RangeShape& shape;
  const Grid& grid;
  TextRange at;  // of the range argument
  TextRange first_arg;
  std::span<const Column> params;  // scalar arguments, in order
  Block& out;                      // where `row` is to be filled
  std::size_t row;
  Pace& pace;

  // To be asked at each step: the query's error when it is to end.
  Result<void> go_on(std::size_t step) const { return pace.did(4 + 2 * windows[step].size()); }
  // To be asked for each histogram that is compared with another, or added to one.
  Result<void> go_on(const Histogram& histogram) const { return pace.did(work_of(histogram)); }
  std::string_view metric() const { return series.metric(); }
  void set(std::size_t step, double value) const { out.row(row)[step] = value; }
  void set(std::size_t step, HistogramPtr h) const { out.set_histogram(row, step, std::move(h)); }
};

// By family; each returns the query's error, if any.
Result<void> rate_functions(const RangeTask& task);          // rate increase delta
Result<void> instant_rate_functions(const RangeTask& task);  // irate idelta
Result<void> change_functions(const RangeTask& task);        // changes resets
Result<void> trend_functions(const RangeTask& task);         // deriv predict_linear smoothing
Result<void> sum_functions(const RangeTask& task);           // sum avg
Result<void> over_time_functions(const RangeTask& task);     // the other *_over_time

using RangeFamily = Result<void> (*)(const RangeTask&);
RangeFamily range_family(Fn id);

// After rate() and increase() of floats: an info when neither name nor type says "counter". Asked
// for each series. `fixed_name`: of all of them, when it is known; `last` is kept between calls.
void say_if_no_counter(const RangeTask& task, std::string_view fixed_name, std::string& last);

// rate, increase and delta of what a tier knows of `window`, scaled to the range asked for where
// the window is another.
void rate_from_tier(const RangeTask& task, std::size_t step, const Window& window,
                    const storage::TierWindow& total);

// A counter began anew between two samples, told by their start times (0: unknown).
bool start_time_reset(std::int64_t previous_start, std::int64_t previous, std::int64_t start,
                      std::int64_t time);
inline std::int64_t start_of(const std::vector<std::int64_t>& starts, std::size_t i) {
  return starts.empty() ? 0 : starts[i];
}

// Anchored and smoothed forms.
Result<void> extended_rate(const RangeTask& task);

}  // namespace nines::promql
