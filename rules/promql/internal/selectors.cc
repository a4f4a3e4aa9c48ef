// Selectors: what is read from the store, and the value each step sees.

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/parser.h"
#include "rules/promql/internal/tiers.h"

namespace nines::promql {
namespace {

constexpr std::int64_t kFarthest = std::numeric_limits<std::int64_t>::max() / 4;

// Walks one series' samples along ascending instants.
class Cursor {
 public:
  explicit Cursor(const SampleColumns& samples) : samples_(samples) {}
  // The index of the last sample in (at - lookback, at]; false when there is none, or it says
  // "stale".
  bool find(std::int64_t at, std::int64_t lookback, std::size_t& index) {
    while (next_ < samples_.size() && samples_.times[next_] <= at) ++next_;
    if (next_ == 0 || samples_.times[next_ - 1] <= at - lookback) return false;
    index = next_ - 1;
    return !stale(index);
  }
  // After find(): is there a sample in (at - lookback, at], be it one that says "stale"?
  bool any(std::int64_t at, std::int64_t lookback) const {
    return next_ > 0 && samples_.times[next_ - 1] > at - lookback;
  }
  // After find(): the first sample later than its instant, at most `lookback` later.
  bool following(std::int64_t at, std::int64_t lookback, std::size_t& index) const {
    if (next_ >= samples_.size() || samples_.times[next_] > at + lookback) return false;
    index = next_;
    return !stale(index);
  }

 private:
  bool stale(std::size_t i) const {
    if (!samples_.histograms.empty() && samples_.histograms[i]) {
      return is_stale_nan(samples_.histograms[i]->sum);
    }
    return is_stale_nan(samples_.values[i]);
  }
  const SampleColumns& samples_;
  std::size_t next_ = 0;
};

const HistogramPtr& histogram_at(const SampleColumns& samples, std::size_t i) {
  static const HistogramPtr kNone;
  return samples.histograms.empty() ? kNone : samples.histograms[i];
}

// Where a store cannot say whether a counter was reset, the sample before can.
void resolve_hints(SampleColumns& samples) {
  const Histogram* before = nullptr;
  for (HistogramPtr& h : samples.histograms) {
    if (!h) continue;
    if (before != nullptr && h->reset_hint == ResetHint::kUnknown) {
      auto copy = std::make_shared<Histogram>(*h);
      copy->reset_hint = detect_reset(*h, *before) ? ResetHint::kReset : ResetHint::kNotReset;
      h = std::move(copy);
    }
    before = h.get();
  }
}

// A NaN with the bits of "absent" cannot come from a sample: those are staleness markers.
struct Cell {
  double value = absent();
  HistogramPtr histogram;
  bool mixed = false;
};

Cell interpolated(const SampleColumns& samples, std::size_t a, std::size_t b, std::int64_t at) {
  const HistogramPtr& left = histogram_at(samples, a);
  const HistogramPtr& right = histogram_at(samples, b);
  const double part = static_cast<double>(at - samples.times[a]) /
                      static_cast<double>(samples.times[b] - samples.times[a]);
  if ((left != nullptr) != (right != nullptr)) return {absent(), nullptr, true};
  if (!left) {
    const double y = samples.values[a];
    return {y + (samples.values[b] - y) * part, nullptr, false};
  }
  HistogramPtr between = interpolate(*left, *right, part, true);
  return {between ? 0 : absent(), between, false};
}

}  // namespace

std::int64_t clamp_time(std::int64_t ms) {
  return std::clamp(ms, -kFarthest, kFarthest);
}

Result<double> Evaluator::seconds(const DurationExpr& d) const {
  double lhs = 0;
  double rhs = 0;
  if (d.lhs) {
    NINES_TRY(lhs, seconds(*d.lhs));
  }
  if (d.rhs) {
    NINES_TRY(rhs, seconds(*d.rhs));
  }
  switch (d.op) {
    case DurationExpr::Op::kLiteral:
      return d.seconds;
    case DurationExpr::Op::kStep:
      return q_.is_range ? static_cast<double>(q_.grid.step) / 1000 : 0.0;
    case DurationExpr::Op::kRange:
      return static_cast<double>(q_.query_end - q_.grid.start) / 1000;
    case DurationExpr::Op::kMin:
      return std::min(lhs, rhs);
    case DurationExpr::Op::kMax:
      return std::max(lhs, rhs);
    case DurationExpr::Op::kPlus:
      return lhs;
    case DurationExpr::Op::kNegate:
      return -lhs;
    case DurationExpr::Op::kAdd:
      return lhs + rhs;
    case DurationExpr::Op::kSub:
      return lhs - rhs;
    case DurationExpr::Op::kMul:
      return lhs * rhs;
    case DurationExpr::Op::kPow:
      return std::pow(lhs, rhs);
    case DurationExpr::Op::kDiv:
      if (rhs == 0) return q_.error(d.range, "division by zero");
      return lhs / rhs;
    case DurationExpr::Op::kMod:
      if (rhs == 0) return q_.error(d.range, "modulo by zero");
      return std::fmod(lhs, rhs);
  }
  return 0.0;
}

Result<std::int64_t> Evaluator::offset_ms(const TimeShift& shift) const {
  if (!shift.offset) return std::int64_t{0};
  NINES_TRY(const double value, seconds(*shift.offset));
  constexpr double kMost = 9223372036.0;
  if (!(std::fabs(value) < kMost)) return q_.error(shift.offset->range, "duration is out of range");
  return static_cast<std::int64_t>(std::llround(value * 1000));
}

Result<std::int64_t> Evaluator::length_ms(const DurationExpr& length) const {
  NINES_TRY(const double value, seconds(length));
  constexpr double kMost = 9223372036.0;
  if (!(value > 0)) return q_.error(length.range, "duration must be greater than 0");
  if (!(value < kMost)) return q_.error(length.range, "duration is out of range");
  const auto ms = static_cast<std::int64_t>(std::llround(value * 1000));
  if (ms <= 0) return q_.error(length.range, "duration must be greater than 0");
  return ms;
}

std::optional<std::int64_t> Evaluator::fixed_time(const TimeShift& shift) const {
  switch (shift.at) {
    case AtKind::kNone:
      return std::nullopt;
    case AtKind::kTime:
      return clamp_time(shift.at_ms);
    case AtKind::kStart:
      return q_.grid.start;
    case AtKind::kEnd:
      return q_.query_end;
  }
  return std::nullopt;
}

Error Evaluator::too_many_series() const {
  return Error(ErrorCode::kLimit,
               "query selects more than " + std::to_string(q_.options.series_max) +
                   " series (max_series); add matchers, or raise max_series in [query]");
}

Result<std::unique_ptr<storage::SeriesSelection>> Evaluator::open(const VectorSelector& selector,
                                                                  std::int64_t from,
                                                                  std::int64_t to, Charge& held) {
  if (const Result<void> ok = q_.check(); !ok) return ok.error();
  const storage::TimeRange range{from_millis(clamp_time(from)), from_millis(clamp_time(to))};
  Result<std::unique_ptr<storage::SeriesSelection>> selection =
      q_.querier.select(selector.matchers, range, q_.options.series_max, q_.stop);
  if (!selection && selection.error().code() == ErrorCode::kLimit) return too_many_series();
  if (!selection) return selection;
  q_.stats.series += (*selection)->size();
  if (q_.stats.series > q_.options.series_max) return too_many_series();
  // Label sets are made when a row wants them, and counted there.
  if (const Result<void> ok = held.add(0, (*selection)->bytes_held()); !ok) return ok.error();
  return selection;
}

// Damaged pages cost their samples, not the query: what was lost becomes a warning.
Result<void> Evaluator::read(storage::SeriesReader& reader, std::size_t index,
                             std::int64_t from, std::int64_t to, SampleColumns& out) {
  if (const Result<void> ok = q_.check(); !ok) return ok.error();
  out.clear();
  if (from > to) return {};
  const storage::TimeRange range{from_millis(clamp_time(from)), from_millis(clamp_time(to))};
  const Result<void> done = reader.read(index, range, out);
  if (!done) {
    if (done.error().code() != ErrorCode::kCorrupt) return done.error();
    q_.annotations.storage_warning(done.error().what());
  }
  q_.stats.samples += out.size();
  if (resolve_hints_ && !out.histograms.empty()) resolve_hints(out);
  return {};
}

Result<Block> Evaluator::select(const VectorSelector& selector, const Grid& grid, Take take,
                                RowSink* sink) {
  NINES_TRY(const std::int64_t offset, offset_ms(selector.shift));
  const std::optional<std::int64_t> fixed = fixed_time(selector.shift);
  const std::int64_t first = (fixed ? *fixed : grid.start) - offset;
  const std::int64_t last = (fixed ? *fixed : grid.end()) - offset;
  const std::int64_t lookback = q_.lookback.count();
  const std::int64_t to = selector.smoothed ? last + lookback : last;
  const std::optional<TierPlan> plan = plan_instant(selector, grid, first, fixed.has_value());
  std::int64_t from = first - lookback + 1;
  Charge selection(q_.budget);
  NINES_TRY(const std::unique_ptr<storage::SeriesSelection> found,
            open(selector, plan ? plan->moved(first) - lookback + 1 : from, to, selection));
  if (plan) from = plan->dropped + 1;
  Block out(grid.count, q_.budget);
  SampleColumns samples;
  std::vector<storage::TierWindow> tier;
  bool tier_used = false;
  const std::unique_ptr<storage::SeriesReader> reader = found->reader();
  for (std::size_t i = 0; i < found->size(); ++i) {
    if (const Result<void> ok = read(*reader, i, from, to, samples); !ok) {
      return ok.error();
    }
    if (plan) {
      const Result<void> ok =
          read_tier(*found, i, *plan, plan->moved(first) - lookback + 1, plan->seam, tier);
      if (!ok) return ok.error();
    }
    if (samples.size() == 0 && tier.empty()) continue;
    Charge held(q_.budget);
    const std::uint64_t bytes = bytes_of(samples) + tier.size() * sizeof(storage::TierWindow);
    if (const Result<void> ok = held.add(samples.size() + tier.size(), bytes); !ok) {
      return ok.error();
    }
    NINES_TRY(const std::size_t row,
              out.add_row({sink ? LabelSet() : found->labels(i), take != Take::kValue}));
    Cursor cursor(samples);
    std::optional<TierCursor> windows;
    if (plan) windows.emplace(*plan, tier);
    bool any = false;
    for (std::size_t s = 0; s < grid.count; ++s) {
      if (fixed && s > 0) {  // the same at every step
        out.values[row * grid.count + s] = out.values[row * grid.count];
        if (!out.histograms.empty()) {
          out.histograms[row * grid.count + s] = out.histograms[row * grid.count];
        }
        continue;
      }
      const std::int64_t at = fixed ? first : grid.at(s) - offset;
      std::size_t index = 0;
      if (!cursor.find(at, lookback, index)) {
        if (!plan || at - lookback >= plan->dropped || cursor.any(at, lookback)) continue;
        const storage::TierWindow* const window = windows->find(at, lookback);
        if (window == nullptr) continue;
        out.row(row)[s] = take == Take::kValue ? window->last
                          : take == Take::kTimestamp
                              ? static_cast<double>(window->last_time) / 1000
                              : static_cast<double>(window->last_start) / 1000;
        tier_used = any = true;
        continue;
      }
      if (take == Take::kTimestamp) {
        out.row(row)[s] = static_cast<double>(samples.times[index]) / 1000;
      } else if (take == Take::kStartTimestamp) {
        out.row(row)[s] = samples.start_times.empty()
                              ? 0
                              : static_cast<double>(samples.start_times[index]) / 1000;
      } else {
        std::size_t after = 0;
        Cell cell{samples.values[index], histogram_at(samples, index), false};
        if (selector.smoothed && samples.times[index] < at &&
            cursor.following(at, lookback, after)) {
          cell = interpolated(samples, index, after, at);
        }
        if (cell.mixed) {
          q_.annotations.mixed_floats_histograms(found->labels(i).metric_name(), selector.range);
          continue;
        }
        if (cell.histogram) {
          out.set_histogram(row, s, std::move(cell.histogram));
        } else {
          out.row(row)[s] = cell.value;
        }
      }
      any = any || out.present(row, s);
    }
    if (windows && windows->saw_histogram())
      say_histograms(*plan, found->labels(i).metric_name(), selector.range);
    if (!any) {
      out.pop_row();
      continue;
    }
    for (std::size_t s = 0; q_.tally.on && s < grid.count; ++s) {
      if (!out.present(row, s)) continue;
      const Histogram* h = out.histogram(row, s);
      q_.tally.add(s, h != nullptr ? samples_worth(*h) : 1);
    }
    if (sink) {
      if (const Result<void> ok = sink->take(out, found.get(), i); !ok) return ok.error();
      out.pop_row();
    }
  }
  if (tier_used) say_tier(*plan, selector.range);
  return out;
}

}  // namespace nines::promql
