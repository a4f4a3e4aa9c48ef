#include "rules/promql/internal/aggregate_rank.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "rules/promql/internal/quantiles.h"

namespace nines::promql {

TopSeries::TopSeries(QueryContext& q, const Aggregate& node, const Column& param)
    : q_(q),
      node_(node),
      param_(param),
      top_(node.op == AggregateOp::kTopk),
      grouping_(!node.without, node.grouping),
      held_(q.budget),
      pace_(q) {}

// NaN is worse than anything, itself included.
bool TopSeries::worse(const Entry& a, const Entry& b) const {
  return std::isnan(a.value) || (top_ ? a.value < b.value : a.value > b.value);
}

// Where values are equal, which of them stays depends on how the heap moves its entries: these are
// the moves of Go's container/heap, so that both keep the same ones.
bool TopSeries::offer(Heap& heap, std::size_t most, Entry entry) const {
  if (heap.size() < most) {
    heap.push_back(entry);
    for (std::size_t at = heap.size() - 1; at > 0;) {
      const std::size_t parent = (at - 1) / 2;
      if (!worse(heap[at], heap[parent])) break;
      std::swap(heap[at], heap[parent]);
      at = parent;
    }
    return true;
  }
  if (heap.empty()) return false;
  const double worst = heap.front().value;
  const bool better = std::isnan(worst) ? !std::isnan(entry.value)
                                        : (top_ ? worst < entry.value : worst > entry.value);
  if (!better) return false;
  heap.front() = entry;
  sink_top(heap);
  return true;
}

void TopSeries::sink_top(Heap& heap) const {
  for (std::size_t at = 0;;) {
    std::size_t child = 2 * at + 1;
    if (child >= heap.size()) return;
    if (child + 1 < heap.size() && worse(heap[child + 1], heap[child])) ++child;
    if (!worse(heap[child], heap[at])) return;
    std::swap(heap[at], heap[child]);
    at = child;
  }
}

void TopSeries::sort_best_first(Heap& heap) const {
  constexpr std::size_t kShort = 12;  // Go's sort inserts one after the other up to here
  if (heap.size() > kShort) {
    std::stable_sort(heap.begin(), heap.end(), [this](const Entry& a, const Entry& b) {
      return worse(b, a) && !std::isnan(a.value);
    });
    return;
  }
  for (std::size_t i = 1; i < heap.size(); ++i) {
    for (std::size_t j = i; j > 0 && worse(heap[j - 1], heap[j]); --j) {
      std::swap(heap[j], heap[j - 1]);
    }
  }
}

Result<void> TopSeries::take(const Block& block, std::size_t row,
                             const storage::SeriesSelection* of, std::size_t index) {
  if (Result<void> ok = pace_.did(16 + 2 * block.steps); !ok) return ok;
  const std::size_t g = grouping_.group_of(block.series[row].labels);
  if (g == groups_.size()) {
    if (Result<void> ok = held_.add(0, block.steps * sizeof(Heap)); !ok) return ok;
    groups_.emplace_back(block.steps);
  }
  Entry entry{0, kUnknown};
  const double* const values = block.row(row);
  const HistogramPtr* const histograms = block.histogram_row(row);
  std::size_t grown = 0;
  for (std::size_t s = 0; s < block.steps; ++s) {
    if (is_absent(values[s]) || param_[s] < 1) continue;
    if (histograms != nullptr && histograms[s]) {
      q_.annotations.histogram_ignored_in_aggregation(to_string(node_.op), node_.expr->range);
      continue;
    }
    Heap& heap = groups_[g][s];
    entry.value = values[s];
    const bool full = static_cast<double>(heap.size()) >= std::floor(param_[s]);
    if (entry.series == kUnknown) entry.series = static_cast<std::uint32_t>(heads_.size());
    if (!offer(heap, full ? heap.size() : heap.size() + 1, entry)) continue;
    grown += full ? 0 : 1;
    if (entry.series < heads_.size()) continue;
    heads_.push_back({of != nullptr ? of->labels(index) : block.series[row].labels,
                      block.series[row].drop_name});
    if (Result<void> ok = held_.add(0, bytes_of(heads_.back().labels)); !ok) return ok;
  }
  return held_.add(grown, grown * sizeof(Entry));
}

Result<Block> TopSeries::finish() {
  constexpr std::size_t kNone = SIZE_MAX;
  const std::size_t steps = param_.size();
  std::vector<std::size_t> rows(heads_.size(), kNone);
  Block out(steps, q_.budget);
  for (std::vector<Heap>& group : groups_) {
    for (std::size_t s = 0; s < steps; ++s) {
      Heap& heap = group[s];
      if (Result<void> ok = pace_.did(4 * heap.size()); !ok) return std::move(ok).error();
      if (steps == 1) sort_best_first(heap);
      for (const Entry& entry : heap) {
        std::size_t& row = rows[entry.series];
        if (row == kNone) {
          if (Result<void> ok = pace_.did(steps); !ok) return std::move(ok).error();
          NINES_TRY(row, out.add_row(heads_[entry.series]));
        }
        out.row(row)[s] = entry.value;
      }
    }
  }
  return out;
}

GroupQuantile::GroupQuantile(QueryContext& q, const Aggregate& node, const Column& param)
    : q_(q),
      node_(node),
      param_(param),
      grouping_(!node.without, node.grouping),
      held_(q.budget),
      pace_(q) {
  // A parameter that changes over the steps is told of by its extremes.
  const ParamRange said(param);
  if (said.any_nan) {
    q.annotations.invalid_quantile(std::numeric_limits<double>::quiet_NaN(), unwrap(*node.param).range);
  }
  if (said.most > 1) q.annotations.invalid_quantile(said.most, unwrap(*node.param).range);
  if (said.least < 0) q.annotations.invalid_quantile(said.least, unwrap(*node.param).range);
}

Result<void> GroupQuantile::take(const Block& block, std::size_t row,
                                 const storage::SeriesSelection*, std::size_t) {
  if (Result<void> ok = pace_.did(16 + 2 * block.steps); !ok) return ok;
  const std::size_t g = grouping_.group_of(block.series[row].labels);
  if (g == groups_.size())
    groups_.push_back({std::vector<std::vector<double>>(block.steps), false});
  Group& group = groups_[g];
  group.drop_name = group.drop_name || block.series[row].drop_name;
  const double* const values = block.row(row);
  const HistogramPtr* const histograms = block.histogram_row(row);
  for (std::size_t s = 0; s < block.steps; ++s) {
    if (is_absent(values[s])) continue;
    if (histograms != nullptr && histograms[s]) {
      q_.annotations.histogram_ignored_in_aggregation("quantile", node_.expr->range);
    } else {
      group.values[s].push_back(values[s]);
    }
  }
  return held_.add(block.steps, block.steps * sizeof(double));
}

Result<Block> GroupQuantile::finish() {
  const std::size_t steps = param_.size();
  Block out(steps, q_.budget);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    NINES_TRY(const std::size_t row,
              out.add_row({grouping_.group_labels(g), groups_[g].drop_name}));
    for (std::size_t s = 0; s < steps; ++s) {
      std::vector<double>& values = groups_[g].values[s];
      if (Result<void> ok = pace_.did(4 * values.size()); !ok) return std::move(ok).error();
      if (!values.empty()) out.row(row)[s] = quantile_of(param_[s], values);
    }
    if (out.row_empty(row)) out.pop_row();
  }
  return out;
}

}  // namespace nines::promql
