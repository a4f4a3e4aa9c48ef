// rate, increase and delta over anchored and smoothed windows: no extrapolation, but the value that
// stood (or, smoothed, lay on the line) at the window's ends.

#include <algorithm>

#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/range_functions.h"

namespace nines::promql {
namespace {

double between(const FloatPoints& f, std::size_t a, std::int64_t at, bool counter) {
  double left = f.values[a];
  const double right = f.values[a + 1];
  if (counter && right < left) left = 0;
  return left + (right - left) * static_cast<double>(at - f.times[a]) /
                    static_cast<double>(f.times[a + 1] - f.times[a]);
}

void extended_floats(const RangeTask& task, std::size_t s) {
  const Window& w = task.windows[s];
  const FloatPoints& f = task.series.floats;
  const bool counter = task.id != Fn::kDelta;
  std::size_t first = w.f0;
  std::size_t last = w.f1 - 1;
  if (f.times[last] <= w.from || f.times[first] > w.to) return;
  double left = f.values[first];
  double right = f.values[last];
  if (task.shape.smoothed) {
    if (f.times[first] < w.from && first < last) left = between(f, first, w.from, counter);
    if (f.times[last] > w.to && first < last) right = between(f, last - 1, w.to, counter);
  }
  double result = right - left;
  if (counter) {
    double previous = left;
    for (std::size_t i = first; i <= last; ++i) {
      if (f.times[i] <= w.from || f.times[i] >= w.to) continue;
      if (f.values[i] < previous) result += previous;
      previous = f.values[i];
    }
    if (right < previous) result += previous;
  }
  if (task.id == Fn::kRate) result /= static_cast<double>(task.shape.length) / 1000;
  task.set(s, result);
}

// The same over histograms.
class ExtendedHistograms {
 public:
  ExtendedHistograms(const RangeTask& task, std::size_t step)
      : task_(task),
        step_(step),
        w_(task.windows[step]),
        h_(task.series.histograms),
        counter_(task.id != Fn::kDelta) {}

  Result<void> run() {
    const std::size_t first = w_.h0;
    const std::size_t last = w_.h1 - 1;
    if (h_.times[last] <= w_.from || h_.times[first] > w_.to) return {};
    if (!check_samples(first, last)) return {};
    HistogramPtr left = h_.values[first];
    HistogramPtr right = h_.values[last];
    // Each end lies after a reset already when the line it is on does.
    bool left_after_reset = false;
    if (task_.shape.smoothed && first < last) {
      if (h_.times[first] < w_.from) {
        left_after_reset = counter_ && detect_reset(*h_.values[first + 1], *h_.values[first]);
        left = at(first, w_.from);
      }
      if (h_.times[last] > w_.to) right = at(last - 1, w_.to);
    }
    if (!left || !right) return incompatible();
    auto out = std::make_shared<Histogram>(*right);
    if (subtract(*out, *left).result == Merge::kIncompatible) return incompatible();
    if (counter_) {
      NINES_TRY(const bool added, add_resets(*out, left, first, last, left_after_reset));
      if (!added) return incompatible();
    }
    out->reset_hint = ResetHint::kGauge;
    if (task_.id == Fn::kRate) divide(*out, static_cast<double>(task_.shape.length) / 1000);
    compact(*out);
    task_.set(step_, std::move(out));
    return {};
  }

 private:
  HistogramPtr at(std::size_t a, std::int64_t time) const {
    const double part = static_cast<double>(time - h_.times[a]) /
                        static_cast<double>(h_.times[a + 1] - h_.times[a]);
    return interpolate(*h_.values[a], *h_.values[a + 1], part, counter_);
  }

  Result<void> incompatible() const {
    task_.annotations.mixed_exponential_custom(task_.metric(), task_.at);
    return {};
  }

  bool check_samples(std::size_t first, std::size_t last) const {
    bool gauge = false;
    bool counter = false;
    for (std::size_t i = first; i <= last; ++i) {
      if (is_custom(*h_.values[i]) != is_custom(*h_.values[first])) {
        task_.annotations.mixed_exponential_custom(task_.metric(), task_.at);
        return false;
      }
      (h_.values[i]->reset_hint == ResetHint::kGauge ? gauge : counter) = true;
    }
    if (counter_ && gauge) task_.annotations.not_a_counter(task_.metric(), task_.at);
    if (!counter_ && counter) task_.annotations.not_a_gauge(task_.metric(), task_.at);
    return true;
  }

  Result<bool> add_resets(Histogram& out, const HistogramPtr& left, std::size_t first,
                          std::size_t last, bool left_after_reset) const {
    HistogramPtr previous = left;
    for (std::size_t i = first + 1; i <= last; ++i) {
      if (Result<void> ok = task_.go_on(*h_.values[i]); !ok) return ok.error();
      const bool reset = detect_reset(*h_.values[i], *h_.values[i - 1]);
      const bool counted = !(i == first + 1 && left_after_reset);
      if (reset && counted && add(out, *previous).result == Merge::kIncompatible) return false;
      previous = h_.values[i];
    }
    return true;
  }

  const RangeTask& task_;
  std::size_t step_;
  const Window& w_;
  const HistogramPoints& h_;
  bool counter_;
};

}  // namespace

Result<void> extended_rate(const RangeTask& task) {
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    if (Result<void> ok = task.go_on(s); !ok) return ok;
    const Window& w = task.windows[s];
    if (w.f0 != w.f1 && w.h0 != w.h1) {
      task.annotations.mixed_floats_histograms(task.metric(), task.at);
    } else if (w.h0 != w.h1) {
      if (Result<void> ok = ExtendedHistograms(task, s).run(); !ok) return ok;
    } else if (w.f0 != w.f1) {
      extended_floats(task, s);
    }
  }
  return {};
}

}  // namespace nines::promql
