#pragma once
// Evaluates a tree over a grid of steps. One per query, one thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "rules/promql/ast.h"
#include "rules/promql/durations.h"
#include "rules/promql/engine.h"
#include "rules/promql/internal/annotations.h"
#include "rules/promql/internal/float_filter.h"
#include "rules/promql/internal/functions.h"
#include "rules/promql/internal/lanes.h"
#include "rules/promql/internal/ranges.h"
#include "rules/promql/internal/values.h"
#include "storage/api/querier.h"

namespace nines::promql {

class SharedParts;  // rules/promql/internal/shared_parts.h

// How many samples each step of the query looks at, as Prometheus counts them: a sample of a window
// counts at every step whose window has it, a histogram as many as its size is worth, what is the
// same at all steps at each of them, and the steps of a subquery only as samples of its windows.
struct Tally {
  bool on = false;
  bool fixed = false;  // what is evaluated now is evaluated once, for all steps
  std::vector<std::uint64_t> steps;

  void add(std::size_t step, std::uint64_t samples) {
    if (fixed) {
      for (std::uint64_t& n : steps) n += samples;
    } else if (step < steps.size()) {
      steps[step] += samples;
    }
  }
};
std::uint64_t samples_worth(const Histogram& histogram);
// What adding it to another costs, in cells looked at: see Pace.
std::size_t work_of(const Histogram& histogram);

// What a query may use, and what it has used.
struct QueryContext {
  QueryContext(const storage::Querier& q, const Clock& c, const EngineOptions& o,
               std::string_view text)
      : querier(q),
        clock(c),
        options(o),
        annotations(text),
        budget(o.samples_max, o.memory_bytes_max),
        query(text) {}
  const storage::Querier& querier;
  const Clock& clock;
  const EngineOptions& options;
  Annotations annotations;
  Budget budget;
  Tally tally;
  QueryStats stats;
  Duration lookback{};
  Duration timeout{};
  Instant deadline{};
  const storage::StopFlag* stop = nullptr;
  SharedParts* shared = nullptr;  // with other queries for this instant
  Lanes lanes;                    // who may help with many series
  Grid grid;                      // of the whole query: what start(), range() and step() mean
  std::int64_t query_end = 0;     // may lie past the last step
  bool is_range = false;
  std::string_view query;

  // An error of the query at a place in it: `1:5: ` + what.
  Error error(TextRange at, std::string_view what) const;
  // kUnavailable when the query has run out of time or was stopped, kLimit past its memory.
  Result<void> check() const;
};

// Asks check() whenever so much work has been done, about once in a few milliseconds.
class Pace {
 public:
  explicit Pace(const QueryContext& q) : q_(q) {}
  // `cells`: values looked at, more for what takes longer.
  Result<void> did(std::size_t cells) {
    done_ += cells;
    if (done_ < kEvery) return {};
    done_ = 0;
    return q_.check();
  }

 private:
  static constexpr std::size_t kEvery = 1u << 17;
  const QueryContext& q_;
  std::size_t done_ = 0;
};

// Sets a mode of evaluation while it lives.
class HintMode {
 public:
  HintMode(bool& mode, bool value) : mode_(mode), before_(std::exchange(mode, value)) {}
  ~HintMode() { mode_ = before_; }
  HintMode(const HintMode&) = delete;
  HintMode& operator=(const HintMode&) = delete;

 private:
  bool& mode_;
  bool before_;
};

// Into what a store can be asked for.
std::int64_t clamp_time(std::int64_t ms);

// Takes finished rows, one at a time and always in the same order: an aggregation needs none of
// them afterwards.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // The only labels that rows are to have, sorted and unique; null: all. Any thread may ask.
  virtual const std::vector<std::string>* labels() const { return nullptr; }
  // When `of` is not null the row is of its series `index`, which has all its labels.
  virtual Result<void> take(const Block& block, std::size_t row, const storage::SeriesSelection* of,
                            std::size_t index) = 0;
  // After the last row of a selection: whoever wants to know more of it may keep it.
  virtual void own(std::unique_ptr<storage::SeriesSelection> /*of*/) {}
};

// Where what reading has to say goes: the query's own, or a piece's until its turn comes.
struct Notes {
  Annotations& annotations;
  std::uint64_t& samples;  // decoded
};

class Scanner;  // rules/promql/internal/scan.h
using MakeScanner = std::function<std::unique_ptr<Scanner>()>;
struct TierPlan;
struct TierCell;
struct SharedRows;  // rules/promql/internal/shared_parts.h

class Evaluator {
 public:
  explicit Evaluator(QueryContext& context) : q_(context) {}

  Result<Block> vector(const Expr& expr, const Grid& grid);
  Result<Column> scalar(const Expr& expr, const Grid& grid);
  Result<std::string> text(const Expr& expr) const;
  // A range vector at one instant: all samples of the window.
  Result<Matrix> matrix(const Expr& expr, std::int64_t at);

 private:
  friend class RangeScanner;
  friend class SelectScanner;

  Result<Block> vector_now(const Expr& expr, const Grid& grid);
  // shared_rows.cc: what is shared with other queries, as vector(), filtered() or feed() give it;
  // none: it is not.
  Result<std::optional<Block>> shared(const Expr& expr, const Grid& grid, const FloatFilter* filter,
                                      RowSink* sink);
  std::optional<std::size_t> shared_part(const Expr& expr, const Grid& grid) const;
  Result<SharedRows> all_rows(const Expr& expr, const Grid& grid);
  Result<Block> hand_out(const SharedRows& from, const FloatFilter* filter, RowSink* sink);
  // May leave out what the filter does not keep.
  Result<Block> filtered(const Expr& expr, const Grid& grid, const FloatFilter& filter);
  Result<Block> filtered_binary(const Binary& node, const Grid& grid, const FloatFilter& filter);
  Result<Column> scalar_now(const Expr& expr, const Grid& grid);
  Result<Column> scalar_call(const Call& call, const Grid& grid);
  Result<Block> broadcast(Block one, const Grid& grid);

  // selectors.cc
  enum class Take : std::uint8_t { kValue, kTimestamp, kStartTimestamp };
  // With a sink, rows go to it and the block comes back empty.
  Result<Block> select(const VectorSelector& selector, const Grid& grid, Take take = Take::kValue,
                       RowSink* sink = nullptr, const FloatFilter* filter = nullptr);
  // What the selection holds is added to `held`.
  Result<std::unique_ptr<storage::SeriesSelection>> open(const VectorSelector& selector,
                                                         std::int64_t from, std::int64_t to,
                                                         Charge& held);
  Error too_many_series() const;
  // What there is to be said goes to `notes`.
  Result<void> read(storage::SeriesReader& reader, std::size_t index, std::int64_t from,
                    std::int64_t to, SampleColumns& out, Notes notes) const;
  Notes notes() { return {q_.annotations, q_.stats.samples}; }
  Result<std::int64_t> offset_ms(const TimeShift& shift) const;
  std::optional<std::int64_t> fixed_time(const TimeShift& shift) const;
  Result<std::int64_t> length_ms(const DurationExpr& length) const;
  DurationFacts duration_facts() const;

  // ranges.cc: calls `each` for every series of a range vector with its window at every step.
  using EachSeries = std::function<Result<void>(const RangeSeries&, std::span<const Window>)>;
  Result<RangeShape> shape(const Expr& range) const;
  Result<void> for_each_series(const Expr& range, const Grid& grid, const EachSeries& each);
  Result<void> each_selected(const MatrixSelector& node, const Grid& grid, const RangeShape& shape,
                             const EachSeries& each);
  // The first and the last time of samples that any step looks at.
  std::pair<std::int64_t, std::int64_t> samples_of(const RangeShape& shape, const Grid& grid) const;
  void tally(const RangeSeries& series, std::span<const Window> windows);
  // scan.cc: a row of each series of `of`, by several threads when it is much; to the sink, or to
  // `out`. `window`: what each step looks at, in ms.
  Result<void> scan(const storage::SeriesSelection& of, std::int64_t window,
                    const MakeScanner& make_scanner, RowSink* sink, Block& out);
  Result<void> each_of_subquery(const Subquery& node, const Grid& grid, const RangeShape& shape,
                                const EachSeries& each);

  // tiers.cc
  using EachTierSeries = std::function<Result<void>(const RangeSeries&, std::span<const Window>,
                                                    std::span<const TierCell>)>;
  // None: single samples answer, as far as there are any; when that is not far enough it is said.
  std::optional<TierPlan> plan_range(Fn id, std::string_view name, const Expr& range,
                                     const RangeShape& shape, const Grid& grid);
  std::optional<TierPlan> plan_instant(const VectorSelector& selector, const Grid& grid,
                                       std::int64_t first, bool fixed);
  Result<Block> range_from_tier(const Call& call, const MatrixSelector& node, const Grid& grid,
                                const RangeShape& shape, const TierPlan& plan,
                                std::span<const Column> params);
  Result<void> each_from_tier(const MatrixSelector& node, const Grid& grid, const RangeShape& shape,
                              const TierPlan& plan, const EachTierSeries& each);
  Result<void> read_tier(const storage::SeriesSelection& selection, std::size_t index,
                         const TierPlan& plan, std::int64_t from, std::int64_t to,
                         std::vector<storage::TierWindow>& out, Notes notes) const;
  void say_tier(const TierPlan& plan, TextRange at);
  static void say_histograms(Annotations& annotations, const TierPlan& plan,
                             std::string_view metric, TextRange at);
  void say_dropped(const storage::Retention& kept, std::string_view what, bool summary,
                   TextRange at);

  // operators
  Result<Block> binary(const Binary& node, const Grid& grid);
  Result<Block> binary_with_scalar(const Binary& node, Block vec, const Column& scalars,
                                   bool scalar_left);
  // With a filter, may leave out what it does not keep.
  Result<Block> binary_vectors(const Binary& node, Block lhs, Block rhs,
                               const FloatFilter* filter = nullptr);
  Result<Block> set_operator(const Binary& node, Block lhs, Block rhs);
  Result<Block> unary(const Unary& node, const Grid& grid);
  Result<Block> aggregate(const Aggregate& node, const Grid& grid);
  Result<void> feed(const Expr& expr, const Grid& grid, RowSink& sink);

  // functions
  // Only functions of ranges know what to do with a sink; others leave it alone, as do these when a
  // tier answers: what the block holds is then the rest.
  // Likewise with a filter, which need not be heeded.
  Result<Block> call(const Call& call, const Grid& grid, RowSink* sink = nullptr,
                     const FloatFilter* filter = nullptr);
  Result<Block> float_function(const Call& call, const Grid& grid);
  Result<Block> date_function(const Call& call, const Grid& grid);
  Result<Block> histogram_function(const Call& call, const Grid& grid);
  Result<Block> label_function(const Call& call, const Grid& grid);
  Result<Block> sort_function(const Call& call, const Grid& grid);
  Result<Block> absent_function(const Call& call, const Grid& grid);
  Result<Block> timestamp_function(const Call& call, const Grid& grid);
  Result<Block> range_function(const Call& call, const Grid& grid, RowSink* sink,
                               const FloatFilter* filter);
  Result<Block> absent_over_time(const Call& call, const Grid& grid);
  Result<Block> absent_where(const Call& call, const Grid& grid, std::span<const std::uint8_t> has);
  Result<Block> info_function(const Call& call, const Grid& grid);
  Result<VectorSelector> info_selector(const Call& call, const Block& base) const;

  QueryContext& q_;
  // Below histogram_count and its like, where counter resets are told from neighbouring samples.
  bool resolve_hints_ = false;
};

// The labels absent() gives: those its selector fixes by equality, each only once.
LabelSet labels_of_absent(const Expr& arg);

}  // namespace nines::promql
