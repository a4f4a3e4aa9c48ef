#include "rules/promql/internal/tiers.h"

#include <algorithm>
#include <string>

#include "base/text/text.h"
#include "rules/promql/internal/evaluator.h"

namespace nines::promql {

using storage::Tier;
using storage::TierWindow;

bool reads_tiers(Fn id) {
  switch (id) {
    case Fn::kRate:
    case Fn::kIncrease:
    case Fn::kDelta:
    case Fn::kResets:
    case Fn::kAvgOverTime:
    case Fn::kSumOverTime:
    case Fn::kMinOverTime:
    case Fn::kMaxOverTime:
    case Fn::kCountOverTime:
    case Fn::kLastOverTime:
    case Fn::kFirstOverTime:
    case Fn::kPresentOverTime:
    case Fn::kAbsentOverTime:
    case Fn::kTsOfFirstOverTime:
    case Fn::kTsOfLastOverTime:
      return true;
    default:
      return false;
  }
}

std::optional<TierPlan> plan_tiers(const storage::Retention& kept, const TierNeed& need,
                                   bool& refused) {
  refused = false;
  if (!kept.dropped_until || need.first >= to_millis(*kept.dropped_until)) return std::nullopt;
  std::optional<Tier> best;
  for (const Tier tier : {Tier::k5m, Tier::k1h}) {
    const std::optional<Timestamp> from = kept.tier_from[static_cast<std::size_t>(tier)];
    if (!from || *from > *kept.dropped_until) continue;
    const std::int64_t step = storage::tier_step(tier);
    const bool whole = need.length % step == 0 && (need.step == 0 || need.step >= step);
    if (!need.summary || !whole) {
      refused = true;
      continue;
    }
    if (best) {
      const Timestamp finer = *kept.tier_from[static_cast<std::size_t>(*best)];
      if (to_millis(finer) <= need.first || *from >= finer) continue;
    }
    best = tier;
  }
  if (!best) return std::nullopt;
  refused = false;
  TierPlan plan;
  plan.tier = *best;
  plan.step = storage::tier_step(*best);
  plan.dropped = to_millis(*kept.dropped_until);
  plan.seam = storage::window_end(plan.dropped, plan.step);
  return plan;
}

std::vector<TierCell> tier_cells(const TierPlan& plan, std::span<const Window> windows,
                                 std::span<const TierWindow> tier, const SampleColumns& samples) {
  std::vector<TierCell> out(windows.size());
  const auto after_seam = std::upper_bound(samples.times.begin(), samples.times.end(), plan.seam);
  auto next_sample = static_cast<std::size_t>(after_seam - samples.times.begin());
  storage::WindowFold tail;  // single samples after the seam
  std::size_t begin = 0;
  for (std::size_t s = 0; s < windows.size(); ++s) {
    Window& window = out[s].window;
    window.from = plan.moved(windows[s].from);
    window.to = plan.moved(windows[s].to);
    while (begin < tier.size() && tier[begin].end <= window.from) ++begin;
    storage::WindowFold fold;
    for (std::size_t i = begin; i < tier.size() && tier[i].end <= std::min(window.to, plan.seam);
         ++i)
      fold.window(tier[i]);
    const std::size_t first_new = next_sample;
    while (next_sample < samples.size() && samples.times[next_sample] <= window.to) ++next_sample;
    tail.samples(samples, first_new, next_sample);
    if (!tail.empty()) fold.window(tail.result());
    out[s].total = fold.result();
  }
  return out;
}

bool set_from_tier(const RangeTask& task, std::size_t step, const TierCell& cell) {
  const TierWindow& w = cell.total;
  if (task.id == Fn::kPresentOverTime) {
    if (w.count > 0 || w.histograms) task.set(step, 1);
    return true;
  }
  if (w.histograms) return false;
  if (w.count == 0) return true;
  switch (task.id) {
    case Fn::kCountOverTime:
      task.set(step, w.count);
      break;
    case Fn::kSumOverTime:
      task.set(step, w.sum);
      break;
    case Fn::kAvgOverTime:
      task.set(step, w.sum / w.count);
      break;
    case Fn::kMinOverTime:
      task.set(step, w.min);
      break;
    case Fn::kMaxOverTime:
      task.set(step, w.max);
      break;
    case Fn::kFirstOverTime:
      task.set(step, w.first);
      break;
    case Fn::kLastOverTime:
      task.set(step, w.last);
      break;
    case Fn::kTsOfFirstOverTime:
      task.set(step, static_cast<double>(w.first_time) / 1000);
      break;
    case Fn::kTsOfLastOverTime:
      task.set(step, static_cast<double>(w.last_time) / 1000);
      break;
    case Fn::kResets:
      task.set(step, w.resets);
      break;
    default:
      rate_from_tier(task, step, cell.window, w);
  }
  return true;
}

const TierWindow* TierCursor::find(std::int64_t at, std::int64_t lookback) {
  const std::int64_t moved = plan_.moved(at);
  while (next_ < windows_.size() && windows_[next_].end <= moved) ++next_;
  if (next_ == 0) return nullptr;
  const TierWindow& w = windows_[next_ - 1];
  if (w.end <= moved - lookback) return nullptr;
  if (w.histograms) saw_histogram_ = true;
  if (w.histograms || w.ended || w.count == 0 || w.last_time <= moved - lookback) return nullptr;
  return &w;
}

// --- in the evaluator ---

void Evaluator::say_tier(const TierPlan& plan, TextRange at) {
  const std::string step(to_string(plan.tier));
  q_.annotations.info("answered from the " + step + " tier until " + go_time(plan.seam) +
                          ", at multiples of " + step + "; from single samples after it",
                      at);
}

void Evaluator::say_histograms(Annotations& annotations, const TierPlan& plan,
                               std::string_view metric, TextRange at) {
  annotations.info("no native histograms are kept in the " + std::string(to_string(plan.tier)) +
                       " tier, nothing is answered until " + go_time(plan.seam) +
                       for_metric(metric),
                   at);
}

void Evaluator::say_dropped(const storage::Retention& kept, std::string_view what, bool summary,
                            TextRange at) {
  std::string text = "single samples until " + go_time(to_millis(*kept.dropped_until)) +
                     " were dropped, and " + std::string(what) + " needs them: ";
  if (!summary) {
    text +=
        "what is before is missing; rate, increase, delta, resets and the count, sum, avg, min, "
        "max, first, last, present and absent of a time range are kept in tiers";
  } else {
    text += "what is before is missing";
    for (const Tier tier : {Tier::k5m, Tier::k1h}) {
      const auto from = kept.tier_from[static_cast<std::size_t>(tier)];
      if (!from) continue;
      const std::string step(to_string(tier));
      text += "; the " + step + " tier (from " + go_time(to_millis(*from)) +
              ") answers ranges of multiples of " + step + " at steps of " + step + " or more";
    }
  }
  q_.annotations.warn(text, at);
}

std::optional<TierPlan> Evaluator::plan_range(Fn id, std::string_view name, const Expr& range,
                                              const RangeShape& shape, const Grid& grid) {
  if (unwrap(range).kind() != ExprKind::kMatrixSelector) return std::nullopt;
  const storage::Retention kept = q_.querier.retention();
  TierNeed need;
  need.first = (shape.fixed ? *shape.fixed : grid.start) - shape.offset - shape.length;
  need.length = shape.length;
  need.step = shape.fixed || grid.count == 1 ? 0 : grid.step;
  const bool extended = shape.anchored || shape.smoothed;
  need.summary = reads_tiers(id) && !extended;
  bool refused = false;
  std::optional<TierPlan> plan = plan_tiers(kept, need, refused);
  if (refused) {
    say_dropped(kept, extended ? (shape.anchored ? "anchored" : "smoothed") : name, need.summary,
                range.range);
  }
  return plan;
}

std::optional<TierPlan> Evaluator::plan_instant(const VectorSelector& selector, const Grid& grid,
                                                std::int64_t first, bool fixed) {
  const storage::Retention kept = q_.querier.retention();
  TierNeed need;
  need.first = first - q_.lookback.count();
  need.step = fixed || grid.count == 1 ? 0 : grid.step;
  need.summary = !selector.smoothed;
  bool refused = false;
  std::optional<TierPlan> plan = plan_tiers(kept, need, refused);
  if (refused)
    say_dropped(kept, selector.smoothed ? "smoothed" : "a selector at such steps", need.summary,
                selector.range);
  return plan;
}

Result<void> Evaluator::read_tier(const storage::SeriesSelection& selection, std::size_t index,
                                  const TierPlan& plan, std::int64_t from, std::int64_t to,
                                  std::vector<TierWindow>& out, Notes notes) const {
  out.clear();
  if (from > to) return {};
  const Result<void> done = selection.read_tier(
      index, plan.tier, {from_millis(clamp_time(from)), from_millis(clamp_time(to))}, out);
  if (!done) {
    if (done.error().code() != ErrorCode::kCorrupt) return done;
    notes.annotations.storage_warning(done.error().what());
  }
  notes.samples += out.size();
  return {};
}

Result<void> Evaluator::each_from_tier(const MatrixSelector& node, const Grid& grid,
                                       const RangeShape& shape, const TierPlan& plan,
                                       const EachTierSeries& each) {
  const std::int64_t first =
      (shape.fixed ? *shape.fixed : grid.start) - shape.offset - shape.length;
  const std::int64_t last = (shape.fixed ? *shape.fixed : grid.end()) - shape.offset;
  Charge selection(q_.budget);
  NINES_TRY(const std::unique_ptr<storage::SeriesSelection> found,
            open(*node.selector, plan.moved(first) + 1, last, selection));
  SampleColumns columns;
  RangeSeries series;
  std::vector<Window> windows;
  std::vector<TierWindow> tier;
  const std::unique_ptr<storage::SeriesReader> reader = found->reader();
  for (std::size_t i = 0; i < found->size(); ++i) {
    if (const Result<void> ok =
            read(*reader, i, std::max(first, plan.dropped) + 1, last, columns, notes());
        !ok)
      return ok.error();
    const std::int64_t tier_last = std::min(plan.moved(last), plan.seam);
    if (const Result<void> ok =
            read_tier(*found, i, plan, plan.moved(first) + 1, tier_last, tier, notes());
        !ok)
      return ok.error();
    if (columns.size() == 0 && tier.empty()) continue;
    Charge held(q_.budget);
    if (const Result<void> ok =
            held.add(columns.size() + tier.size(),
                     bytes_of(columns) + tier.size() * sizeof(storage::TierWindow));
        !ok)
      return ok.error();
    series.labels = found->labels(i);
    split_points(columns, series);
    place_windows(series, shape, grid, q_.lookback.count(), windows);
    std::size_t steps = 0;  // from the tier: the first ones
    while (steps < windows.size() && windows[steps].from < plan.dropped) ++steps;
    const std::span<Window> dropped(windows.data(), steps);
    const std::vector<TierCell> cells = tier_cells(plan, dropped, tier, columns);
    for (Window& window : dropped) window = Window{window.from, window.to};
    if (const Result<void> ok = each(series, windows, cells); !ok) return ok.error();
  }
  return {};
}

Result<Block> Evaluator::range_from_tier(const Call& call, const MatrixSelector& node,
                                         const Grid& grid, const RangeShape& shape,
                                         const TierPlan& plan, std::span<const Column> params) {
  // What is absent is found by what is there.
  const Fn id = call.function->id == Fn::kAbsentOverTime ? Fn::kPresentOverTime : call.function->id;
  const bool keeps_name = id == Fn::kLastOverTime || id == Fn::kFirstOverTime;
  const RangeFamily family = range_family(id);
  Block out(grid.count, q_.budget);
  Pace pace(q_);
  bool used = false;
  std::string last_name;
  const Result<void> done = each_from_tier(
      node, grid, shape, plan,
      [&](const RangeSeries& series, std::span<const Window> windows,
          std::span<const TierCell> cells) -> Result<void> {
        NINES_TRY(const std::size_t row, out.add_row({series.labels, !keeps_name}));
        const RangeTask task{q_.annotations,      id,     series, windows, shape, grid, node.range,
                             call.args[0]->range, params, out,    row,     pace};
        if (Result<void> ok = family(task); !ok) return ok;
        for (std::size_t s = 0; s < cells.size(); ++s) {
          if (set_from_tier(task, s, cells[s])) {
            used = used || out.present(row, s);
          } else {
            say_histograms(q_.annotations, plan, series.labels.metric_name(), node.range);
          }
        }
        say_if_no_counter(task, {}, last_name);
        if (out.row_empty(row)) out.pop_row();
        return {};
      });
  if (!done) return done.error();
  if (used) say_tier(plan, node.range);
  return out;
}

}  // namespace nines::promql
