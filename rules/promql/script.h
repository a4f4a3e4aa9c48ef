#pragma once
// Test scripts: load series, evaluate expressions, compare. The language is Prometheus's own for
// testing PromQL, so that its scripts run unchanged.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "rules/promql/engine.h"
#include "storage/api/appender.h"
#include "storage/api/querier.h"

namespace nines::promql {

// A store for one script, empty at first. Scripts begin at the epoch.
class ScriptStore {
 public:
  virtual ~ScriptStore() = default;
  virtual storage::Appender& appender() = 0;
  virtual const storage::Querier& querier() const = 0;
};
// Called at the start of a script and at every `clear`.
using ScriptStoreFactory = std::function<Result<std::unique_ptr<ScriptStore>>()>;

struct ScriptReport {
  int passed = 0;  // evaluations
  int failed = 0;
  std::vector<std::string> failures;  // "name:12: expression: what differed"
};

// Runs one script; a failed evaluation does not end it. kInvalid with "name:line: ..." when the
// script itself cannot be read; the store's errors as they are.
//
// An instant evaluation is repeated with @ on its selectors at other times, and as the middle step
// of a range, as Prometheus does; it passes when all agree.
Result<ScriptReport> run_script(std::string_view name, std::string_view text,
                                const ScriptStoreFactory& make_store, const Clock& clock,
                                const EngineOptions& options = {});

// One series of a unit test: `name{label="x"}`, and its values `1+2x3 _ stale {{count:1 ...}}`.
struct TestSeries {
  std::string series;
  std::string values;
};
// Puts series into a store, the first value of each at `start`, the next ones `gap` apart. kInvalid
// names the series that cannot be read.
Result<void> load_test_series(const std::vector<TestSeries>& series, Duration gap,
                              storage::Appender& appender, Timestamp start = Timestamp{});
// An expected sample: labels as of a series (may be empty), and a number or a histogram in the same
// notation. `at` is left alone. kInvalid.
Result<VectorSample> parse_test_sample(const std::string& labels, const std::string& value);

}  // namespace nines::promql
