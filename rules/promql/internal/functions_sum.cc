// sum_over_time and avg_over_time, and which family answers a function of ranges.

#include <algorithm>
#include <cmath>

#include "rules/promql/internal/range_functions.h"
#include "rules/promql/internal/sum_kernel.h"
#include "rules/promql/internal/sums.h"

namespace nines::promql {
namespace {

double float_sum(const FloatPoints& f, const Window& w) {
  double sum = 0;
  double lost = 0;
  for (std::size_t i = w.f0; i < w.f1; ++i) kahan_add(f.values[i], sum, lost);
  return std::isinf(sum) ? sum : sum + lost;
}

double float_mean(const FloatPoints& f, const Window& w) {
  RunningMean mean;
  for (std::size_t i = w.f0; i < w.f1; ++i) mean.add(f.values[i]);
  return mean.value();
}

Result<void> histogram_total(const RangeTask& task, std::size_t s) {
  const Window& w = task.windows[s];
  const bool mean = task.id == Fn::kAvgOverTime;
  HistogramTotal total;
  for (std::size_t i = w.h0; i < w.h1; ++i) {
    const Histogram& h = *task.series.histograms.values[i];
    if (Result<void> ok = task.go_on(h); !ok) return ok;
    if (total.add(h, mean)) continue;
    task.annotations.mixed_exponential_custom(task.metric(), task.at);
    return {};
  }
  if (total.hints_collided()) task.annotations.reset_collision("aggregation", task.at);
  if (total.bounds_reconciled()) task.annotations.buckets_reconciled("aggregation", task.at);
  task.set(s, total.finish(mean));
  return {};
}

// Windows over floats alone, some at a time.
Result<void> float_functions(const RangeTask& task) {
  const FloatPoints& f = task.series.floats;
  const bool mean = task.id == Fn::kAvgOverTime;
  for (std::size_t s = 0; s < task.windows.size(); s += kWindowsAtOnce) {
    const std::size_t many = std::min(kWindowsAtOnce, task.windows.size() - s);
    FourWindows four{};
    for (std::size_t k = 0; k < many; ++k) {
      if (Result<void> ok = task.go_on(s + k); !ok) return ok;
      four.begin[k] = task.windows[s + k].f0;
      four.end[k] = task.windows[s + k].f1;
    }
    for (std::size_t k = many; k < kWindowsAtOnce; ++k) {
      four.begin[k] = four.begin[0];
      four.end[k] = four.end[0];
    }
    sum_windows(f.values.data(), four);
    for (std::size_t k = 0; k < many; ++k) {
      const Window& w = task.windows[s + k];
      if (w.f0 == w.f1) continue;
      const auto count = static_cast<double>(w.f1 - w.f0);
      if (!std::isfinite(four.sums[k])) {
        task.set(s + k, mean ? float_mean(f, w) : float_sum(f, w));
      } else {
        task.set(s + k, mean ? four.sums[k] / count + four.errors[k] / count
                             : four.sums[k] + four.errors[k]);
      }
    }
  }
  return {};
}

}  // namespace

Result<void> sum_functions(const RangeTask& task) {
  if (task.series.histograms.times.empty()) return float_functions(task);
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    if (Result<void> ok = task.go_on(s); !ok) return ok;
    const Window& w = task.windows[s];
    if (w.f0 != w.f1 && w.h0 != w.h1) {
      task.annotations.mixed_floats_histograms(task.metric(), task.at);
    } else if (w.h0 != w.h1) {
      if (Result<void> ok = histogram_total(task, s); !ok) return ok;
    } else if (w.f0 != w.f1) {
      task.set(s, task.id == Fn::kSumOverTime ? float_sum(task.series.floats, w)
                                              : float_mean(task.series.floats, w));
    }
  }
  return {};
}

RangeFamily range_family(Fn id) {
  if (id == Fn::kRate || id == Fn::kIncrease || id == Fn::kDelta) return &rate_functions;
  if (id == Fn::kIrate || id == Fn::kIdelta) return &instant_rate_functions;
  if (id == Fn::kChanges || id == Fn::kResets) return &change_functions;
  if (id == Fn::kDeriv || id == Fn::kPredictLinear || id == Fn::kDoubleExponentialSmoothing) {
    return &trend_functions;
  }
  if (id == Fn::kSumOverTime || id == Fn::kAvgOverTime) return &sum_functions;
  return &over_time_functions;
}

}  // namespace nines::promql
