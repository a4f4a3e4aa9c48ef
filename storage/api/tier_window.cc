#include "storage/api/tier_window.h"

#include <cmath>

namespace nines::storage {
namespace {

// Neumaier's summation, as PromQL's sums do it.
class Sum {
 public:
  void add(double value) {
    const double next = sum_ + value;
    if (std::isinf(next)) {
      lost_ = 0;
    } else if (std::fabs(sum_) >= std::fabs(value)) {
      lost_ += (sum_ - next) + value;
    } else {
      lost_ += (value - next) + sum_;
    }
    sum_ = next;
  }
  double value() const { return std::isinf(sum_) ? sum_ : sum_ + lost_; }

 private:
  double sum_ = 0;
  double lost_ = 0;
};

// NaN only when both are; of equal ones (zeros of either sign) the later, as min_over_time() does.
double lesser(double a, double b) {
  return std::isnan(a) || b <= a ? b : a;
}
double greater(double a, double b) {
  return std::isnan(a) || b >= a ? b : a;
}

bool began_anew(const TierWindow& before, double value, std::int64_t time, std::int64_t start) {
  return value < before.last ||
         counter_restarted(before.last_start, before.last_time, start, time);
}

// One window while samples come in.
class Folding {
 public:
  explicit Folding(std::int64_t end) { window_.end = end; }
  std::int64_t end() const { return window_.end; }

  void marker(bool histogram) {
    window_.ended = true;
    window_.histograms = window_.histograms || histogram;
  }
  void histogram() {
    window_.histograms = true;
    window_.ended = false;
  }
  void sample(std::int64_t time, double value, std::int64_t start) {
    TierWindow& w = window_;
    w.ended = false;
    sum_.add(value);
    if (w.count == 0) {
      w.first = w.min = w.max = value;
      w.first_time = time;
      w.first_start = start;
    } else {
      w.min = lesser(w.min, value);
      w.max = greater(w.max, value);
      if (began_anew(w, value, time, start)) {
        ++w.resets;
        correction_.add(w.last);
      }
    }
    w.last = value;
    w.last_time = time;
    w.last_start = start;
    ++w.count;
  }
  TierWindow window() const {
    TierWindow out = window_;
    out.sum = sum_.value();
    out.correction = correction_.value();
    return out;
  }

 private:
  TierWindow window_;
  Sum sum_;
  Sum correction_;
};

}  // namespace

std::string_view to_string(Tier tier) noexcept {
  return tier == Tier::k5m ? "5m" : "1h";
}

void merge_window(TierWindow& window, const TierWindow& later) {
  TierWindow& w = window;
  const bool anything = later.count > 0 || later.histograms || later.ended;
  if (anything) w.ended = later.ended;
  w.histograms = w.histograms || later.histograms;
  if (later.count == 0) return;
  if (w.count == 0) {
    const TierWindow before = w;
    w = later;
    w.end = before.end;
    w.histograms = before.histograms || later.histograms;
    return;
  }
  Sum sum;
  sum.add(w.sum);
  sum.add(later.sum);
  w.sum = sum.value();
  Sum correction;
  correction.add(w.correction);
  if (began_anew(w, later.first, later.first_time, later.first_start)) {
    ++w.resets;
    correction.add(w.last);
  }
  correction.add(later.correction);
  w.correction = correction.value();
  w.resets += later.resets;
  w.count += later.count;
  w.min = lesser(w.min, later.min);
  w.max = greater(w.max, later.max);
  w.last = later.last;
  w.last_time = later.last_time;
  w.last_start = later.last_start;
}

void fold_window(const TierWindow& piece, std::int64_t step, std::vector<TierWindow>& out) {
  const std::int64_t end = window_end(piece.end, step);
  if (!out.empty() && out.back().end == end) {
    merge_window(out.back(), piece);
    return;
  }
  out.push_back(piece);
  out.back().end = end;
}

void fold_samples(const SampleColumns& samples, std::int64_t step, std::vector<TierWindow>& out) {
  for (std::size_t i = 0; i < samples.size();) {
    Folding folding(window_end(samples.times[i], step));
    for (; i < samples.size() && samples.times[i] <= folding.end(); ++i) {
      const std::int64_t time = samples.times[i];
      if (!samples.histograms.empty() && samples.histograms[i]) {
        if (is_stale_nan(samples.histograms[i]->sum)) {
          folding.marker(true);
        } else {
          folding.histogram();
        }
      } else if (is_stale_nan(samples.values[i])) {
        folding.marker(false);
      } else {
        // A start that is not before its sample says nothing.
        const std::int64_t start = samples.start_times.empty() ? 0 : samples.start_times[i];
        folding.sample(time, samples.values[i], start < time ? start : 0);
      }
    }
    fold_window(folding.window(), step, out);
  }
}

}  // namespace nines::storage
