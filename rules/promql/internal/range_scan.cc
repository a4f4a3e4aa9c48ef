// Functions of ranges over all their series.

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text/text.h"
#include "rules/promql/internal/plain_rate.h"
#include "rules/promql/internal/range_functions.h"
#include "rules/promql/internal/scan.h"
#include "rules/promql/internal/selection_reader.h"
#include "rules/promql/internal/tiers.h"

namespace nines::promql {
namespace {

// The metric name that an equality fixes for all series of a selector; empty when none does.
std::string_view name_of(const VectorSelector& selector) {
  for (const Matcher& m : selector.matchers) {
    if (m.name() == kMetricName && m.op() == MatchOp::kEqual) return m.value();
  }
  return {};
}

bool any_float(const Block& block, std::size_t row) {
  for (std::size_t s = 0; s < block.steps; ++s) {
    if (block.present(row, s) && block.histogram(row, s) == nullptr) return true;
  }
  return false;
}

// A type other than "counter" and "histogram" that the labels name; none: they name no type.
std::optional<std::string> type_of(const RangeSeries& series) {
  static const std::vector<std::string> kAsked{"__type__"};
  const LabelSet labels =
      series.of != nullptr ? series.of->keep(series.index, kAsked) : series.labels.keep(kAsked);
  if (labels.empty()) return std::nullopt;
  return std::string(labels.get("__type__"));
}

}  // namespace

void say_if_no_counter(const RangeTask& task, std::string_view fixed_name, std::string& last) {
  if (task.id != Fn::kRate && task.id != Fn::kIncrease) return;
  const RangeSeries& series = task.series;
  std::string found;
  if (fixed_name.empty()) {
    static const std::vector<std::string> kAsked{std::string(kMetricName)};
    found = series.of != nullptr ? series.of->keep(series.index, kAsked).metric_name()
                                 : series.labels.metric_name();
  }
  const std::string_view name = fixed_name.empty() ? std::string_view(found) : fixed_name;
  if (name.empty() || name == last || !any_float(task.out, task.row)) return;
  if (const std::optional<std::string> type = type_of(series)) {
    if (*type == "counter" || *type == "histogram") return;
    last = name;
    return task.annotations.info(
        "metric might not be a counter, __type__ label is not set to \"counter\" or "
        "\"histogram\", got " +
            quote_go(*type) + ": " + quote_go(name),
        task.at);
  }
  for (const std::string_view end : {"_total", "_sum", "_count", "_bucket"}) {
    if (name.ends_with(end)) return;
  }
  last = name;
  task.annotations.info(
      "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
          quote_go(name),
      task.at);
}

// What all series of a call are looked at with.
struct RangePlan {
  const Call& call;
  const Expr& range;  // the argument
  const RangeShape& shape;
  const Grid& grid;
  std::span<const Column> params;
  const RowSink* sink = nullptr;        // whom rows go to
  const FloatFilter* filter = nullptr;  // that rows of nothing but floats must stand
  std::string_view fixed_name;          // of the metric, when it is known
  std::int64_t from = 0, to = 0;

  Fn id() const { return call.function->id; }
  bool keeps_name() const { return id() == Fn::kLastOverTime || id() == Fn::kFirstOverTime; }
};

// Rows of one series after the other.
class RangeRows {
 public:
  RangeRows(const QueryContext& q, const RangePlan& plan)
      : plan_(plan), family_(range_family(plan.id())), pace_(q) {}

  // False when there is no answer at any step, and no row.
  Result<bool> add(const RangeSeries& series, std::span<const Window> windows, Block& out,
                   Annotations& annotations) {
    NINES_TRY(const std::size_t row,
              out.add_row({series.labels, series.drop_name || !plan_.keeps_name()}));
    const RangeTask task{annotations,
                         plan_.id(),
                         series,
                         windows,
                         plan_.shape,
                         plan_.grid,
                         plan_.range.range,
                         unwrap(*plan_.call.args[0]).range,
                         plan_.params,
                         out,
                         row,
                         pace_};
    if (Result<void> ok = family_(task); !ok) return std::move(ok).error();
    return finish(task);
  }

  // The same for rate() and its like over samples that PlainRate takes.
  Result<bool> add_plain_rate(PlainRate& rate, const RangeSeries& series,
                              const std::vector<double>& values, Block& out,
                              Annotations& annotations) {
    NINES_TRY(const std::size_t row, out.add_row({series.labels, true}));
    rate.answer(values, out.row(row));
    const RangeTask task{annotations,
                         plan_.id(),
                         series,
                         {},
                         plan_.shape,
                         plan_.grid,
                         plan_.range.range,
                         unwrap(*plan_.call.args[0]).range,
                         plan_.params,
                         out,
                         row,
                         pace_};
    return finish(task);
  }

 private:
  Result<bool> finish(const RangeTask& task) {
    say_if_no_counter(task, plan_.fixed_name, last_name_);
    if (plan_.filter != nullptr ? stands(task.out, task.row) : !task.out.row_empty(task.row))
      return true;
    task.out.pop_row();
    return false;
  }

  bool stands(const Block& out, std::size_t row) const {
    for (std::size_t s = 0; s < out.steps; ++s) {
      if (out.histogram(row, s) != nullptr) return true;
    }
    return plan_.filter->keeps_any(out.row(row), out.steps);
  }

  const RangePlan& plan_;
  const RangeFamily family_;
  Pace pace_;
  std::string last_name_;
};

class RangeScanner final : public Scanner {
 public:
  RangeScanner(Evaluator& evaluator, const RangePlan& plan, const storage::SeriesSelection& found)
      : evaluator_(evaluator),
        q_(evaluator.q_),
        plan_(plan),
        found_(found),
        reader_(q_, evaluator.resolve_hints_, found),
        rows_(q_, plan),
        plain_rate_(plan.id(), plan.shape, plan.grid),
        held_(q_.budget) {
    const Fn id = plan.id();
    rate_ = (id == Fn::kRate || id == Fn::kIncrease || id == Fn::kDelta) && !plan.shape.anchored &&
            !plan.shape.smoothed && !plan.shape.fixed && !q_.tally.on;
  }

  Result<void> find(std::size_t i, FoundRows& to) override {
    NINES_TRY(const bool same, reader_.read_on(i, plan_.from, plan_.to, columns_, to.notes()));
    placed_ = placed_ && same;
    if (columns_.size() == 0) return {};
    if (Result<void> ok = held_.raise(columns_.size(), bytes_of(columns_)); !ok) return ok;
    series_.of = &found_;
    series_.index = i;
    // Most rows do not stand a filter, and need no labels for that.
    const bool later = plan_.filter != nullptr && plan_.sink == nullptr;
    series_.labels = later ? LabelSet() : row_labels(found_, i, plan_.sink);
    NINES_TRY(const bool stays, answer(to));
    if (!later || !stays) return {};
    SeriesHead& head = to.rows.series.back();
    head.labels = found_.labels(i);
    return to.rows.charge.add(0, bytes_of(head.labels));
  }

 private:
  // False when there is no row for the samples in columns_.
  Result<bool> answer(FoundRows& to) {
    const bool plain = plain_floats(columns_);
    if (plain && rate_) {
      if (!placed_) plain_rate_.place(columns_.times);
      placed_ = true;
      return rows_.add_plain_rate(plain_rate_, series_, columns_.values, to.rows, to.annotations);
    }
    if (plain) {
      if (!placed_) split_points({}, series_), series_.floats.times = columns_.times;
      std::swap(series_.floats.values, columns_.values);  // given back to be filled anew
    } else {
      split_points(columns_, series_);
      placed_ = false;
    }
    if (!placed_) place_windows(series_, plan_.shape, plan_.grid, q_.lookback.count(), windows_);
    placed_ = plain;
    evaluator_.tally(series_, windows_);
    return rows_.add(series_, windows_, to.rows, to.annotations);
  }

  Evaluator& evaluator_;
  QueryContext& q_;
  const RangePlan& plan_;
  const storage::SeriesSelection& found_;
  SelectionReader reader_;
  RangeRows rows_;
  bool rate_ = false;
  PlainRate plain_rate_;
  Most held_;
  bool placed_ = false;  // windows, over the times in columns_
  SampleColumns columns_;
  RangeSeries series_;
  std::vector<Window> windows_;
};

Result<Block> Evaluator::range_function(const Call& call, const Grid& grid, RowSink* sink,
                                        const FloatFilter* filter) {
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
  NINES_TRY(const RangeShape how, shape(*range));
  if (const auto tier = plan_range(call.function->id, call.function->name, *range, how, grid))
    return range_from_tier(call, as<MatrixSelector>(unwrap(*range)), grid, how, *tier, params);
  RangePlan plan{call, unwrap(*range), how, grid, params, sink, filter, {}};
  const Expr& inner = unwrap(*range);
  Block out(grid.count, q_.budget);
  if (inner.kind() == ExprKind::kMatrixSelector) {
    const VectorSelector& selector = *as<MatrixSelector>(inner).selector;
    plan.fixed_name = name_of(selector);
    std::tie(plan.from, plan.to) = samples_of(how, grid);
    Charge selection(q_.budget);
    NINES_TRY(std::unique_ptr<storage::SeriesSelection> found,
              open(selector, plan.from, plan.to, selection));
    const Result<void> done = scan(
        *found, plan.to - plan.from,
        [&]() -> std::unique_ptr<Scanner> {
          return std::make_unique<RangeScanner>(*this, plan, *found);
        },
        sink, out);
    if (!done) return done.error();
    if (sink != nullptr) sink->own(std::move(found));
    return out;
  }
  RangeRows rows(q_, plan);
  const Result<void> done = for_each_series(
      *range, grid,
      [&](const RangeSeries& series, std::span<const Window> windows) -> Result<void> {
        NINES_TRY(const bool any, rows.add(series, windows, out, q_.annotations));
        if (!any || sink == nullptr) return {};
        if (Result<void> ok = sink->take(out, 0, nullptr, 0); !ok) return ok;
        out.pop_row();
        return {};
      });
  if (!done) return done.error();
  return out;
}

}  // namespace nines::promql
