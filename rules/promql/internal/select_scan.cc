// Instant selectors: the value each step sees.

#include <algorithm>
#include <atomic>
#include <utility>

#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/scan.h"
#include "rules/promql/internal/selection_reader.h"
#include "rules/promql/internal/tiers.h"

namespace nines::promql {
namespace {

// Walks one series' samples along ascending instants.
class Cursor {
 public:
  // What is smoothed draws its lines past marks of staleness, as the windows of ranges do.
  Cursor(const SampleColumns& samples, bool past_stale)
      : samples_(samples), past_stale_(past_stale) {}
  // The index of the last sample in (at - lookback, at]; false when there is none, or it says
  // "stale".
  bool find(std::int64_t at, std::int64_t lookback, std::size_t& index) {
    while (next_ < samples_.size() && samples_.times[next_] <= at) ++next_;
    for (std::size_t end = next_; end > 0 && samples_.times[end - 1] > at - lookback; --end) {
      index = end - 1;
      if (!stale(index)) return true;
      if (!past_stale_) return false;
    }
    return false;
  }
  // After find(): is there a sample in (at - lookback, at], be it one that says "stale"?
  bool any(std::int64_t at, std::int64_t lookback) const {
    return next_ > 0 && samples_.times[next_ - 1] > at - lookback;
  }
  // After find(): the first sample later than its instant, at most `lookback` later.
  bool following(std::int64_t at, std::int64_t lookback, std::size_t& index) const {
    for (index = next_; index < samples_.size() && samples_.times[index] <= at + lookback;
         ++index) {
      if (!stale(index)) return true;
      if (!past_stale_) return false;
    }
    return false;
  }

 private:
  bool stale(std::size_t i) const {
    if (!samples_.histograms.empty() && samples_.histograms[i]) {
      return is_stale_nan(samples_.histograms[i]->sum);
    }
    return is_stale_nan(samples_.values[i]);
  }
  const SampleColumns& samples_;
  const bool past_stale_;
  std::size_t next_ = 0;
};

const HistogramPtr& histogram_at(const SampleColumns& samples, std::size_t i) {
  static const HistogramPtr kNone;
  return samples.histograms.empty() ? kNone : samples.histograms[i];
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

// What all series of a selection are looked at with.
struct SelectPlan {
  const VectorSelector& selector;
  const Grid& grid;
  bool timestamps = false, starts = false;  // instead of values
  const RowSink* sink = nullptr;            // whom rows go to
  const FloatFilter* filter = nullptr;
  std::int64_t offset = 0;
  std::optional<std::int64_t> fixed;  // by @
  std::int64_t first = 0;             // the first instant
  std::int64_t from = 0, to = 0;      // of the samples
  std::optional<TierPlan> tier;
  std::int64_t tier_from = 0;
  std::atomic<bool> tier_used = false;
};

class SelectScanner final : public Scanner {
 public:
  SelectScanner(const Evaluator& evaluator, SelectPlan& plan, const storage::SeriesSelection& found)
      : evaluator_(evaluator),
        q_(evaluator.q_),
        plan_(plan),
        lookback_(q_.lookback.count()),
        found_(found),
        reader_(q_, evaluator.resolve_hints_, found),
        held_(q_.budget),
        asks_latest_(plan.grid.count == 1 && !plan.starts && !plan.tier &&
                     !plan.selector.smoothed) {}

  void begin(std::size_t first, std::size_t end) override {
    latest_.clear();
    if (!asks_latest_ || plan_.from > plan_.to) return;
    first_ = first;
    latest_.resize(end - first);
    reader_.latest(first, plan_.from, plan_.to, latest_);
  }

  Result<void> find(std::size_t i, FoundRows& to) override {
    if (!latest_.empty()) {
      const storage::LatestSample& newest = latest_[i - first_];
      if (i == first_) {
        if (Result<void> ok = q_.check(); !ok) return ok;
      }
      if (newest.state == storage::LatestSample::State::kNone) return {};
      if (newest.state == storage::LatestSample::State::kFloat) return take(i, newest, to);
    }
    NINES_TRY(const bool same, reader_.read_on(i, plan_.from, plan_.to, samples_, to.notes()));
    placed_ = placed_ && same;
    if (plan_.tier) {
      Result<void> ok = evaluator_.read_tier(found_, i, *plan_.tier, plan_.tier_from,
                                             plan_.tier->seam, tier_, to.notes());
      if (!ok) return ok;
    }
    if (samples_.size() == 0 && tier_.empty()) return {};
    const std::uint64_t bytes = bytes_of(samples_) + tier_.size() * sizeof(storage::TierWindow);
    if (Result<void> ok = held_.raise(samples_.size() + tier_.size(), bytes); !ok) return ok;
    const bool values = !plan_.timestamps && !plan_.starts;
    const bool plain = values && samples_.histograms.empty() && !plan_.selector.smoothed &&
                       !plan_.fixed && !plan_.tier;
    const bool filtered = plain && plan_.filter != nullptr && !q_.tally.on;
    if (filtered) {
      row_.assign(plan_.grid.count, absent());
      if (!fill_plain(row_.data())) return {};
      if (!plan_.filter->keeps_any(row_.data(), row_.size())) return {};
    }
    NINES_TRY(const std::size_t row, to.rows.add_row({row_labels(found_, i, plan_.sink), !values}));
    if (filtered) {
      std::copy(row_.begin(), row_.end(), to.rows.row(row));
    } else if (!(plain ? fill_plain(to.rows.row(row)) : fill(i, row, to))) {
      to.rows.pop_row();
      return {};
    }
    for (std::size_t s = 0; q_.tally.on && s < plan_.grid.count; ++s) {
      if (!to.rows.present(row, s)) continue;
      const Histogram* h = to.rows.histogram(row, s);
      q_.tally.add(s, h != nullptr ? samples_worth(*h) : 1);
    }
    return {};
  }

 private:
  // The one value of the one step, known without reading.
  Result<void> take(std::size_t i, const storage::LatestSample& newest, FoundRows& to) {
    ++to.samples;
    if (is_absent(newest.value)) return {};
    const double value =
        plan_.timestamps ? static_cast<double>(newest.time_ms) / 1000 : newest.value;
    if (q_.tally.on) q_.tally.add(0, 1);
    if (plan_.filter != nullptr && !plan_.filter->keeps(value, 0)) return {};
    NINES_TRY(const std::size_t row,
              to.rows.add_row({row_labels(found_, i, plan_.sink), plan_.timestamps}));
    to.rows.row(row)[0] = value;
    return {};
  }

  // Which sample each step sees.
  void place() {
    const Grid& grid = plan_.grid;
    const std::int64_t* const times = samples_.times.data();
    const std::size_t size = samples_.size();
    seen_.resize(grid.count);
    std::size_t next = 0;
    for (std::size_t s = 0; s < grid.count; ++s) {
      const std::int64_t at = grid.at(s) - plan_.offset;
      while (next < size && times[next] <= at) ++next;
      const bool none = next == 0 || times[next - 1] <= at - lookback_;
      seen_[s] = none ? kNone : static_cast<std::uint32_t>(next - 1);
    }
    placed_ = true;
  }

  // Nothing but floats; a staleness marker is "absent" as it is. False when there is no value.
  bool fill_plain(double* row) {
    if (!placed_) place();
    const double* const values = samples_.values.data();
    const std::uint32_t* const seen = seen_.data();
    bool any = false;
    for (std::size_t s = 0; s < plan_.grid.count; ++s) {
      if (seen[s] == kNone) continue;
      row[s] = values[seen[s]];
      any = any || !is_absent(row[s]);
    }
    return any;
  }

  bool fill(std::size_t i, std::size_t row, FoundRows& to) {
    Block& out = to.rows;
    const Grid& grid = plan_.grid;
    Cursor cursor(samples_, plan_.selector.smoothed);
    std::optional<TierCursor> windows;
    if (plan_.tier) windows.emplace(*plan_.tier, tier_);
    bool any = false;
    for (std::size_t s = 0; s < grid.count; ++s) {
      if (plan_.fixed && s > 0) {  // the same at every step
        out.values[row * grid.count + s] = out.values[row * grid.count];
        if (!out.histograms.empty())
          out.histograms[row * grid.count + s] = out.histograms[row * grid.count];
        continue;
      }
      const std::int64_t at = plan_.fixed ? plan_.first : grid.at(s) - plan_.offset;
      std::size_t index = 0;
      if (cursor.find(at, lookback_, index)) {
        see(i, row, s, at, index, cursor, to);
      } else if (plan_.tier && at - lookback_ < plan_.tier->dropped && !cursor.any(at, lookback_)) {
        see_tier(windows->find(at, lookback_), out.row(row)[s]);
      }
      any = any || out.present(row, s);
    }
    if (windows && windows->saw_histogram()) {
      Evaluator::say_histograms(to.annotations, *plan_.tier, found_.labels(i).metric_name(),
                                plan_.selector.range);
    }
    return any;
  }

  void see(std::size_t i, std::size_t row, std::size_t s, std::int64_t at, std::size_t index,
           const Cursor& cursor, FoundRows& to) {
    double& value = to.rows.row(row)[s];
    if (plan_.timestamps) {
      value = static_cast<double>(samples_.times[index]) / 1000;
      return;
    }
    if (plan_.starts) {
      value = samples_.start_times.empty()
                  ? 0
                  : static_cast<double>(samples_.start_times[index]) / 1000;
      return;
    }
    std::size_t after = 0;
    Cell cell{samples_.values[index], histogram_at(samples_, index), false};
    if (plan_.selector.smoothed && samples_.times[index] < at &&
        cursor.following(at, lookback_, after)) {
      cell = interpolated(samples_, index, after, at);
    }
    if (cell.mixed) {
      to.annotations.mixed_floats_histograms(found_.labels(i).metric_name(), plan_.selector.range);
    } else if (cell.histogram) {
      to.rows.set_histogram(row, s, std::move(cell.histogram));
    } else {
      value = cell.value;
    }
  }

  void see_tier(const storage::TierWindow* window, double& value) {
    if (window == nullptr) return;
    value = plan_.timestamps ? static_cast<double>(window->last_time) / 1000
            : plan_.starts   ? static_cast<double>(window->last_start) / 1000
                             : window->last;
    plan_.tier_used.store(true, std::memory_order_relaxed);
  }

  const Evaluator& evaluator_;
  QueryContext& q_;
  SelectPlan& plan_;
  const std::int64_t lookback_;
  const storage::SeriesSelection& found_;
  SelectionReader reader_;
  Most held_;
  const bool asks_latest_;
  std::size_t first_ = 0;  // of latest_
  std::vector<storage::LatestSample> latest_;
  Column row_;
  SampleColumns samples_;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::vector<std::uint32_t> seen_;  // by step, of samples_
  bool placed_ = false;              // seen_, over the times in samples_
  std::vector<storage::TierWindow> tier_;
};

Result<Block> Evaluator::select(const VectorSelector& selector, const Grid& grid, Take take,
                                RowSink* sink, const FloatFilter* filter) {
  SelectPlan plan{selector,
                  grid,
                  take == Take::kTimestamp,
                  take == Take::kStartTimestamp,
                  sink,
                  filter,
                  0,
                  {},
                  0,
                  0,
                  0,
                  {},
                  0,
                  false};
  NINES_TRY(plan.offset, offset_ms(selector.shift));
  plan.fixed = fixed_time(selector.shift);
  plan.first = (plan.fixed ? *plan.fixed : grid.start) - plan.offset;
  const std::int64_t last = (plan.fixed ? *plan.fixed : grid.end()) - plan.offset;
  const std::int64_t lookback = q_.lookback.count();
  plan.to = selector.smoothed ? last + lookback : last;
  plan.tier = plan_instant(selector, grid, plan.first, plan.fixed.has_value());
  plan.from = plan.first - lookback + 1;
  if (plan.tier) plan.tier_from = plan.tier->moved(plan.first) - lookback + 1;
  Charge selection(q_.budget);
  NINES_TRY(std::unique_ptr<storage::SeriesSelection> found,
            open(selector, plan.tier ? plan.tier_from : plan.from, plan.to, selection));
  if (plan.tier) plan.from = plan.tier->dropped + 1;
  Block out(grid.count, q_.budget);
  const Result<void> done = scan(
      *found, 0,
      [&]() -> std::unique_ptr<Scanner> {
        return std::make_unique<SelectScanner>(*this, plan, *found);
      },
      sink, out);
  if (!done) return done.error();
  if (sink != nullptr) sink->own(std::move(found));
  if (plan.tier_used) say_tier(*plan.tier, selector.range);
  return out;
}

}  // namespace nines::promql
