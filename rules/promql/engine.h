#pragma once
// PromQL: parse once, evaluate at an instant or over a range.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "storage/api/querier.h"

namespace nines {
class Executor;
}

namespace nines::promql {

struct EngineOptions {
  Duration lookback_delta{300'000};
  Duration timeout{120'000};
  std::size_t samples_max = 50'000'000;         // loaded at once by one query
  std::size_t series_max = 2'000'000;           // selected by one query
  std::uint64_t memory_bytes_max = 1ULL << 30;  // held at once by one query
  std::size_t points_max = 11'000;              // steps of a range query
  std::size_t text_bytes_max = 64u << 10;
  int depth_max = 64;              // nesting of the expression
  Duration subquery_step{60'000};  // of [5m:]: the global evaluation interval
  std::size_t threads = 2;         // that one query may use, with helpers
};

// Where in the query text something is, as byte offsets [start, end).
struct TextRange {
  std::size_t start = 0;
  std::size_t end = 0;
};

class Expr;           // the syntax tree, rules/promql/ast.h
class SharedResults;  // rules/promql/shared_results.h

// A parsed and type-checked query. Immutable, cheap to copy, thread-safe.
class Query {
 public:
  // kInvalid: `1:5: parse error: unexpected ...` with Prometheus's texts (line:column, from 1).
  static Result<Query> parse(std::string_view text, const EngineOptions& options = {});
  const std::string& text() const { return text_; }
  const Expr& expr() const { return *root_; }
  // The query printed as Prometheus's formatter does on one line.
  std::string to_string() const;
  // The matchers of each of its vector selectors, in their order in the text.
  std::vector<std::vector<Matcher>> selectors() const;
  // The tree as JSON, in the shape of Prometheus's parse_query.
  std::string to_json() const;

 private:
  Query(std::string text, std::shared_ptr<const Expr> root)
      : text_(std::move(text)), root_(std::move(root)) {}
  std::string text_;
  std::shared_ptr<const Expr> root_;
};

struct VectorSample {
  LabelSet labels;
  Timestamp at{};
  double value = 0;
  HistogramPtr histogram;  // when set, `value` means nothing
};
struct MatrixSeries {
  LabelSet labels;
  SampleColumns samples;
};
using Vector = std::vector<VectorSample>;
using Matrix = std::vector<MatrixSeries>;
struct Scalar {
  Timestamp at{};
  double value = 0;
};
struct StringValue {
  Timestamp at{};
  std::string value;
};
using Value = std::variant<Vector, Matrix, Scalar, StringValue>;

struct QueryStats {
  std::uint64_t series = 0;
  std::uint64_t samples = 0;       // decoded
  std::uint64_t peak_samples = 0;  // held at once, at most
  Duration elapsed{};
  // Samples looked at by each step, as Prometheus's totalQueryableSamplesPerStep; only when asked.
  std::vector<std::uint64_t> samples_per_step;
};

struct QueryResult {
  Value value;
  std::vector<std::string> warnings;  // Prometheus's texts, with positions
  std::vector<std::string> infos;
  QueryStats stats;
};

struct QueryRequest {
  Duration lookback_delta{0};  // 0: the engine's
  Duration timeout{0};         // 0: the engine's
  const storage::StopFlag* stop = nullptr;
  bool count_steps = false;         // fill QueryStats::samples_per_step
  bool helpers = false;             // the engine's helpers may take a part
  SharedResults* shared = nullptr;  // of instant queries: what several have in common
};

// The names of all functions, sorted.
std::vector<std::string_view> function_names();

// Thread-safe: any number of queries at once. With helpers a query over many series is shared among
// threads; its answer is the same to the bit. Errors: kInvalid (execution error of the query:
// "found duplicate series ...", HTTP 422), kLimit (too many samples, points, bytes), kUnavailable
// (timeout, cancelled), kCorrupt, kIo.
class Engine {
 public:
  // `helpers` may be null; they outlive the engine.
  Engine(const storage::Querier& querier, const Clock& clock, EngineOptions options,
         Executor* helpers = nullptr);
  const EngineOptions& options() const { return options_; }

  // An instant vector is sorted by Prometheus's rules (as the expression leaves it).
  Result<QueryResult> instant(const Query& query, Timestamp at,
                              const QueryRequest& request = {}) const;
  // Always a Matrix, sorted by labels. kInvalid when step <= 0 or to < from, kLimit past
  // points_max.
  Result<QueryResult> range(const Query& query, Timestamp from, Timestamp to, Duration step,
                            const QueryRequest& request = {}) const;

 private:
  const storage::Querier& querier_;
  const Clock& clock_;
  EngineOptions options_;
  Executor* helpers_;
};

}  // namespace nines::promql
