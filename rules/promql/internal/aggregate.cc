// Aggregations: groups are found once per series, then every step is summed up in columns.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/internal/aggregate_pick.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/grouping.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/kahan.h"
#include "rules/promql/internal/quantiles.h"
#include "rules/promql/internal/sums.h"

namespace nines::promql {
namespace {

struct Cell {
  double value = 0;
  double error = 0;
  double mean = 0;
  double count = 0;
  RunningMean average;
  bool seen_float = false;
  bool seen_histogram = false;
  bool failed = false;
  std::unique_ptr<HistogramTotal> histograms;
};

void add_float(AggregateOp op, Cell& cell, double v) {
  switch (op) {
    case AggregateOp::kSum:
      kahan_add(v, cell.value, cell.error);
      return;
    case AggregateOp::kAvg:
      return cell.average.add(v);
    case AggregateOp::kMin:
      if (!cell.seen_float || cell.value > v || std::isnan(cell.value)) cell.value = v;
      return;
    case AggregateOp::kMax:
      if (!cell.seen_float || cell.value < v || std::isnan(cell.value)) cell.value = v;
      return;
    case AggregateOp::kStddev:
    case AggregateOp::kStdvar: {
      // Welford's running variance, compensated.
      cell.count += 1;
      const double delta = v - (cell.mean + cell.error);
      kahan_add(delta / cell.count, cell.mean, cell.error);
      cell.value += delta * (v - (cell.mean + cell.error));
      return;
    }
    default:
      cell.count += 1;
      return;
  }
}

double finish_float(AggregateOp op, const Cell& cell) {
  switch (op) {
    case AggregateOp::kSum:
      return std::isinf(cell.value) ? cell.value : cell.value + cell.error;
    case AggregateOp::kAvg:
      return cell.average.value();
    case AggregateOp::kCount:
      return cell.count;
    case AggregateOp::kGroup:
      return 1;
    case AggregateOp::kStddev:
      return std::sqrt(cell.value / cell.count);
    case AggregateOp::kStdvar:
      return cell.value / cell.count;
    default:
      return cell.value;
  }
}

bool counts_only(AggregateOp op) {
  return op == AggregateOp::kCount || op == AggregateOp::kGroup;
}
bool sums(AggregateOp op) {
  return op == AggregateOp::kSum || op == AggregateOp::kAvg;
}

class Totals final : public RowSink {
 public:
  Totals(QueryContext& q, const Aggregate& node, std::size_t steps)
      : q_(q),
        node_(node),
        steps_(steps),
        grouping_(!node.without, node.grouping),
        held_(q.budget),
        pace_(q) {}

  Result<void> take(const Block& block, const storage::SeriesSelection* of,
                    std::size_t index) override {
    return add(block, 0, of, index);
  }
  Result<void> add_all(const Block& in) {
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (Result<void> ok = add(in, i, nullptr, 0); !ok) return ok;
    }
    return {};
  }

  Result<Block> finish() {
    Block out(steps_, q_.budget);
    for (std::size_t g = 0; g < cells_.size(); ++g) {
      if (const Result<void> ok = pace_.did(steps_); !ok) return ok.error();
      NINES_TRY(const std::size_t row, out.add_row({grouping_.group_labels(g), drop_[g]}));
      for (std::size_t s = 0; s < steps_; ++s) finish_cell(out, row, s, cells_[g][s]);
      if (out.row_empty(row)) out.pop_row();
    }
    return out;
  }

 private:
  // A selection is asked for no more labels than are needed.
  std::size_t group_of(const LabelSet& labels, const storage::SeriesSelection* of,
                       std::size_t index) {
    if (of == nullptr) return grouping_.group_of(labels);
    if (node_.without) return grouping_.group_of(of->labels(index));
    return grouping_.group_of(of->keep(index, grouping_.labels()));
  }

  Result<void> add(const Block& in, std::size_t row, const storage::SeriesSelection* of,
                   std::size_t index) {
    if (Result<void> ok = pace_.did(16 + steps_); !ok) return ok;
    const std::size_t g = group_of(in.series[row].labels, of, index);
    if (g == cells_.size()) {
      if (Result<void> ok = held_.add(steps_, steps_ * sizeof(Cell)); !ok) return ok;
      cells_.emplace_back(steps_);
      drop_.push_back(false);
    }
    drop_[g] = drop_[g] || in.series[row].drop_name;
    std::vector<Cell>& cells = cells_[g];
    if (in.histogram_row(row) == nullptr) {
      const double* const values = in.row(row);
      for (std::size_t s = 0; s < steps_; ++s) {
        if (is_absent(values[s])) continue;
        add_float(node_.op, cells[s], values[s]);
        cells[s].seen_float = true;
      }
      return {};
    }
    for (std::size_t s = 0; s < steps_; ++s) {
      if (!in.present(row, s)) continue;
      const Histogram* const h = in.histogram(row, s);
      if (h != nullptr && !counts_only(node_.op)) {
        if (!add_histogram(cells[s], *h)) {
          const LabelSet& labels = of ? of->labels(index) : in.series[row].labels;
          q_.annotations.mixed_exponential_custom(labels.metric_name(), node_.expr->range);
        }
        continue;
      }
      add_float(node_.op, cells[s], h != nullptr ? 0 : in.row(row)[s]);
      cells[s].seen_float = true;
    }
    return {};
  }

  // False: it cannot be added to those before.
  bool add_histogram(Cell& cell, const Histogram& h) {
    if (!sums(node_.op)) {
      q_.annotations.histogram_ignored_in_aggregation(to_string(node_.op), node_.expr->range);
      return true;
    }
    cell.seen_histogram = true;
    if (cell.seen_float || cell.failed) return true;
    if (!cell.histograms) cell.histograms = std::make_unique<HistogramTotal>();
    if (cell.histograms->add(h, node_.op == AggregateOp::kAvg)) return true;
    cell.failed = true;
    return false;
  }

  void finish_cell(Block& out, std::size_t row, std::size_t s, Cell& cell) {
    if (cell.histograms) {
      if (cell.histograms->hints_collided()) {
        q_.annotations.reset_collision("aggregation", node_.expr->range);
      }
      if (cell.histograms->bounds_reconciled()) {
        q_.annotations.buckets_reconciled("aggregation", node_.expr->range);
      }
    }
    if (cell.failed) return;
    if (cell.seen_float && cell.seen_histogram) {
      q_.annotations.warn("encountered a mix of histograms and floats for aggregation",
                          node_.expr->range);
      return;
    }
    if (cell.seen_histogram) {
      out.set_histogram(row, s, cell.histograms->finish(node_.op == AggregateOp::kAvg));
    } else if (cell.seen_float) {
      out.row(row)[s] = finish_float(node_.op, cell);
    }
  }

  QueryContext& q_;
  const Aggregate& node_;
  const std::size_t steps_;
  Grouping grouping_;
  Charge held_;
  Pace pace_;
  std::vector<std::vector<Cell>> cells_;  // by group, then step
  std::vector<bool> drop_;                // by group: the name goes
};

Result<Block> group_quantile(QueryContext& q, const Aggregate& node, const Block& in,
                             Grouping& grouping, const Column& param) {
  // A parameter that changes over the steps is told of by its extremes.
  const ParamRange said(param);
  if (said.any_nan) {
    q.annotations.invalid_quantile(std::numeric_limits<double>::quiet_NaN(), node.param->range);
  }
  if (said.most > 1) q.annotations.invalid_quantile(said.most, node.param->range);
  if (said.least < 0) q.annotations.invalid_quantile(said.least, node.param->range);
  std::vector<std::vector<std::size_t>> members;
  Pace pace(q);
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (const Result<void> ok = pace.did(16); !ok) return ok.error();
    const std::size_t g = grouping.group_of(in.series[i].labels);
    if (g >= members.size()) members.resize(g + 1);
    members[g].push_back(i);
  }
  Block out(in.steps, q.budget);
  std::vector<double> values;
  for (std::size_t g = 0; g < members.size(); ++g) {
    if (const Result<void> ok = q.check(); !ok) return ok.error();
    bool drop = false;
    for (const std::size_t i : members[g]) drop = drop || in.series[i].drop_name;
    NINES_TRY(const std::size_t row, out.add_row({grouping.group_labels(g), drop}));
    for (std::size_t s = 0; s < in.steps; ++s) {
      if (const Result<void> ok = pace.did(4 * members[g].size()); !ok) return ok.error();
      values.clear();
      for (const std::size_t i : members[g]) {
        if (!in.present(i, s)) continue;
        if (in.histogram(i, s) != nullptr) {
          q.annotations.histogram_ignored_in_aggregation("quantile", node.expr->range);
        } else {
          values.push_back(in.row(i)[s]);
        }
      }
      if (!values.empty()) out.row(row)[s] = quantile_of(param[s], values);
    }
    if (out.row_empty(row)) out.pop_row();
  }
  return out;
}

Result<Block> count_values(QueryContext& q, const Block& in, Grouping& grouping,
                           const std::string& label) {
  if (label.empty() || !is_valid_utf8(label)) {
    return Error(ErrorCode::kInvalid, "invalid label name " + quote_go(label));
  }
  Block out(in.steps, q.budget);
  RowIndex index;
  Pace pace(q);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const LabelSet base = grouping.reduce(in.series[i].labels);
    for (std::size_t s = 0; s < in.steps; ++s) {
      if (const Result<void> ok = pace.did(32); !ok) return ok.error();
      if (!in.present(i, s)) continue;
      const Histogram* h = in.histogram(i, s);
      const std::string value = h != nullptr ? to_text(*h) : format_double(in.row(i)[s]);
      NINES_TRY(const std::size_t row, index.row(out, base.with(label, value),
                                                 in.series[i].drop_name && label != kMetricName));
      // A new row is as long as any other.
      const bool made = row + 1 == out.size();
      if (const Result<void> ok = pace.did(made ? out.steps : 0); !ok) return ok.error();
      double& cell = out.row(row)[s];
      cell = is_absent(cell) ? 1 : cell + 1;
    }
  }
  return out;
}

}  // namespace

Result<Block> Evaluator::aggregate(const Aggregate& node, const Grid& grid) {
  Grouping grouping(!node.without, node.grouping);
  if (node.op == AggregateOp::kCountValues) {
    NINES_TRY(const std::string label, text(*node.param));
    NINES_TRY(const Block in, vector(*node.expr, grid));
    return count_values(q_, in, grouping, label);
  }
  if (!node.param) return totals(node, grid);
  NINES_TRY(const Column param, scalar(*node.param, grid));
  NINES_TRY(const Block in, vector(*node.expr, grid));
  switch (node.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      return pick_series(q_, node, in, grouping, param);
    default:
      return group_quantile(q_, node, in, grouping, param);
  }
}

// What a selector, or a function of a range, finds is summed up row by row and not kept.
Result<Block> Evaluator::totals(const Aggregate& node, const Grid& grid) {
  Totals all(q_, node, grid.count);
  const Expr& inner = unwrap(*node.expr);
  const bool once = grid.count > 1 && (node.expr->step_invariant || inner.step_invariant);
  Block rest;
  if (!once && inner.kind() == ExprKind::kVectorSelector) {
    NINES_TRY(rest, select(as<VectorSelector>(inner), grid, Take::kValue, &all));
  } else if (!once && inner.kind() == ExprKind::kCall) {
    NINES_TRY(rest, call(as<Call>(inner), grid, &all));
  } else {
    NINES_TRY(rest, vector(*node.expr, grid));
  }
  if (const Result<void> ok = all.add_all(rest); !ok) return ok.error();
  return all.finish();
}

}  // namespace nines::promql
