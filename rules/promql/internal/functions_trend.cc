// changes, resets, deriv, predict_linear, double_exponential_smoothing.

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/kahan.h"
#include "rules/promql/internal/range_functions.h"

namespace nines::promql {
namespace {

struct Sample {
  double value = 0;
  const Histogram* histogram = nullptr;
};

bool counts(Fn id, const Sample& before, const Sample& now, bool start_reset) {
  if ((before.histogram != nullptr) != (now.histogram != nullptr)) return true;
  if (id == Fn::kResets) {
    if (start_reset) return true;
    if (now.histogram != nullptr) {
      // Between a gauge and a counter nothing goes on.
      return (now.histogram->reset_hint == ResetHint::kGauge) !=
                 (before.histogram->reset_hint == ResetHint::kGauge) ||
             detect_reset(*now.histogram, *before.histogram);
    }
    return now.value < before.value;
  }
  if (now.histogram != nullptr) return !equal(*now.histogram, *before.histogram);
  return now.value != before.value && !(std::isnan(now.value) && std::isnan(before.value));
}

// All samples of a series in order of time, with how often anything counted happened up to each.
struct Changes {
  std::vector<std::size_t> total;  // per sample; [i] includes what happened between i-1 and i
  std::vector<std::size_t> place_of_float, place_of_histogram;
};

Result<Changes> find_changes(const RangeTask& task) {
  const FloatPoints& f = task.series.floats;
  const HistogramPoints& h = task.series.histograms;
  Changes out;
  Sample before;
  std::int64_t before_time = 0;
  std::int64_t before_start = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < f.times.size() || j < h.times.size()) {
    const bool is_float = j == h.times.size() || (i < f.times.size() && f.times[i] < h.times[j]);
    const Sample now = is_float ? Sample{f.values[i], nullptr} : Sample{0, h.values[j].get()};
    if (const Result<void> ok = task.pace.did(is_float ? 4 : work_of(*h.values[j])); !ok)
      return ok.error();
    const std::int64_t time = is_float ? f.times[i] : h.times[j];
    const std::int64_t start = is_float ? start_of(f.start_times, i) : start_of(h.start_times, j);
    const bool reset =
        !out.total.empty() && start_time_reset(before_start, before_time, start, time);
    const std::size_t so_far = out.total.empty() ? 0 : out.total.back();
    const bool counted = !out.total.empty() && counts(task.id, before, now, reset);
    (is_float ? out.place_of_float : out.place_of_histogram).push_back(out.total.size());
    out.total.push_back(so_far + (counted ? 1 : 0));
    before = now;
    before_time = time;
    before_start = start;
    is_float ? ++i : ++j;
  }
  return out;
}

}  // namespace

// Counted once per series; a window is a difference of two totals.
Result<void> change_functions(const RangeTask& task) {
  NINES_TRY(const Changes changes, find_changes(task));
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    if (Result<void> ok = task.go_on(s); !ok) return ok;
    const Window& w = task.windows[s];
    if (w.empty()) continue;
    std::size_t first = std::numeric_limits<std::size_t>::max();
    std::size_t last = 0;
    std::int64_t newest = std::numeric_limits<std::int64_t>::min();
    if (w.f0 != w.f1) {
      first = std::min(first, changes.place_of_float[w.f0]);
      last = std::max(last, changes.place_of_float[w.f1 - 1]);
      newest = std::max(newest, task.series.floats.times[w.f1 - 1]);
    }
    if (w.h0 != w.h1) {
      first = std::min(first, changes.place_of_histogram[w.h0]);
      last = std::max(last, changes.place_of_histogram[w.h1 - 1]);
      newest = std::max(newest, task.series.histograms.times[w.h1 - 1]);
    }
    if (task.shape.anchored) {
      if (newest <= w.from) continue;
      // Only the newest of the samples before the window stands for it.
      const auto time_of = [&](std::size_t place) {
        for (std::size_t k = w.f0; k < w.f1; ++k) {
          if (changes.place_of_float[k] == place) return task.series.floats.times[k];
        }
        for (std::size_t k = w.h0; k < w.h1; ++k) {
          if (changes.place_of_histogram[k] == place) return task.series.histograms.times[k];
        }
        return newest;
      };
      while (first < last && time_of(first + 1) <= w.from) ++first;
    }
    task.set(s, static_cast<double>(changes.total[last] - changes.total[first]));
  }
  return {};
}

namespace {

struct Line {
  double slope = 0;
  double intercept = 0;  // at the reference time
};

// Least squares; sums are compensated and times relative, so that epochs do not drown the values.
Line fit(const FloatPoints& f, std::size_t begin, std::size_t end, std::int64_t reference) {
  double n = 0, x_sum = 0, x_lost = 0, y_sum = 0, y_lost = 0;
  double xy_sum = 0, xy_lost = 0, xx_sum = 0, xx_lost = 0;
  bool constant = true;
  for (std::size_t i = begin; i < end; ++i) {
    const double y = f.values[i];
    const double x = static_cast<double>(f.times[i] - reference) / 1000;
    if (y != f.values[begin]) constant = false;
    n += 1;
    kahan_add(x, x_sum, x_lost);
    kahan_add(y, y_sum, y_lost);
    kahan_add(x * y, xy_sum, xy_lost);
    kahan_add(x * x, xx_sum, xx_lost);
  }
  if (constant) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    if (std::isinf(f.values[begin])) return {nan, nan};
    return {0, f.values[begin]};
  }
  x_sum += x_lost;
  y_sum += y_lost;
  xy_sum += xy_lost;
  xx_sum += xx_lost;
  const double covariance = xy_sum - x_sum * y_sum / n;
  const double variance = xx_sum - x_sum * x_sum / n;
  const double slope = covariance / variance;
  return {slope, y_sum / n - slope * x_sum / n};
}

double smoothed(const FloatPoints& f, std::size_t begin, std::size_t end, double factor,
                double trend) {
  double before = 0;
  double level = f.values[begin];
  double slope = f.values[begin + 1] - f.values[begin];
  for (std::size_t i = begin + 1; i < end; ++i) {
    if (i > begin + 1) slope = trend * (level - before) + (1 - trend) * slope;
    const double next = factor * f.values[i] + (1 - factor) * (level + slope);
    before = std::exchange(level, next);
  }
  return level;
}

Result<void> check_factor(double v, const char* what, const char* letter) {
  if (!(v <= 0 || v >= 1)) return {};  // a NaN passes, and gives NaN
  return Error(ErrorCode::kInvalid, std::string("invalid ") + what + " factor. Expected: 0 < " +
                                        letter + " < 1, got: " + go_fixed(v));
}

}  // namespace

Result<void> trend_functions(const RangeTask& task) {
  const FloatPoints& f = task.series.floats;
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    if (Result<void> ok = task.go_on(s); !ok) return ok;
    const Window& w = task.windows[s];
    if (task.id == Fn::kDoubleExponentialSmoothing && !w.empty()) {
      if (Result<void> ok = check_factor(task.params[0][s], "smoothing", "sf"); !ok) return ok;
      if (Result<void> ok = check_factor(task.params[1][s], "trend", "tf"); !ok) return ok;
    }
    if (w.f0 != w.f1 && w.h0 != w.h1)
      task.annotations.histogram_ignored_in_range(task.metric(), task.at);
    if (w.f1 - w.f0 < 2) continue;
    if (task.id == Fn::kDeriv) {
      task.set(s, fit(f, w.f0, w.f1, f.times[w.f0]).slope);
    } else if (task.id == Fn::kPredictLinear) {
      const Line line = fit(f, w.f0, w.f1, task.grid.at(s));
      task.set(s, line.slope * task.params[0][s] + line.intercept);
    } else {
      task.set(s, smoothed(f, w.f0, w.f1, task.params[0][s], task.params[1][s]));
    }
  }
  return {};
}

}  // namespace nines::promql
