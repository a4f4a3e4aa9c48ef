// Aggregations: groups are found once per series, then every step is summed up in columns.

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/promql/internal/aggregate_pick.h"
#include "rules/promql/internal/aggregate_rank.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/grouping.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/kahan.h"
#include "rules/promql/internal/sum_kernel.h"
#include "rules/promql/internal/sums.h"

namespace nines::promql {
namespace {

// Welford's running variance, compensated.
struct Spread {
  double sum = 0, mean = 0, error = 0, count = 0;
  void add(double v) {
    count += 1;
    const double delta = v - (mean + error);
    kahan_add(delta / count, mean, error);
    sum += delta * (v - (mean + error));
  }
};

struct HistogramCell {
  bool seen = false;
  bool failed = false;
  std::unique_ptr<HistogramTotal> total;
};

bool counts_only(AggregateOp op) {
  return op == AggregateOp::kCount || op == AggregateOp::kGroup;
}
bool sums(AggregateOp op) {
  return op == AggregateOp::kSum || op == AggregateOp::kAvg;
}

// One group at every step: only the columns that its operator needs.
class Group {
 public:
  Group(AggregateOp op, std::size_t steps) : op_(op), floats_(steps) {
    if (op == AggregateOp::kAvg) {
      means_.resize(steps);
    } else if (op == AggregateOp::kStddev || op == AggregateOp::kStdvar) {
      spreads_.resize(steps);
    } else {
      values_.resize(steps);
    }
    if (op == AggregateOp::kSum) errors_.resize(steps);
  }
  static std::uint64_t bytes_of(AggregateOp op, std::size_t steps) {
    const std::size_t cell = op == AggregateOp::kAvg ? sizeof(RunningMean) : sizeof(Spread);
    return steps * (1 + cell) + sizeof(Group);
  }

  // Values from the step `first` on, absent() where there is none.
  void add(std::span<const double> row, std::size_t first = 0) {
    switch (op_) {
      case AggregateOp::kSum:
        add_row(row.data(), row.size(), values_.data() + first, errors_.data() + first);
        return saw(row, first);
      case AggregateOp::kAvg:
        return each(row, first, [this](std::size_t s, double v) { means_[s].add(v); });
      case AggregateOp::kMin:
        return each(row, first, [this](std::size_t s, double v) {
          double& least = values_[s];
          if (floats_[s] == 0 || least > v || std::isnan(least)) least = v;
        });
      case AggregateOp::kMax:
        return each(row, first, [this](std::size_t s, double v) {
          double& most = values_[s];
          if (floats_[s] == 0 || most < v || std::isnan(most)) most = v;
        });
      case AggregateOp::kStddev:
      case AggregateOp::kStdvar:
        return each(row, first, [this](std::size_t s, double v) { spreads_[s].add(v); });
      default:
        return each(row, first, [this](std::size_t s, double) { values_[s] += 1; });
    }
  }

  bool has_float(std::size_t s) const { return floats_[s] != 0; }
  double value(std::size_t s) const {
    switch (op_) {
      case AggregateOp::kSum:
        return std::isinf(values_[s]) ? values_[s] : values_[s] + errors_[s];
      case AggregateOp::kAvg:
        return means_[s].value();
      case AggregateOp::kGroup:
        return 1;
      case AggregateOp::kStddev:
        return std::sqrt(spreads_[s].sum / spreads_[s].count);
      case AggregateOp::kStdvar:
        return spreads_[s].sum / spreads_[s].count;
      default:
        return values_[s];
    }
  }
  // Null while no histogram came to the group.
  HistogramCell* histogram(std::size_t s) {
    return histograms_.empty() ? nullptr : &histograms_[s];
  }
  HistogramCell& make_histogram(std::size_t s) {
    if (histograms_.empty()) histograms_.resize(floats_.size());
    return histograms_[s];
  }

  bool drop_name = false;

 private:
  template <typename Add>
  void each(std::span<const double> row, std::size_t first, Add add) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (is_absent(row[i])) continue;
      add(first + i, row[i]);
      floats_[first + i] = 1;
    }
  }

  // Steps at which there is a value have had one.
  void saw(std::span<const double> row, std::size_t first) {
    if (complete_) return;
    std::size_t seen = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!is_absent(row[i])) floats_[first + i] = 1;
      seen += floats_[first + i];
    }
    complete_ = seen == floats_.size();
  }

  AggregateOp op_;
  std::vector<std::uint8_t> floats_;  // by step: there was one
  bool complete_ = false;             // at all of them
  Column values_, errors_;
  std::vector<RunningMean> means_;
  std::vector<Spread> spreads_;
  std::vector<HistogramCell> histograms_;
};

class Totals final : public RowSink {
 public:
  Totals(QueryContext& q, const Aggregate& node, std::size_t steps)
      : q_(q),
        node_(node),
        steps_(steps),
        grouping_(!node.without, node.grouping),
        held_(q.budget),
        pace_(q) {}

  const std::vector<std::string>* labels() const override { return grouping_.wanted(); }
  Result<void> take(const Block& block, std::size_t row, const storage::SeriesSelection* of,
                    std::size_t index) override {
    if (Result<void> ok = pace_.did(16 + steps_); !ok) return ok;
    const std::size_t g = grouping_.group_of(block.series[row].labels);
    if (g == groups_.size()) {
      if (Result<void> ok = held_.add(steps_, Group::bytes_of(node_.op, steps_)); !ok) return ok;
      groups_.emplace_back(node_.op, steps_);
    }
    Group& group = groups_[g];
    group.drop_name = group.drop_name || block.series[row].drop_name;
    if (block.histogram_row(row) == nullptr) {
      group.add({block.row(row), steps_});
      return {};
    }
    for (std::size_t s = 0; s < steps_; ++s) {
      if (!block.present(row, s)) continue;
      const Histogram* const h = block.histogram(row, s);
      if (h != nullptr) {
        if (Result<void> ok = pace_.did(work_of(*h)); !ok) return ok;
      }
      if (h == nullptr || counts_only(node_.op)) {
        const double value = h != nullptr ? 0 : block.row(row)[s];
        group.add({&value, 1}, s);
      } else if (!add_histogram(group, s, *h)) {
        const LabelSet& labels = of ? of->labels(index) : block.series[row].labels;
        q_.annotations.mixed_exponential_custom(labels.metric_name(), node_.expr->range);
      }
    }
    return {};
  }

  Result<Block> finish() {
    Block out(steps_, q_.budget);
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if (const Result<void> ok = pace_.did(steps_); !ok) return ok.error();
      NINES_TRY(const std::size_t row,
                out.add_row({grouping_.group_labels(g), groups_[g].drop_name}));
      for (std::size_t s = 0; s < steps_; ++s) finish_cell(out, row, s, groups_[g]);
      if (out.row_empty(row)) out.pop_row();
    }
    return out;
  }

 private:
  // False: it cannot be added to those before.
  bool add_histogram(Group& group, std::size_t s, const Histogram& h) {
    if (!sums(node_.op)) {
      q_.annotations.histogram_ignored_in_aggregation(to_string(node_.op), node_.expr->range);
      return true;
    }
    HistogramCell& cell = group.make_histogram(s);
    cell.seen = true;
    if (group.has_float(s) || cell.failed) return true;
    if (!cell.total) cell.total = std::make_unique<HistogramTotal>();
    if (cell.total->add(h, node_.op == AggregateOp::kAvg)) return true;
    cell.failed = true;
    return false;
  }

  void finish_cell(Block& out, std::size_t row, std::size_t s, Group& group) {
    HistogramCell* const cell = group.histogram(s);
    if (cell != nullptr && cell->total) {
      if (cell->total->hints_collided()) {
        q_.annotations.reset_collision("aggregation", node_.expr->range);
      }
      if (cell->total->bounds_reconciled()) {
        q_.annotations.buckets_reconciled("aggregation", node_.expr->range);
      }
    }
    if (cell != nullptr && cell->failed) return;
    const bool histograms = cell != nullptr && cell->seen;
    if (group.has_float(s) && histograms) {
      q_.annotations.warn("encountered a mix of histograms and floats for aggregation",
                          node_.expr->range);
    } else if (histograms) {
      out.set_histogram(row, s, cell->total->finish(node_.op == AggregateOp::kAvg));
    } else if (group.has_float(s)) {
      out.row(row)[s] = group.value(s);
    }
  }

  QueryContext& q_;
  const Aggregate& node_;
  const std::size_t steps_;
  Grouping grouping_;
  Charge held_;
  Pace pace_;
  std::vector<Group> groups_;
};

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
      if (const Result<void> ok = pace.did(h != nullptr ? work_of(*h) : 0); !ok) return ok.error();
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
  if (!node.param) {
    Totals totals(q_, node, grid.count);
    if (const Result<void> ok = feed(*node.expr, grid, totals); !ok) return ok.error();
    return totals.finish();
  }
  NINES_TRY(const Column param, scalar(*node.param, grid));
  switch (node.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk: {
      TopSeries top(q_, node, param);
      if (const Result<void> ok = top.check(); !ok) return ok.error();
      if (const Result<void> ok = feed(*node.expr, grid, top); !ok) return ok.error();
      return top.finish();
    }
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio: {
      NINES_TRY(const Block in, vector(*node.expr, grid));
      return pick_series(q_, node, in, grouping, param);
    }
    default: {
      GroupQuantile quantile(q_, node, param);
      if (const Result<void> ok = feed(*node.expr, grid, quantile); !ok) return ok.error();
      return quantile.finish();
    }
  }
}

// What a selector, or a function of a range, finds goes to the sink row by row and is not kept.
Result<void> Evaluator::feed(const Expr& expr, const Grid& grid, RowSink& sink) {
  const Expr& inner = unwrap(expr);
  const bool once = grid.count > 1 && (expr.step_invariant || inner.step_invariant);
  NINES_TRY(const std::optional<Block> known, shared(expr, grid, nullptr, &sink));
  if (known) return {};
  Block rest;
  if (!once && inner.kind() == ExprKind::kVectorSelector) {
    NINES_TRY(rest, select(as<VectorSelector>(inner), grid, Take::kValue, &sink));
  } else if (!once && inner.kind() == ExprKind::kCall) {
    NINES_TRY(rest, call(as<Call>(inner), grid, &sink));
  } else {
    NINES_TRY(rest, vector(expr, grid));
  }
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (Result<void> ok = sink.take(rest, i, nullptr, 0); !ok) return ok;
  }
  return {};
}

}  // namespace nines::promql
