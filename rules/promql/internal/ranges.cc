#include "rules/promql/internal/ranges.h"

#include <algorithm>
#include <map>
#include <utility>

#include "rules/promql/internal/columns.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/stoppable_sort.h"
#include "rules/promql/internal/tiers.h"

namespace nines::promql {
namespace {

// Finds the index range of each window by moving two marks forward only.
class Marks {
 public:
  Marks(const std::vector<std::int64_t>& times, const RangeShape& shape, std::int64_t lookback)
      : times_(times), shape_(shape), lookback_(lookback) {}

  void place(const Window& window, std::size_t& begin, std::size_t& end) {
    advance(begin_, begin_stride_, window.from);
    end_ = std::max(end_, begin_);
    advance(end_, end_stride_, window.to);
    begin = begin_;
    end = end_;
    const bool extended = shape_.anchored || shape_.smoothed;
    // The sample that stood when the window opened, unless it was too old to be seen.
    if (extended && begin > 0 && times_[begin - 1] > window.from - lookback_) --begin;
    const bool exact = end > 0 && times_[end - 1] == window.to;
    if (shape_.smoothed && !exact && end < times_.size() && times_[end] <= window.to + lookback_)
      ++end;
  }

 private:
  // Moves `mark` behind the last sample not after `limit`. Samples that come at an interval move it
  // as far each time: that is tried first.
  void advance(std::size_t& mark, std::size_t& stride, std::int64_t limit) const {
    const std::size_t guess = mark + stride;
    if (guess <= times_.size() && (stride == 0 || times_[guess - 1] <= limit) &&
        (guess == times_.size() || times_[guess] > limit)) {
      mark = guess;
      return;
    }
    const std::size_t before = mark;
    while (mark < times_.size() && times_[mark] <= limit) ++mark;
    stride = mark - before;
  }

  const std::vector<std::int64_t>& times_;
  const RangeShape& shape_;
  std::int64_t lookback_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t begin_stride_ = 0;
  std::size_t end_stride_ = 0;
};

bool stale(const SampleColumns& c, std::size_t i) {
  if (!c.histograms.empty() && c.histograms[i]) return is_stale_nan(c.histograms[i]->sum);
  return is_stale_nan(c.values[i]);
}

// A start that is not before its sample says nothing.
std::int64_t known_start(const SampleColumns& c, std::size_t i) {
  return c.start_times[i] < c.times[i] ? c.start_times[i] : 0;
}

// A histogram seen at chosen steps only: what was known of the sample before it no longer holds.
HistogramPtr without_reset_hint(const HistogramPtr& h, const Histogram*& last_source,
                                HistogramPtr& last_copy) {
  if (h->reset_hint != ResetHint::kReset && h->reset_hint != ResetHint::kNotReset) return h;
  if (last_source != h.get()) {
    auto copy = std::make_shared<Histogram>(*h);
    copy->reset_hint = ResetHint::kUnknown;
    last_copy = std::move(copy);
    last_source = h.get();
  }
  return last_copy;
}

}  // namespace

void place_windows(const RangeSeries& series, const RangeShape& shape, const Grid& grid,
                   std::int64_t lookback, std::vector<Window>& out) {
  Marks floats(series.floats.times, shape, lookback);
  Marks histograms(series.histograms.times, shape, lookback);
  out.resize(grid.count);
  for (std::size_t s = 0; s < grid.count; ++s) {
    Window& window = out[s];
    window.to = (shape.fixed ? *shape.fixed : grid.at(s)) - shape.offset;
    window.from = window.to - shape.length;
    if (shape.fixed && s > 0) {
      window = out[0];
      continue;
    }
    floats.place(window, window.f0, window.f1);
    histograms.place(window, window.h0, window.h1);
  }
}

bool plain_floats(const SampleColumns& c) {
  return c.histograms.empty() && c.start_times.empty() &&
         !any_stale(c.values.data(), c.values.size());
}

void split_points(const SampleColumns& columns, RangeSeries& out) {
  FloatPoints& f = out.floats;
  HistogramPoints& h = out.histograms;
  f.times.clear(), f.values.clear(), f.start_times.clear();
  h.times.clear(), h.values.clear(), h.start_times.clear();
  const bool starts = !columns.start_times.empty();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (stale(columns, i)) continue;
    if (!columns.histograms.empty() && columns.histograms[i]) {
      h.times.push_back(columns.times[i]);
      h.values.push_back(columns.histograms[i]);
      if (starts) h.start_times.push_back(known_start(columns, i));
    } else {
      f.times.push_back(columns.times[i]);
      f.values.push_back(columns.values[i]);
      if (starts) f.start_times.push_back(known_start(columns, i));
    }
  }
}

Result<RangeShape> Evaluator::shape(const Expr& range) const {
  const Expr& inner = unwrap(range);
  RangeShape shape;
  const TimeShift* shift = nullptr;
  if (inner.kind() == ExprKind::kMatrixSelector) {
    const auto& node = as<MatrixSelector>(inner);
    NINES_TRY(shape.length, length_ms(*node.length));
    shift = &node.selector->shift;
    shape.anchored = node.selector->anchored;
    shape.smoothed = node.selector->smoothed;
  } else {
    const auto& node = as<Subquery>(inner);
    NINES_TRY(shape.length, length_ms(*node.length));
    shift = &node.shift;
  }
  NINES_TRY(shape.offset, offset_ms(*shift));
  shape.fixed = fixed_time(*shift);
  return shape;
}

Result<void> Evaluator::for_each_series(const Expr& range, const Grid& grid,
                                        const EachSeries& each) {
  const Expr& inner = unwrap(range);
  NINES_TRY(const RangeShape how, shape(inner));
  if (inner.kind() == ExprKind::kMatrixSelector) {
    return each_selected(as<MatrixSelector>(inner), grid, how, each);
  }
  return each_of_subquery(as<Subquery>(inner), grid, how, each);
}

std::pair<std::int64_t, std::int64_t> Evaluator::samples_of(const RangeShape& shape,
                                                            const Grid& grid) const {
  const std::int64_t lookback = q_.lookback.count();
  std::int64_t from = (shape.fixed ? *shape.fixed : grid.start) - shape.offset - shape.length;
  std::int64_t to = (shape.fixed ? *shape.fixed : grid.end()) - shape.offset;
  if (shape.anchored || shape.smoothed) from -= lookback;
  if (shape.smoothed) to += lookback;
  return {from + 1, to};
}

Result<void> Evaluator::each_selected(const MatrixSelector& node, const Grid& grid,
                                      const RangeShape& shape, const EachSeries& each) {
  const auto [from, to] = samples_of(shape, grid);
  Charge selection(q_.budget);
  NINES_TRY(const std::unique_ptr<storage::SeriesSelection> found,
            open(*node.selector, from, to, selection));
  SampleColumns columns;
  RangeSeries series;
  std::vector<Window> windows;
  const std::unique_ptr<storage::SeriesReader> reader = found->reader();
  for (std::size_t i = 0; i < found->size(); ++i) {
    if (const Result<void> ok = read(*reader, i, from, to, columns, notes()); !ok)
      return ok.error();
    if (columns.size() == 0) continue;
    Charge held(q_.budget);
    if (const Result<void> ok = held.add(columns.size(), bytes_of(columns)); !ok) {
      return ok.error();
    }
    series.of = found.get();
    series.index = i;
    series.labels = found->labels(i);
    split_points(columns, series);
    place_windows(series, shape, grid, q_.lookback.count(), windows);
    tally(series, windows);
    if (const Result<void> ok = each(series, windows); !ok) return ok.error();
  }
  return {};
}

Result<void> Evaluator::each_of_subquery(const Subquery& node, const Grid& grid,
                                         const RangeShape& shape, const EachSeries& each) {
  std::int64_t step = q_.options.subquery_step.count();
  if (node.step) {
    NINES_TRY(step, length_ms(*node.step));
  }
  // Steps lie on multiples of the step, so that neighbouring queries see the same ones.
  const std::int64_t open_end =
      (shape.fixed ? *shape.fixed : grid.start) - shape.offset - shape.length;
  const std::int64_t last = (shape.fixed ? *shape.fixed : grid.end()) - shape.offset;
  Grid inner;
  inner.step = step;
  inner.start = step * (open_end / step);
  if (inner.start <= open_end) inner.start += step;
  if (inner.start > last) return {};
  inner.count = static_cast<std::size_t>((last - inner.start) / step) + 1;
  if (inner.count > q_.options.samples_max) {
    return q_.budget.take(inner.count, 0);
  }
  const HintMode mode(resolve_hints_, false);
  // What the windows hold is counted, not what their steps were made of.
  const bool counting = std::exchange(q_.tally.on, false);
  Result<Block> evaluated = vector(*node.expr, inner);
  q_.tally.on = counting;
  if (!evaluated) return evaluated.error();
  const Block block = *std::move(evaluated);
  RangeSeries series;
  std::vector<Window> windows;
  Pace pace(q_);
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = q_.check(); !ok) return ok.error();
    series = RangeSeries{block.series[i].labels, block.series[i].drop_name, {}, {}, nullptr, 0};
    const Histogram* last_source = nullptr;
    HistogramPtr last_copy;
    for (std::size_t s = 0; s < block.steps; ++s) {
      if (const Result<void> ok = pace.did(1); !ok) return ok.error();
      if (!block.present(i, s)) continue;
      const HistogramPtr* row = block.histogram_row(i);
      if (row != nullptr && row[s]) {
        series.histograms.times.push_back(inner.at(s));
        series.histograms.values.push_back(without_reset_hint(row[s], last_source, last_copy));
      } else {
        series.floats.times.push_back(inner.at(s));
        series.floats.values.push_back(block.row(i)[s]);
      }
    }
    place_windows(series, shape, grid, q_.lookback.count(), windows);
    tally(series, windows);
    if (const Result<void> ok = each(series, windows); !ok) return ok.error();
  }
  return {};
}

void Evaluator::tally(const RangeSeries& series, std::span<const Window> windows) {
  if (!q_.tally.on) return;
  for (std::size_t s = 0; s < windows.size(); ++s) {
    const Window& w = windows[s];
    std::uint64_t looked_at = w.f1 - w.f0;
    for (std::size_t i = w.h0; i < w.h1; ++i) {
      looked_at += samples_worth(*series.histograms.values[i]);
    }
    q_.tally.add(s, looked_at);
  }
}

Result<Matrix> Evaluator::matrix(const Expr& expr, std::int64_t at) {
  Matrix out;
  const Grid grid{at, 1, 1};
  NINES_TRY(const RangeShape how, shape(expr));
  // No tier can give samples: this only says where some are missing.
  plan_range(Fn::kChanges, "a range of samples", expr, how, grid);
  Charge held(q_.budget);
  const Result<void> done = for_each_series(
      expr, grid, [&](const RangeSeries& series, std::span<const Window> windows) -> Result<void> {
        const Window& w = windows[0];
        if (w.empty()) return {};
        if (Result<void> ok = held.add(w.size(), w.size() * kSampleBytes); !ok) return ok;
        std::map<std::int64_t, std::pair<double, HistogramPtr>> samples;
        for (std::size_t i = w.f0; i < w.f1; ++i) {
          samples[series.floats.times[i]] = {series.floats.values[i], nullptr};
        }
        for (std::size_t i = w.h0; i < w.h1; ++i) {
          samples[series.histograms.times[i]] = {0, series.histograms.values[i]};
        }
        MatrixSeries row;
        row.labels = series.drop_name ? without_metadata(series.labels) : series.labels;
        for (const auto& [time, sample] : samples) {
          row.samples.times.push_back(time);
          row.samples.values.push_back(sample.first);
          if (w.h0 != w.h1) row.samples.histograms.push_back(sample.second);
        }
        out.push_back(std::move(row));
        return {};
      });
  if (!done) return done.error();
  const auto before = [](const MatrixSeries& a, const MatrixSeries& b) {
    return a.labels < b.labels;
  };
  if (const Result<void> ok = stoppable_sort(out, before, q_); !ok) return ok.error();
  return out;
}

}  // namespace nines::promql
