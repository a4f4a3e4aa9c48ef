#pragma once
// Range vectors: the samples of one series as columns, and the window of each step over them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "storage/api/querier.h"

namespace nines::promql {

// Floats and histograms apart, staleness markers gone. Start times are empty or as long as the
// times.
struct FloatPoints {
  std::vector<std::int64_t> times;
  std::vector<double> values;
  std::vector<std::int64_t> start_times;
};
struct HistogramPoints {
  std::vector<std::int64_t> times;
  std::vector<HistogramPtr> values;
  std::vector<std::int64_t> start_times;
};

struct RangeSeries {
  LabelSet labels;
  bool drop_name = false;
  FloatPoints floats;
  HistogramPoints histograms;
  // Where its labels are while `labels` is empty; null: here.
  const storage::SeriesSelection* of = nullptr;
  std::size_t index = 0;

  std::string_view metric() const {
    return of != nullptr ? of->labels(index).metric_name() : labels.metric_name();
  }
};

// What one step sees: samples in (from, to], as index ranges [f0, f1) and [h0, h1). With `anchored`
// and `smoothed` the index ranges reach past the window's ends.
struct Window {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::size_t f0 = 0, f1 = 0, h0 = 0, h1 = 0;
  bool empty() const { return f0 == f1 && h0 == h1; }
  std::size_t size() const { return (f1 - f0) + (h1 - h0); }
};

// How a range expression reads time.
struct RangeShape {
  std::int64_t length = 0;
  std::int64_t offset = 0;
  std::optional<std::int64_t> fixed;  // @
  bool anchored = false;
  bool smoothed = false;
};

struct Grid;

// The window of each step over the samples of a series.
void place_windows(const RangeSeries& series, const RangeShape& shape, const Grid& grid,
                   std::int64_t lookback, std::vector<Window>& out);

// Nothing but floats that have not ended, and of which no start is known: the usual case.
bool plain_floats(const SampleColumns& columns);

// Sorts samples into floats and histograms, dropping staleness markers.
void split_points(const SampleColumns& columns, RangeSeries& out);

}  // namespace nines::promql
