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

class Totals {
 public:
  Totals(QueryContext& q, const Aggregate& node, const Block& in, Grouping& grouping)
      : q_(q), node_(node), in_(in), grouping_(grouping) {}

  Result<Block> run() {
    std::vector<std::size_t> group(in_.size());
    std::vector<bool> drop;
    Pace pace(q_);
    for (std::size_t i = 0; i < in_.size(); ++i) {
      if (const Result<void> ok = pace.did(16); !ok) return ok.error();
      group[i] = grouping_.group_of(in_.series[i].labels);
      if (group[i] >= drop.size()) drop.resize(group[i] + 1);
      drop[group[i]] = drop[group[i]] || in_.series[i].drop_name;
    }
    Charge held(q_.budget);
    const std::size_t size = grouping_.size() * in_.steps;
    if (const Result<void> ok = held.add(size, size * sizeof(Cell)); !ok) return ok.error();
    std::vector<Cell> cells(grouping_.size() * in_.steps);
    for (std::size_t i = 0; i < in_.size(); ++i) {
      if (const Result<void> ok = pace.did(in_.steps); !ok) return ok.error();
      Cell* row = cells.data() + group[i] * in_.steps;
      for (std::size_t s = 0; s < in_.steps; ++s) {
        if (in_.present(i, s)) add_sample(row[s], i, s);
      }
    }
    return finish(cells, drop);
  }

 private:
  void add_sample(Cell& cell, std::size_t i, std::size_t s) {
    const Histogram* h = in_.histogram(i, s);
    if (h != nullptr && !counts_only(node_.op)) {
      if (!sums(node_.op)) {
        q_.annotations.histogram_ignored_in_aggregation(to_string(node_.op), node_.expr->range);
        return;
      }
      cell.seen_histogram = true;
      if (cell.seen_float || cell.failed) return;
      if (!cell.histograms) cell.histograms = std::make_unique<HistogramTotal>();
      if (!cell.histograms->add(*h, node_.op == AggregateOp::kAvg)) {
        cell.failed = true;
        q_.annotations.mixed_exponential_custom(in_.series[i].labels.metric_name(),
                                                node_.expr->range);
      }
      return;
    }
    add_float(node_.op, cell, h != nullptr ? 0 : in_.row(i)[s]);
    cell.seen_float = true;
  }

  Result<Block> finish(std::vector<Cell>& cells, const std::vector<bool>& drop) {
    Block out(in_.steps, q_.budget);
    Pace pace(q_);
    for (std::size_t g = 0; g < grouping_.size(); ++g) {
      if (const Result<void> ok = pace.did(in_.steps); !ok) return ok.error();
      NINES_TRY(const std::size_t row, out.add_row({grouping_.group_labels(g), drop[g]}));
      for (std::size_t s = 0; s < in_.steps; ++s)
        finish_cell(out, row, s, cells[g * in_.steps + s]);
      if (out.row_empty(row)) out.pop_row();
    }
    return out;
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
  const Block& in_;
  Grouping& grouping_;
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
  Column param;
  if (node.param) {
    NINES_TRY(param, scalar(*node.param, grid));
  }
  NINES_TRY(const Block in, vector(*node.expr, grid));
  switch (node.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      return pick_series(q_, node, in, grouping, param);
    case AggregateOp::kQuantile:
      return group_quantile(q_, node, in, grouping, param);
    default:
      return Totals(q_, node, in, grouping).run();
  }
}

}  // namespace nines::promql
