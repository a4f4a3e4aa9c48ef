// The *_over_time functions, but for sum and avg.

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/promql/internal/kahan.h"
#include "rules/promql/internal/quantiles.h"
#include "rules/promql/internal/range_functions.h"

namespace nines::promql {
namespace {

// Functions of the floats of a window only.
bool floats_only(Fn id) {
  switch (id) {
    case Fn::kCountOverTime:
    case Fn::kLastOverTime:
    case Fn::kFirstOverTime:
    case Fn::kPresentOverTime:
    case Fn::kTsOfFirstOverTime:
    case Fn::kTsOfLastOverTime:
      return false;
    default:
      return true;
  }
}

// The first or last sample of a window: whether it is a float, and where.
struct Edge {
  bool is_float = true;
  std::size_t index = 0;
  std::int64_t time = 0;
};

Edge edge_of(const RangeSeries& series, const Window& w, bool first) {
  const bool floats = w.f0 != w.f1;
  const bool histograms = w.h0 != w.h1;
  const std::size_t f = first ? w.f0 : w.f1 - 1;
  const std::size_t h = first ? w.h0 : w.h1 - 1;
  const std::int64_t ft = floats ? series.floats.times[f] : 0;
  const std::int64_t ht = histograms ? series.histograms.times[h] : 0;
  if (!histograms || (floats && (first ? ft < ht : ht < ft))) return {true, f, ft};
  return {false, h, ht};
}

void edge_value(const RangeTask& task, std::size_t s, bool first) {
  const Edge edge = edge_of(task.series, task.windows[s], first);
  if (edge.is_float) {
    task.set(s, task.series.floats.values[edge.index]);
  } else {
    task.set(s, task.series.histograms.values[edge.index]);
  }
}

double spread(const FloatPoints& f, const Window& w, bool deviation) {
  double count = 0, mean = 0, mean_lost = 0, sum = 0, sum_lost = 0;
  for (std::size_t i = w.f0; i < w.f1; ++i) {
    count += 1;
    const double delta = f.values[i] - (mean + mean_lost);
    kahan_add(delta / count, mean, mean_lost);
    kahan_add(delta * (f.values[i] - (mean + mean_lost)), sum, sum_lost);
  }
  const double variance = (sum + sum_lost) / count;
  return deviation ? std::sqrt(variance) : variance;
}

double median_deviation(std::vector<double>& values) {
  const double median = quantile_of(0.5, values);
  for (double& v : values) v = std::fabs(v - median);
  return quantile_of(0.5, values);
}

// min, max and when they were, for all windows in one pass: a queue of candidates, best first.
// Of equal values min and max keep either; their times want the latest. `scratch` has room for a
// candidate a sample: each is one once at most, so that the queue only moves forward in it.
template <bool kLeast>
void extremes(const RangeTask& task, std::vector<std::size_t>& scratch) {
  const FloatPoints& f = task.series.floats;
  const bool when = task.id == Fn::kTsOfMinOverTime || task.id == Fn::kTsOfMaxOverTime;
  scratch.resize(f.values.size());
  std::size_t* const best = scratch.data();
  const double* const values = f.values.data();
  std::size_t front = 0;
  std::size_t back = 0;
  std::size_t next = 0;
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    const Window& w = task.windows[s];
    if (w.f0 == w.f1) continue;
    if (next < w.f0) next = w.f0;
    for (; next < w.f1; ++next) {
      const double v = values[next];
      if (std::isnan(v)) continue;
      while (back > front && (kLeast ? values[best[back - 1]] >= v : values[best[back - 1]] <= v))
        --back;
      best[back++] = next;
    }
    while (back > front && best[front] < w.f0) ++front;
    const std::size_t found = back == front ? w.f1 - 1 : best[front];  // NaN only when all are
    task.set(s, when ? static_cast<double>(f.times[found]) / 1000 : values[found]);
  }
}

double float_answer(const RangeTask& task, std::size_t s, std::vector<double>& scratch) {
  const FloatPoints& f = task.series.floats;
  const Window& w = task.windows[s];
  if (task.id == Fn::kStddevOverTime || task.id == Fn::kStdvarOverTime) {
    return spread(f, w, task.id == Fn::kStddevOverTime);
  }
  scratch.assign(f.values.begin() + static_cast<std::ptrdiff_t>(w.f0),
                 f.values.begin() + static_cast<std::ptrdiff_t>(w.f1));
  if (task.id == Fn::kMadOverTime) return median_deviation(scratch);
  const double q = task.params[0][s];
  if (!(q >= 0 && q <= 1)) task.annotations.invalid_quantile(q, task.first_arg);
  return quantile_of(q, scratch);
}

void any_answer(const RangeTask& task, std::size_t s) {
  const Window& w = task.windows[s];
  switch (task.id) {
    case Fn::kCountOverTime:
      return task.set(s, static_cast<double>(w.size()));
    case Fn::kPresentOverTime:
      return task.set(s, 1.0);
    case Fn::kFirstOverTime:
      return edge_value(task, s, true);
    case Fn::kLastOverTime:
      return edge_value(task, s, false);
    case Fn::kTsOfFirstOverTime:
      return task.set(s, static_cast<double>(edge_of(task.series, w, true).time) / 1000);
    default:
      return task.set(s, static_cast<double>(edge_of(task.series, w, false).time) / 1000);
  }
}

bool is_extreme(Fn id) {
  return id == Fn::kMinOverTime || id == Fn::kMaxOverTime || id == Fn::kTsOfMinOverTime ||
         id == Fn::kTsOfMaxOverTime;
}

}  // namespace

Result<void> over_time_functions(const RangeTask& task) {
  if (is_extreme(task.id)) {
    std::vector<std::size_t> candidates;
    const bool least = task.id == Fn::kMinOverTime || task.id == Fn::kTsOfMinOverTime;
    least ? extremes<true>(task, candidates) : extremes<false>(task, candidates);
  }
  std::vector<double> scratch;
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    if (Result<void> ok = task.go_on(s); !ok) return ok;
    const Window& w = task.windows[s];
    if (w.empty()) continue;
    if (!floats_only(task.id)) {
      any_answer(task, s);
      continue;
    }
    if (w.f0 == w.f1) continue;
    if (w.h0 != w.h1) {
      // Prometheus names the first argument's place, whatever it is.
      const bool quantile = task.id == Fn::kQuantileOverTime;
      task.annotations.histogram_ignored_in_range(task.metric(),
                                                  quantile ? task.first_arg : task.at);
    }
    if (!is_extreme(task.id)) task.set(s, float_answer(task, s, scratch));
  }
  return {};
}

}  // namespace nines::promql
