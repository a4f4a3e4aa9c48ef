#pragma once
// LogQL, the subset nines answers: a stream selector with line filters, and rate / count_over_time
// / bytes_rate / bytes_over_time over it, aggregated by sum, min, max, avg, count, and vector(),
// arithmetic.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"
#include "rules/promql/engine.h"
#include "storage/api/logs.h"

namespace nines::logql {

struct LogEntry {
  LogTime at{};
  std::string line;
};
struct LogStream {
  LabelSet labels;
  std::vector<LogEntry> entries;  // in the order asked for
};

struct LogResult {
  std::vector<LogStream> streams;
  storage::LogScanStats stats;
};

class LogExpr;  // rules/logql/internal

// Immutable, cheap to copy, thread-safe.
class LogQuery {
 public:
  // kInvalid: "parse error at line 1, col 5: ..."; what nines does not know is named as such.
  static Result<LogQuery> parse(std::string_view text);
  bool is_metric() const;  // gives samples, not lines
  const LogExpr& expr() const { return *root_; }

 private:
  explicit LogQuery(std::shared_ptr<const LogExpr> root) : root_(std::move(root)) {}
  std::shared_ptr<const LogExpr> root_;
};

// Thread-safe.
class Engine {
 public:
  explicit Engine(const storage::LogQuerier& logs) : logs_(logs) {}
  // At most `limit` lines; kInvalid when the query is a metric query.
  Result<LogResult> lines(const LogQuery& query, storage::LogRange range, storage::LogOrder order,
                          std::size_t limit, const storage::StopFlag* stop = nullptr) const;
  // kInvalid when the query gives lines.
  Result<promql::QueryResult> instant(const LogQuery& query, Timestamp at,
                                      const storage::StopFlag* stop = nullptr) const;
  Result<promql::QueryResult> range(const LogQuery& query, Timestamp from, Timestamp to,
                                    Duration step, const storage::StopFlag* stop = nullptr) const;

 private:
  const storage::LogQuerier& logs_;
};

}  // namespace nines::logql
