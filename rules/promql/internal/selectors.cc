// Selectors: where in time they look, and what is read from the store.

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/parser.h"
#include "rules/promql/internal/selection_reader.h"

namespace nines::promql {
namespace {

constexpr std::int64_t kFarthest = std::numeric_limits<std::int64_t>::max() / 4;

// Where a store cannot say whether a counter was reset, the sample before can.
void resolve_hints(SampleColumns& samples) {
  const Histogram* before = nullptr;
  for (HistogramPtr& h : samples.histograms) {
    if (!h) continue;
    if (before != nullptr && h->reset_hint == ResetHint::kUnknown) {
      auto copy = std::make_shared<Histogram>(*h);
      copy->reset_hint = detect_reset(*h, *before) ? ResetHint::kReset : ResetHint::kNotReset;
      h = std::move(copy);
    }
    before = h.get();
  }
}

}  // namespace

std::int64_t clamp_time(std::int64_t ms) {
  return std::clamp(ms, -kFarthest, kFarthest);
}

Result<double> Evaluator::seconds(const DurationExpr& d) const {
  double lhs = 0;
  double rhs = 0;
  if (d.lhs) {
    NINES_TRY(lhs, seconds(*d.lhs));
  }
  if (d.rhs) {
    NINES_TRY(rhs, seconds(*d.rhs));
  }
  switch (d.op) {
    case DurationExpr::Op::kLiteral:
      return d.seconds;
    case DurationExpr::Op::kStep:
      return q_.is_range ? static_cast<double>(q_.grid.step) / 1000 : 0.0;
    case DurationExpr::Op::kRange:
      return static_cast<double>(q_.query_end - q_.grid.start) / 1000;
    case DurationExpr::Op::kMin:
      return std::min(lhs, rhs);
    case DurationExpr::Op::kMax:
      return std::max(lhs, rhs);
    case DurationExpr::Op::kPlus:
      return lhs;
    case DurationExpr::Op::kNegate:
      return -lhs;
    case DurationExpr::Op::kAdd:
      return lhs + rhs;
    case DurationExpr::Op::kSub:
      return lhs - rhs;
    case DurationExpr::Op::kMul:
      return lhs * rhs;
    case DurationExpr::Op::kPow:
      return std::pow(lhs, rhs);
    case DurationExpr::Op::kDiv:
      if (rhs == 0) return q_.error(d.range, "division by zero");
      return lhs / rhs;
    case DurationExpr::Op::kMod:
      if (rhs == 0) return q_.error(d.range, "modulo by zero");
      return std::fmod(lhs, rhs);
  }
  return 0.0;
}

Result<std::int64_t> Evaluator::offset_ms(const TimeShift& shift) const {
  if (!shift.offset) return std::int64_t{0};
  NINES_TRY(const double value, seconds(*shift.offset));
  constexpr double kMost = 9223372036.0;
  if (!(std::fabs(value) < kMost)) return q_.error(shift.offset->range, "duration is out of range");
  return static_cast<std::int64_t>(std::llround(value * 1000));
}

Result<std::int64_t> Evaluator::length_ms(const DurationExpr& length) const {
  NINES_TRY(const double value, seconds(length));
  constexpr double kMost = 9223372036.0;
  if (!(value > 0)) return q_.error(length.range, "duration must be greater than 0");
  if (!(value < kMost)) return q_.error(length.range, "duration is out of range");
  const auto ms = static_cast<std::int64_t>(std::llround(value * 1000));
  if (ms <= 0) return q_.error(length.range, "duration must be greater than 0");
  return ms;
}

std::optional<std::int64_t> Evaluator::fixed_time(const TimeShift& shift) const {
  switch (shift.at) {
    case AtKind::kNone:
      return std::nullopt;
    case AtKind::kTime:
      return clamp_time(shift.at_ms);
    case AtKind::kStart:
      return q_.grid.start;
    case AtKind::kEnd:
      return q_.query_end;
  }
  return std::nullopt;
}

Error Evaluator::too_many_series() const {
  return Error(ErrorCode::kLimit,
               "query selects more than " + std::to_string(q_.options.series_max) +
                   " series (max_series); add matchers, or raise max_series in [query]");
}

Result<std::unique_ptr<storage::SeriesSelection>> Evaluator::open(const VectorSelector& selector,
                                                                  std::int64_t from,
                                                                  std::int64_t to, Charge& held) {
  if (const Result<void> ok = q_.check(); !ok) return ok.error();
  const storage::TimeRange range{from_millis(clamp_time(from)), from_millis(clamp_time(to))};
  Result<std::unique_ptr<storage::SeriesSelection>> selection =
      q_.querier.select(selector.matchers, range, q_.options.series_max, q_.stop);
  if (!selection && selection.error().code() == ErrorCode::kLimit) return too_many_series();
  if (!selection) return selection;
  q_.stats.series += (*selection)->size();
  if (q_.stats.series > q_.options.series_max) return too_many_series();
  // Label sets are made when a row wants them, and counted there.
  if (const Result<void> ok = held.add(0, (*selection)->bytes_held()); !ok) return ok.error();
  return selection;
}

// Damaged pages cost their samples, not the query: what was lost becomes a warning.
Result<void> Evaluator::read(storage::SeriesReader& reader, std::size_t index, std::int64_t from,
                             std::int64_t to, SampleColumns& out, Notes notes) const {
  if (const Result<void> ok = q_.check(); !ok) return ok.error();
  out.clear();
  if (from > to) return {};
  const storage::TimeRange range{from_millis(clamp_time(from)), from_millis(clamp_time(to))};
  const Result<void> done = reader.read(index, range, out);
  if (!done) {
    if (done.error().code() != ErrorCode::kCorrupt) return done.error();
    notes.annotations.storage_warning(done.error().what());
  }
  notes.samples += out.size();
  if (resolve_hints_ && !out.histograms.empty()) resolve_hints(out);
  return {};
}

SelectionReader::SelectionReader(const QueryContext& q, bool resolve_hints,
                                 const storage::SeriesSelection& selection)
    : q_(q),
      resolve_hints_(resolve_hints),
      reader_(selection.reader()),
      on_(dynamic_cast<storage::ReadingOn*>(reader_.get())) {}

Result<bool> SelectionReader::read_on(std::size_t index, std::int64_t from, std::int64_t to,
                                      SampleColumns& out, Notes notes) {
  if (const Result<void> ok = q_.check(); !ok) return ok.error();
  if (on_ == nullptr || from > to) out.clear();
  if (from > to) return false;
  const storage::TimeRange range{from_millis(clamp_time(from)), from_millis(clamp_time(to))};
  bool same = false;
  Result<void> done;
  if (on_ == nullptr) {
    done = reader_->read(index, range, out);
  } else if (Result<bool> read = on_->read_on(index, range, out); read) {
    same = *read;
  } else {
    done = std::move(read).error();
  }
  if (!done) {
    if (done.error().code() != ErrorCode::kCorrupt) return done.error();
    notes.annotations.storage_warning(done.error().what());
  }
  notes.samples += out.size();
  if (resolve_hints_ && !out.histograms.empty()) resolve_hints(out);
  return same;
}

}  // namespace nines::promql
