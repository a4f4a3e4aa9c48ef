#include "storage/api/tier_window.h"

#include <algorithm>
#include <cmath>

namespace nines::storage {
namespace {

// NaN only when both are; of equal ones (zeros of either sign) the later, as min_over_time() does.
double lesser(double a, double b) {
  return std::isnan(a) || b <= a ? b : a;
}
double greater(double a, double b) {
  return std::isnan(a) || b >= a ? b : a;
}

bool began_anew(const TierWindow& before, double value, std::int64_t time, std::int64_t start) {
  return value < before.last || counter_restarted(before.last_start, before.last_time, start, time);
}

}  // namespace

std::string_view to_string(Tier tier) noexcept {
  return tier == Tier::k5m ? "5m" : "1h";
}

void WindowFold::Sum::add(double value) {
  const double next = sum + value;
  if (std::isinf(next)) {
    lost = 0;
  } else if (std::fabs(sum) >= std::fabs(value)) {
    lost += (sum - next) + value;
  } else {
    lost += (value - next) + sum;
  }
  sum = next;
}

double WindowFold::Sum::value() const {
  return std::isinf(sum) ? sum : sum + lost;
}

void WindowFold::sample(std::int64_t time, double value, std::int64_t start) {
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

void WindowFold::samples(const SampleColumns& samples, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    if (!samples.histograms.empty() && samples.histograms[i]) {
      window_.ended = is_stale_nan(samples.histograms[i]->sum);
      window_.histograms = window_.histograms || !window_.ended;
    } else if (is_stale_nan(samples.values[i])) {
      window_.ended = true;
    } else {
      // A start that is not before its sample says nothing.
      const std::int64_t start = samples.start_times.empty() ? 0 : samples.start_times[i];
      sample(samples.times[i], samples.values[i], start < samples.times[i] ? start : 0);
    }
  }
}

void WindowFold::window(const TierWindow& piece) {
  TierWindow& w = window_;
  if (piece.count == 0) {
    if (piece.histograms || piece.ended) w.ended = piece.ended;
    w.histograms = w.histograms || piece.histograms;
    return;
  }
  sum_.add(piece.sum);
  if (w.count == 0) {
    const bool histograms = w.histograms;
    const std::int64_t end = w.end;
    w = piece;
    w.end = end;
    w.histograms = histograms || piece.histograms;
    correction_.add(piece.correction);
    return;
  }
  w.min = lesser(w.min, piece.min);
  w.max = greater(w.max, piece.max);
  if (began_anew(w, piece.first, piece.first_time, piece.first_start)) {
    ++w.resets;
    correction_.add(w.last);
  }
  correction_.add(piece.correction);
  w.resets += piece.resets;
  w.count += piece.count;
  w.last = piece.last;
  w.last_time = piece.last_time;
  w.last_start = piece.last_start;
  w.ended = piece.ended;
  w.histograms = w.histograms || piece.histograms;
}

TierWindow WindowFold::result() const {
  TierWindow out = window_;
  out.sum = sum_.value();
  out.correction = correction_.value();
  return out;
}

void fold_samples(const SampleColumns& samples, std::int64_t step, std::vector<TierWindow>& out) {
  for (std::size_t i = 0; i < samples.size();) {
    const std::int64_t end = window_end(samples.times[i], step);
    std::size_t next = i;
    while (next < samples.size() && samples.times[next] <= end) ++next;
    WindowFold fold(end);
    const bool joins = !out.empty() && out.back().end == end;
    if (joins) fold.window(out.back());
    fold.samples(samples, i, next);
    if (joins) out.pop_back();
    out.push_back(fold.result());
    i = next;
  }
}

void fold_windows(std::int64_t step, std::vector<TierWindow>& windows) {
  const auto before = [](const TierWindow& a, const TierWindow& b) { return a.end < b.end; };
  if (!std::is_sorted(windows.begin(), windows.end(), before))
    std::stable_sort(windows.begin(), windows.end(), before);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < windows.size();) {
    const std::int64_t end = window_end(windows[i].end, step);
    WindowFold fold(end);
    for (; i < windows.size() && window_end(windows[i].end, step) == end; ++i)
      fold.window(windows[i]);
    windows[kept++] = fold.result();
  }
  windows.resize(kept);
}

}  // namespace nines::storage
