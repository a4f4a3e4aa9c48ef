// sum_over_time and avg_over_time, and the dispatch of range functions.

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/text/text.h"
#include "rules/promql/internal/range_functions.h"
#include "rules/promql/internal/sums.h"
#include "rules/promql/internal/tiers.h"

namespace nines::promql {
namespace {

double float_sum(const FloatPoints& f, const Window& w) {
  double sum = 0;
  double lost = 0;
  for (std::size_t i = w.f0; i < w.f1; ++i) kahan_add(f.values[i], sum, lost);
  return std::isinf(sum) ? sum : sum + lost;
}

double float_mean(const FloatPoints& f, const Window& w) {
  RunningMean mean;
  for (std::size_t i = w.f0; i < w.f1; ++i) mean.add(f.values[i]);
  return mean.value();
}

void histogram_total(const RangeTask& task, std::size_t s) {
  const Window& w = task.windows[s];
  const bool mean = task.id == Fn::kAvgOverTime;
  HistogramTotal total;
  for (std::size_t i = w.h0; i < w.h1; ++i) {
    if (total.add(*task.series.histograms.values[i], mean)) continue;
    return task.annotations.mixed_exponential_custom(task.metric(), task.at);
  }
  if (total.hints_collided()) task.annotations.reset_collision("aggregation", task.at);
  if (total.bounds_reconciled()) task.annotations.buckets_reconciled("aggregation", task.at);
  task.set(s, total.finish(mean));
}

}  // namespace

Result<void> sum_functions(const RangeTask& task) {
  for (std::size_t s = 0; s < task.windows.size(); ++s) {
    if (Result<void> ok = task.go_on(s); !ok) return ok;
    const Window& w = task.windows[s];
    if (w.f0 != w.f1 && w.h0 != w.h1) {
      task.annotations.mixed_floats_histograms(task.metric(), task.at);
    } else if (w.h0 != w.h1) {
      histogram_total(task, s);
    } else if (w.f0 != w.f1) {
      task.set(s, task.id == Fn::kSumOverTime ? float_sum(task.series.floats, w)
                                              : float_mean(task.series.floats, w));
    }
  }
  return {};
}

RangeFamily range_family(Fn id) {
  if (id == Fn::kRate || id == Fn::kIncrease || id == Fn::kDelta) return &rate_functions;
  if (id == Fn::kIrate || id == Fn::kIdelta) return &instant_rate_functions;
  if (id == Fn::kChanges || id == Fn::kResets) return &change_functions;
  if (id == Fn::kDeriv || id == Fn::kPredictLinear || id == Fn::kDoubleExponentialSmoothing) {
    return &trend_functions;
  }
  if (id == Fn::kSumOverTime || id == Fn::kAvgOverTime) return &sum_functions;
  return &over_time_functions;
}

void say_if_no_counter(const RangeTask& task, std::string& last) {
  if (task.id != Fn::kRate && task.id != Fn::kIncrease) return;
  static const std::vector<std::string> kAsked{"__name__", "__type__"};
  const RangeSeries& series = task.series;
  const LabelSet labels =
      series.of != nullptr ? series.of->keep(series.index, kAsked) : series.labels.keep(kAsked);
  if (labels.metric_name().empty() || labels.metric_name() == last) return;
  bool floats = false;
  for (std::size_t s = 0; s < task.out.steps && !floats; ++s) {
    floats = task.out.present(task.row, s) && task.out.histogram(task.row, s) == nullptr;
  }
  if (!floats) return;
  last = labels.metric_name();
  const std::string_view name = last;
  if (labels.has("__type__")) {
    const std::string_view type = labels.get("__type__");
    if (type == "counter" || type == "histogram") return;
    return task.annotations.info(
        "metric might not be a counter, __type__ label is not set to \"counter\" or "
        "\"histogram\", got " +
            quote_go(type) + ": " + quote_go(name),
        task.at);
  }
  for (const std::string_view end : {"_total", "_sum", "_count", "_bucket"}) {
    if (name.ends_with(end)) return;
  }
  task.annotations.info(
      "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
          quote_go(name),
      task.at);
}

Result<Block> Evaluator::range_function(const Call& call, const Grid& grid, RowSink* sink) {
  const Fn id = call.function->id;
  const Expr* range = nullptr;
  std::vector<Column> params;
  for (const ExprPtr& arg : call.args) {
    if (arg->type() == ValueType::kMatrix) {
      range = arg.get();
      continue;
    }
    NINES_TRY(Column column, scalar(*arg, grid));
    params.push_back(std::move(column));
  }
  const bool keeps_name = id == Fn::kLastOverTime || id == Fn::kFirstOverTime;
  const RangeFamily family = range_family(id);
  NINES_TRY(const RangeShape how, shape(*range));
  if (const auto plan = plan_range(id, call.function->name, *range, how, grid))
    return range_from_tier(call, as<MatrixSelector>(unwrap(*range)), grid, how, *plan, params);
  Block out(grid.count, q_.budget);
  Pace pace(q_);
  std::string last_name;
  const Result<void> done = for_each_series(
      *range, grid,
      [&](const RangeSeries& series, std::span<const Window> windows) -> Result<void> {
        NINES_TRY(const std::size_t row,
                  out.add_row({series.labels, series.drop_name || !keeps_name}));
        const RangeTask task{q_.annotations,      id,     series, windows, how, grid, range->range,
                             call.args[0]->range, params, out,    row,     pace};
        if (Result<void> ok = family(task); !ok) return ok;
        say_if_no_counter(task, last_name);
        const bool empty = out.row_empty(row);
        if (sink && !empty) {
          const bool here = series.of == nullptr;
          if (Result<void> ok = sink->take(out, here ? nullptr : series.of, series.index); !ok)
            return ok;
        }
        if (sink || empty) out.pop_row();
        return {};
      },
      sink == nullptr);
  if (!done) return done.error();
  return out;
}

}  // namespace nines::promql
