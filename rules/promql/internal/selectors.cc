// Selectors: where in time they look, and what is read from the store.

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/promql/internal/duration_values.h"
#include "rules/promql/internal/evaluator.h"
#include "rules/promql/internal/histogram_math.h"
#include "rules/promql/internal/parser.h"
#include "rules/promql/internal/selection_reader.h"

namespace nines::promql {
namespace {

constexpr std::int64_t kFarthest = std::numeric_limits<std::int64_t>::max() / 4;

// Where a store cannot say whether a counter was reset, the sample before can.
Result<void> resolve_hints(SampleColumns& samples, const QueryContext& q) {
  Pace pace(q);
  const Histogram* before = nullptr;
  for (HistogramPtr& h : samples.histograms) {
    if (!h) continue;
    if (Result<void> ok = pace.did(work_of(*h)); !ok) return ok;
    if (before != nullptr && h->reset_hint == ResetHint::kUnknown) {
      auto copy = std::make_shared<Histogram>(*h);
      copy->reset_hint = detect_reset(*h, *before) ? ResetHint::kReset : ResetHint::kNotReset;
      h = std::move(copy);
    }
    before = h.get();
  }
  return {};
}

}  // namespace

std::int64_t clamp_time(std::int64_t ms) {
  return std::clamp(ms, -kFarthest, kFarthest);
}

DurationFacts Evaluator::duration_facts() const {
  DurationFacts facts;
  if (q_.is_range) facts.step_seconds = static_cast<double>(q_.grid.step) / 1000;
  facts.range_seconds = static_cast<double>(q_.query_end - q_.grid.start) / 1000;
  return facts;
}

Result<std::int64_t> Evaluator::offset_ms(const TimeShift& shift) const {
  if (!shift.offset) return std::int64_t{0};
  return duration_offset(*shift.offset, duration_facts(), q_.query);
}

Result<std::int64_t> Evaluator::length_ms(const DurationExpr& length) const {
  return duration_length(length, duration_facts(), q_.query);
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
  return resolve_hints_ && !out.histograms.empty() ? resolve_hints(out, q_) : Result<void>();
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
  if (resolve_hints_ && !out.histograms.empty()) {
    if (const Result<void> ok = resolve_hints(out, q_); !ok) return ok.error();
  }
  return same;
}

void SelectionReader::latest(std::size_t first, std::int64_t from, std::int64_t to,
                             std::span<storage::LatestSample> out) const {
  if (on_ != nullptr)
    on_->latest(first, {from_millis(clamp_time(from)), from_millis(clamp_time(to))}, out);
}

}  // namespace nines::promql
