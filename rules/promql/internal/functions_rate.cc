// rate, increase, delta, irate, idelta.

#include <algorithm>
#include <cmath>

#include "base/text/text.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/plain_rate.h"
#include "rules/promql/internal/range_functions.h"

namespace nines::promql {
namespace {

// A known start after the window's opening.
bool starts_inside(std::int64_t start, const Window& window) {
  return start != 0 && start > window.from;
}

// What extrapolation needs to know of the samples in a window.
struct Span {
  std::int64_t first = 0, last = 0;
  std::size_t count = 0;
  double first_value = 0;  // a float's value, or a histogram's count
  double increase = 0;
  std::int64_t first_start = 0;  // start time of the first sample, 0: unknown

  // The counter is known to have begun, at zero, inside the window.
  bool begins_inside(const Window& window) const { return starts_inside(first_start, window); }
};

// See Extrapolation.
inline double extrapolation(const Span& span, const Window& window, bool counter) {
  Extrapolation around(span.first, span.last, span.count, window.from, window.to);
  if (counter && span.begins_inside(window)) {
    around.sampled = static_cast<double>(span.last - span.first_start) / 1000;
    around.to_start = 0;
  } else if (counter) {
    double to_zero = around.to_start;
    if (span.increase > 0 && span.first_value >= 0)
      to_zero = around.sampled * (span.first_value / span.increase);
    around.to_start = std::min(around.to_start, to_zero);
  }
  return (around.sampled + around.to_start + around.to_end) / around.sampled;
}

bool is_counter(Fn id) {
  return id != Fn::kDelta && id != Fn::kIdelta;
}

double window_seconds(const RangeTask& task) {
  return static_cast<double>(task.shape.length) / 1000;
}

// The samples after which a counter of floats began anew, ascending: windows then look at these
// only.
std::vector<std::size_t> float_resets(const FloatPoints& f) {
  std::vector<std::size_t> out;
  if (f.start_times.empty()) {
    for (std::size_t i = 1; i < f.values.size(); ++i) {
      if (f.values[i] < f.values[i - 1]) out.push_back(i);
    }
    return out;
  }
  for (std::size_t i = 1; i < f.values.size(); ++i) {
    if (f.values[i] < f.values[i - 1] ||
        start_time_reset(start_of(f.start_times, i - 1), f.times[i - 1], start_of(f.start_times, i),
                         f.times[i])) {
      out.push_back(i);
    }
  }
  return out;
}

bool histogram_reset(const HistogramPoints& h, std::size_t i) {
  return start_time_reset(start_of(h.start_times, i - 1), h.times[i - 1],
                          start_of(h.start_times, i), h.times[i]) ||
         detect_reset(*h.values[i], *h.values[i - 1]);
}

// The increase of a histogram over a window.
class HistogramIncrease {
 public:
  HistogramIncrease(const RangeTask& task, const Window& w)
      : task_(task), h_(task.series.histograms), w_(w), counter_(is_counter(task.id)) {}

  // The increase; null when it cannot be told.
  Result<std::shared_ptr<Histogram>> run() {
    const Histogram& last = *h_.values[w_.h1 - 1];
    Histogram first = *h_.values[w_.h0];
    hints();
    // After a reset at once, the first sample's layout does not matter.
    if (counter_ && histogram_reset(h_, w_.h0 + 1)) {
      const Histogram& second = *h_.values[w_.h0 + 1];
      first = Histogram{};
      first.schema = second.schema;
      first.custom_values = second.custom_values;
      first.zero_threshold = second.zero_threshold;
    }
    if (!one_kind(first, last)) {
      task_.annotations.mixed_exponential_custom(task_.metric(), task_.at);
      return std::shared_ptr<Histogram>();
    }
    auto out = std::make_shared<Histogram>(last);
    if (!merge(subtract(*out, first), "subtraction")) return std::shared_ptr<Histogram>();
    NINES_TRY(const bool added, add_resets(*out, first));
    if (!added) return std::shared_ptr<Histogram>();
    out->reset_hint = ResetHint::kGauge;
    return out;
  }

 private:
  void hints() const {
    const auto gauge = [&](std::size_t i) { return h_.values[i]->reset_hint == ResetHint::kGauge; };
    if (!counter_) {
      if (!gauge(w_.h0) || !gauge(w_.h1 - 1))
        task_.annotations.not_a_gauge(task_.metric(), task_.at);
      return;
    }
    for (std::size_t i = w_.h0; i < w_.h1; ++i) {
      if (gauge(i)) return task_.annotations.not_a_counter(task_.metric(), task_.at);
    }
  }

  bool one_kind(const Histogram& first, const Histogram& last) const {
    if (is_custom(first) != is_custom(last)) return false;
    if (!counter_) return true;
    for (std::size_t i = w_.h0 + 1; i + 1 < w_.h1; ++i) {
      if (is_custom(*h_.values[i]) != is_custom(first)) return false;
    }
    return true;
  }

  // False: what was before one of them cannot be added.
  Result<bool> add_resets(Histogram& out, const Histogram& first) const {
    for (std::size_t i = w_.h0 + 1; counter_ && i < w_.h1; ++i) {
      if (Result<void> ok = task_.go_on(*h_.values[i]); !ok) return ok.error();
      if (!histogram_reset(h_, i)) continue;
      const Histogram& previous = i == w_.h0 + 1 ? first : *h_.values[i - 1];
      if (!merge(add(out, previous), "addition")) return false;
    }
    return true;
  }

  bool merge(const MergeOutcome& outcome, std::string_view doing) const {
    if (outcome.result == Merge::kIncompatible) {
      task_.annotations.mixed_exponential_custom(task_.metric(), task_.at);
      return false;
    }
    if (outcome.bounds_reconciled) task_.annotations.buckets_reconciled(doing, task_.at);
    return true;
  }

  const RangeTask& task_;
  const HistogramPoints& h_;
  const Window& w_;
  bool counter_;
};

// Start times that lie before the sample before, and are not its own, contradict it.
void warn_of_overlap(const RangeTask& task, const std::vector<std::int64_t>& times,
                     const std::vector<std::int64_t>& starts, std::size_t begin, std::size_t end) {
  if (starts.empty()) return;
  for (std::size_t i = begin + 1; i < end; ++i) {
    if (starts[i] == 0 || starts[i - 1] == 0) continue;
    if (starts[i] >= times[i - 1] || starts[i] == starts[i - 1]) continue;
    return task.annotations.warn(
        "sample has start time that overlaps with previous sample timestamp for metric " +
            quote_go(task.metric()),
        task.at);
  }
}

// Nothing, in the layout of `h`.
void set_to_zero(Histogram& h) {
  scale(h, 0);
  h.reset_hint = ResetHint::kGauge;
}

Result<void> histogram_rate(const RangeTask& task, std::size_t s) {
  const Window& w = task.windows[s];
  const HistogramPoints& h = task.series.histograms;
  const bool alone = w.h1 - w.h0 == 1;
  std::shared_ptr<Histogram> increase;
  if (alone) {
    increase = std::make_shared<Histogram>(*h.values[w.h0]);
    set_to_zero(*increase);
  } else {
    NINES_TRY(increase, HistogramIncrease(task, w).run());
  }
  if (!increase) return {};
  if (is_counter(task.id)) warn_of_overlap(task, h.times, h.start_times, w.h0, w.h1);
  if (is_counter(task.id) && starts_inside(start_of(h.start_times, w.h0), w)) {
    add(*increase, *h.values[w.h0]);
    increase->reset_hint = ResetHint::kGauge;
  }
  const Span span{h.times[w.h0],         h.times[w.h1 - 1], w.h1 - w.h0,
                  h.values[w.h0]->count, increase->count,   start_of(h.start_times, w.h0)};
  double factor = extrapolation(span, w, is_counter(task.id));
  if (task.id == Fn::kRate) factor /= window_seconds(task);
  scale(*increase, factor);
  compact(*increase);
  task.set(s, std::move(increase));
  return {};
}

}  // namespace

bool start_time_reset(std::int64_t previous_start, std::int64_t previous, std::int64_t start,
                      std::int64_t time) {
  return counter_restarted(previous_start, previous, start, time);
}

Result<void> rate_functions(const RangeTask& task) {
  if (task.shape.anchored || task.shape.smoothed) return extended_rate(task);
  const FloatPoints& f = task.series.floats;
  const bool counter = is_counter(task.id);
  const std::vector<std::size_t> resets = counter ? float_resets(f) : std::vector<std::size_t>{};
  std::size_t first_reset = 0;
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    if (Result<void> ok = task.go_on(s); !ok) return ok;
    const Window& w = task.windows[s];
    if (w.f0 != w.f1 && w.h0 != w.h1) {
      task.annotations.mixed_floats_histograms(task.metric(), task.at);
      continue;
    }
    // One sample is enough when it is known when it began.
    if (w.h1 - w.h0 > 1 || (counter && w.h1 > w.h0 &&
                            starts_inside(start_of(task.series.histograms.start_times, w.h0), w))) {
      if (Result<void> ok = histogram_rate(task, s); !ok) return ok;
      continue;
    }
    const bool begins = counter && w.f1 > w.f0 && starts_inside(start_of(f.start_times, w.f0), w);
    if (w.f1 - w.f0 < 2 && !begins) continue;
    if (counter) warn_of_overlap(task, f.times, f.start_times, w.f0, w.f1);
    double increase = f.values[w.f1 - 1] - f.values[w.f0];
    if (begins) increase += f.values[w.f0];
    while (first_reset < resets.size() && resets[first_reset] <= w.f0) ++first_reset;
    for (std::size_t r = first_reset; r < resets.size() && resets[r] < w.f1; ++r) {
      increase += f.values[resets[r] - 1];
    }
    const Span span{f.times[w.f0],  f.times[w.f1 - 1], w.f1 - w.f0,
                    f.values[w.f0], increase,          start_of(f.start_times, w.f0)};
    double factor = extrapolation(span, w, counter);
    if (task.id == Fn::kRate) factor /= window_seconds(task);
    task.set(s, increase * factor);
  }
  return {};
}

void rate_from_tier(const RangeTask& task, std::size_t step, const Window& window,
                    const storage::TierWindow& total) {
  const bool counter = is_counter(task.id);
  const bool begins = counter && starts_inside(total.first_start, window);
  if (total.count < 2 && !begins) return;
  double increase = total.last - total.first;
  if (begins) increase += total.first;
  if (counter) increase += total.correction;
  const Span span{total.first_time, total.last_time, total.count,
                  total.first,      increase,        total.first_start};
  double factor = extrapolation(span, window, counter);
  const std::int64_t length = window.to - window.from;
  if (task.id == Fn::kRate) {
    factor /= static_cast<double>(length) / 1000;
  } else if (length != task.shape.length) {
    factor *= static_cast<double>(task.shape.length) / static_cast<double>(length);
  }
  task.set(step, increase * factor);
}

namespace {

// One of the last two samples of a window, float or histogram.
struct Point {
  std::int64_t time = 0;
  std::int64_t start = 0;
  double value = 0;
  const Histogram* histogram = nullptr;
};

// The last two samples of a window, the older first.
std::pair<Point, Point> last_two(const RangeSeries& series, const Window& w) {
  std::vector<Point> points;
  const FloatPoints& f = series.floats;
  const HistogramPoints& h = series.histograms;
  for (std::size_t i = w.f1 - std::min<std::size_t>(2, w.f1 - w.f0); i < w.f1; ++i) {
    points.push_back({f.times[i], start_of(f.start_times, i), f.values[i], nullptr});
  }
  for (std::size_t i = w.h1 - std::min<std::size_t>(2, w.h1 - w.h0); i < w.h1; ++i) {
    points.push_back({h.times[i], start_of(h.start_times, i), 0, h.values[i].get()});
  }
  std::sort(points.begin(), points.end(),
            [](const Point& a, const Point& b) { return a.time < b.time; });
  return {points[points.size() - 2], points[points.size() - 1]};
}

HistogramPtr histogram_difference(const RangeTask& task, const Point& a, const Point& b,
                                  bool reset) {
  const bool rate = task.id == Fn::kIrate;
  const bool gauge_a = a.histogram->reset_hint == ResetHint::kGauge;
  const bool gauge_b = b.histogram->reset_hint == ResetHint::kGauge;
  if (rate && (gauge_a || gauge_b)) task.annotations.not_a_counter(task.metric(), task.at);
  if (!rate && (!gauge_a || !gauge_b)) task.annotations.not_a_gauge(task.metric(), task.at);
  auto out = std::make_shared<Histogram>(*b.histogram);
  if (!rate || (!reset && !detect_reset(*b.histogram, *a.histogram))) {
    const MergeOutcome merged = subtract(*out, *a.histogram);
    if (merged.result == Merge::kIncompatible) {
      task.annotations.mixed_exponential_custom(task.metric(), task.at);
      return nullptr;
    }
    if (merged.bounds_reconciled) task.annotations.buckets_reconciled("subtraction", task.at);
  }
  out->reset_hint = ResetHint::kGauge;
  compact(*out);
  if (rate) divide(*out, static_cast<double>(b.time - a.time) / 1000);
  return out;
}

}  // namespace

Result<void> instant_rate_functions(const RangeTask& task) {
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    if (Result<void> ok = task.go_on(s); !ok) return ok;
    const Window& w = task.windows[s];
    if (w.size() < 2) continue;
    const auto [a, b] = last_two(task.series, w);
    if (a.time == b.time) continue;
    if ((a.histogram != nullptr) != (b.histogram != nullptr)) {
      task.annotations.mixed_floats_histograms(task.metric(), task.at);
      continue;
    }
    const bool reset = start_time_reset(a.start, a.time, b.start, b.time);
    if (b.histogram != nullptr) {
      if (HistogramPtr h = histogram_difference(task, a, b, reset)) task.set(s, std::move(h));
      continue;
    }
    const bool rate = task.id == Fn::kIrate;
    double value = rate && (b.value < a.value || reset) ? b.value : b.value - a.value;
    if (rate) value /= static_cast<double>(b.time - a.time) / 1000;
    task.set(s, value);
  }
  return {};
}

}  // namespace nines::promql
