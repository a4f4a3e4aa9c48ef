#include "rules/promql/engine.h"

#include <algorithm>
#include <utility>

#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/stoppable_sort.h"
#include "rules/promql/shared_results.h"

namespace nines::promql {
namespace {

constexpr std::int64_t kTimeMost = std::int64_t{1} << 53;

bool bearable(Timestamp at) {
  return to_millis(at) < kTimeMost && to_millis(at) > -kTimeMost;
}

void begin(QueryContext& q, const EngineOptions& options, const QueryRequest& request,
           Executor* helpers) {
  q.lookback = request.lookback_delta.count() > 0 ? request.lookback_delta : options.lookback_delta;
  q.timeout = request.timeout.count() > 0 ? request.timeout : options.timeout;
  q.deadline = q.clock.elapsed() + q.timeout;
  q.stop = request.stop;
  if (request.shared != nullptr) q.shared = &request.shared->parts();
  if (request.helpers) q.lanes = {helpers, options.threads};
}

void count_steps(QueryContext& q, const QueryRequest& request) {
  if (!request.count_steps) return;
  q.tally.on = true;
  q.tally.steps.assign(q.grid.count, 0);
}

// The names leave at last; series that are then the same must not meet.
Result<Block> without_dropped_names(Block block, QueryContext& q) {
  bool any = false;
  Pace pace(q);
  for (SeriesHead& head : block.series) {
    if (!head.drop_name) continue;
    if (const Result<void> ok = pace.did(16); !ok) return ok.error();
    any = true;
    head.labels = without_metadata(head.labels);
  }
  if (!any) return block;
  return merge_equal_rows(std::move(block), q);
}

QueryResult finish(QueryContext& q, Value value, Instant started) {
  QueryResult out;
  out.value = std::move(value);
  out.warnings = q.annotations.take_warnings();
  out.infos = q.annotations.take_infos();
  out.stats = q.stats;
  out.stats.peak_samples = q.budget.peak_samples();
  out.stats.samples_per_step = std::move(q.tally.steps);
  out.stats.elapsed = std::chrono::duration_cast<Duration>(q.clock.elapsed() - started);
  return out;
}

Result<Vector> to_vector(const Block& block, Timestamp at, QueryContext& q) {
  Vector out;
  if (const Result<void> ok = q.budget.take(0, block.size() * sizeof(VectorSample)); !ok) {
    return ok.error();
  }
  out.reserve(block.size());
  Pace pace(q);
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = pace.did(16); !ok) return ok.error();
    if (!block.present(i, 0)) continue;
    const HistogramPtr* h = block.histogram_row(i);
    out.push_back({block.series[i].labels, at, block.row(i)[0], h != nullptr ? h[0] : nullptr});
  }
  return out;
}

Result<Matrix> to_matrix(const Block& block, QueryContext& q) {
  const Grid& grid = q.grid;
  Matrix out;
  out.reserve(block.size());
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (const Result<void> ok = q.check(); !ok) return ok.error();
    MatrixSeries series;
    series.labels = block.series[i].labels;
    const HistogramPtr* h = block.histogram_row(i);
    bool any_histogram = false;
    const double* const row = block.row(i);
    const auto present = static_cast<std::size_t>(
        std::count_if(row, row + block.steps, [](double v) { return !is_absent(v); }));
    if (present == 0) continue;
    series.samples.times.reserve(present);
    series.samples.values.reserve(present);
    for (std::size_t s = 0; s < block.steps; ++s) {
      if (is_absent(row[s])) continue;
      series.samples.times.push_back(grid.at(s));
      series.samples.values.push_back(row[s]);
      any_histogram = any_histogram || (h != nullptr && h[s]);
    }
    for (std::size_t s = 0; any_histogram && s < block.steps; ++s) {
      if (block.present(i, s)) series.samples.histograms.push_back(h[s]);
    }
    q.budget.hold(sizeof(series) + series.samples.size() * kSampleBytes);
    out.push_back(std::move(series));
  }
  const auto before = [](const MatrixSeries& a, const MatrixSeries& b) {
    return a.labels < b.labels;
  };
  if (const Result<void> ok = stoppable_sort(out, before, q); !ok) return ok.error();
  return out;
}

}  // namespace

Engine::Engine(const storage::Querier& querier, const Clock& clock, EngineOptions options,
               Executor* helpers)
    : querier_(querier), clock_(clock), options_(options), helpers_(helpers) {}

Result<QueryResult> Engine::instant(const Query& query, Timestamp at,
                                    const QueryRequest& request) const {
  const Instant started = clock_.elapsed();
  if (!bearable(at)) return Error(ErrorCode::kInvalid, "time is out of range");
  QueryContext q(querier_, clock_, options_, query.text());
  begin(q, options_, request, helpers_);
  q.grid = Grid{to_millis(at), 1, 1};
  q.query_end = q.grid.start;
  count_steps(q, request);
  Evaluator evaluator(q);
  const Expr& expr = query.expr();
  switch (expr.type()) {
    case ValueType::kString: {
      NINES_TRY(std::string text, evaluator.text(expr));
      return finish(q, StringValue{at, std::move(text)}, started);
    }
    case ValueType::kScalar: {
      NINES_TRY(const Column column, evaluator.scalar(expr, q.grid));
      return finish(q, Scalar{at, column[0]}, started);
    }
    case ValueType::kMatrix: {
      NINES_TRY(Matrix matrix, evaluator.matrix(expr, q.grid.start));
      return finish(q, std::move(matrix), started);
    }
    default: {
      NINES_TRY(Block block, evaluator.vector(expr, q.grid));
      NINES_TRY(const Block named, without_dropped_names(std::move(block), q));
      NINES_TRY(Vector vector, to_vector(named, at, q));
      return finish(q, std::move(vector), started);
    }
  }
}

Result<QueryResult> Engine::range(const Query& query, Timestamp from, Timestamp to, Duration step,
                                  const QueryRequest& request) const {
  const Instant started = clock_.elapsed();
  if (step.count() <= 0) {
    return Error(
        ErrorCode::kInvalid,
        "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if (to < from) return Error(ErrorCode::kInvalid, "end timestamp must not be before start time");
  if (!bearable(from) || !bearable(to)) return Error(ErrorCode::kInvalid, "time is out of range");
  const Expr& expr = query.expr();
  if (expr.type() != ValueType::kVector && expr.type() != ValueType::kScalar) {
    return Error(ErrorCode::kInvalid, "invalid expression type \"" +
                                          std::string(documented_name(expr.type())) +
                                          "\" for range query, must be Scalar or instant Vector");
  }
  // As Prometheus counts: so many steps have a point more.
  const auto steps = static_cast<std::uint64_t>((to - from).count() / step.count());
  if (steps > options_.points_max) {
    return Error(ErrorCode::kLimit,
                 "exceeded maximum resolution of " + std::to_string(options_.points_max) +
                     " points per timeseries. Try decreasing the query resolution (?step=XX)");
  }
  QueryContext q(querier_, clock_, options_, query.text());
  begin(q, options_, request, helpers_);
  q.grid = Grid{to_millis(from), step.count(), static_cast<std::size_t>(steps) + 1};
  q.query_end = to_millis(to);
  q.is_range = true;
  count_steps(q, request);
  Evaluator evaluator(q);
  if (expr.type() == ValueType::kScalar) {
    NINES_TRY(const Column column, evaluator.scalar(expr, q.grid));
    MatrixSeries series;
    series.samples.values = column;
    for (std::size_t s = 0; s < q.grid.count; ++s) series.samples.times.push_back(q.grid.at(s));
    return finish(q, Matrix{std::move(series)}, started);
  }
  NINES_TRY(Block block, evaluator.vector(expr, q.grid));
  NINES_TRY(const Block named, without_dropped_names(std::move(block), q));
  NINES_TRY(Matrix matrix, to_matrix(named, q));
  return finish(q, std::move(matrix), started);
}

}  // namespace nines::promql
