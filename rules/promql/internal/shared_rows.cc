// What queries of one instant have in common: evaluated by the first, handed to all.

#include <utility>

#include "rules/promql/internal/scan.h"
#include "rules/promql/internal/shared_parts.h"

namespace nines::promql {
namespace {

// Takes all rows, without labels as long as their selection has them.
class RowCollector final : public RowSink {
 public:
  RowCollector(SharedRows& to, QueryContext& q) : to_(to), held_(q.budget) {}

  const std::vector<std::string>* labels() const override {
    static const std::vector<std::string> kNone;
    return &kNone;
  }
  Result<void> take(const Block& block, std::size_t row, const storage::SeriesSelection* of,
                    std::size_t index) override {
    NINES_TRY(const std::size_t to, to_.rows.add_row(block.series[row]));
    to_.rows.copy_cell(to, 0, block, row);
    if (of == nullptr) return {};
    if (Result<void> ok = held_.add(0, sizeof(std::uint32_t)); !ok) return ok;
    to_.series.push_back(static_cast<std::uint32_t>(index));
    return {};
  }
  void own(std::unique_ptr<storage::SeriesSelection> of) override { to_.of = std::move(of); }

 private:
  SharedRows& to_;
  Charge held_;
};

}  // namespace

std::optional<std::size_t> Evaluator::shared_part(const Expr& expr, const Grid& grid) const {
  if (q_.shared == nullptr || grid.count != 1 || grid.start != q_.grid.start || q_.is_range ||
      q_.tally.on || resolve_hints_)
    return std::nullopt;
  return q_.shared->find(unwrap(expr));
}

Result<SharedRows> Evaluator::all_rows(const Expr& expr, const Grid& grid) {
  SharedRows out;
  out.rows = Block(grid.count, q_.budget);
  RowCollector collector(out, q_);
  Block rest;
  if (expr.kind() == ExprKind::kVectorSelector) {
    NINES_TRY(rest, select(as<VectorSelector>(expr), grid, Take::kValue, &collector));
  } else if (expr.kind() == ExprKind::kCall) {
    NINES_TRY(rest, call(as<Call>(expr), grid, &collector));
  } else {
    NINES_TRY(rest, vector_now(expr, grid));
  }
  if (rest.size() == 0) return out;
  // It knows nothing of sinks.
  out.rows = std::move(rest);
  out.of.reset();
  out.series.clear();
  return out;
}

Result<Block> Evaluator::hand_out(const SharedRows& from, const FloatFilter* filter,
                                  RowSink* sink) {
  Block out(1, q_.budget);
  Pace pace(q_);
  for (std::size_t i = 0; i < from.rows.size(); ++i) {
    if (Result<void> ok = pace.did(4); !ok) return ok.error();
    if (filter != nullptr && from.rows.histogram(i, 0) == nullptr &&
        !filter->keeps_any(from.rows.row(i), 1))
      continue;
    const storage::SeriesSelection* const of = from.of.get();
    const std::size_t series = of != nullptr ? from.series[i] : 0;
    if (sink != nullptr && of == nullptr) {
      if (Result<void> ok = sink->take(from.rows, i, nullptr, 0); !ok) return ok.error();
      continue;
    }
    SeriesHead head = from.rows.series[i];
    if (of != nullptr) head.labels = row_labels(*of, series, sink);
    NINES_TRY(const std::size_t row, out.add_row(std::move(head)));
    out.copy_cell(row, 0, from.rows, i);
    if (sink == nullptr) continue;
    if (Result<void> ok = sink->take(out, row, of, series); !ok) return ok.error();
    out.pop_row();
  }
  return out;
}

Result<std::optional<Block>> Evaluator::shared(const Expr& expr, const Grid& grid,
                                               const FloatFilter* filter, RowSink* sink) {
  const std::optional<std::size_t> part = shared_part(expr, grid);
  if (!part) return std::optional<Block>();
  SharedParts& parts = *q_.shared;
  const SharedRows* known = parts.get(*part, grid.start);
  SharedRows made;
  if (known == nullptr) {
    Result<SharedRows> all = all_rows(unwrap(expr), grid);
    if (!all && all.error().code() == ErrorCode::kLimit) {
      // It may fit without what a filter drops.
      parts.refuse(*part);
      return std::optional<Block>();
    }
    if (!all) return std::move(all).error();
    made = *std::move(all);
    // What there is to be said names places in this query's text.
    if (q_.annotations.none()) known = parts.keep(*part, grid.start, made);
  }
  NINES_TRY(Block out, hand_out(known != nullptr ? *known : made, filter, sink));
  return std::optional<Block>(std::move(out));
}

}  // namespace nines::promql
