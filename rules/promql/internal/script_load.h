#pragma once
// Puts the series of a `load` command into a store.

#include <map>
#include <string>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "rules/promql/internal/script_commands.h"
#include "storage/api/appender.h"

namespace nines::promql {

class ScriptLoader {
 public:
  Result<void> load(const LoadCommand& command, storage::Appender& appender);

 private:
  struct Point {
    SeriesValue value;
    std::int64_t start_ms = 0;
  };
  using Points = std::map<std::int64_t, Point>;  // by milliseconds

  void set_reset_hints(const LabelSet& labels, Points& points);
  static void add_custom_histograms(std::map<LabelSet, Points>& series);

  // The histogram a series ended with, so that the next load knows whether it was reset. Null after
  // a float or a staleness marker.
  std::map<LabelSet, HistogramPtr> last_;
};

}  // namespace nines::promql
