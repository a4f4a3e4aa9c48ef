// Series in the notation of test scripts, for tests of rules.
#include "base/text/text.h"
#include "rules/promql/internal/script_load.h"
#include "rules/promql/internal/series_notation.h"
#include "rules/promql/script.h"

namespace nines::promql {

Result<void> load_test_series(const std::vector<TestSeries>& series, Duration gap,
                              storage::Appender& appender, Timestamp start) {
  LoadCommand command;
  command.gap = gap;
  command.start = start;
  for (const TestSeries& one : series) {
    Result<SeriesLine> line = parse_series_line(one.series + " " + one.values);
    if (!line) return std::move(line).error().in("series " + quote_go(one.series));
    command.series.push_back(*std::move(line));
  }
  return ScriptLoader().load(command, appender);
}

Result<VectorSample> parse_test_sample(const std::string& labels, const std::string& value) {
  const std::string name(trim(labels));
  NINES_TRY(SeriesLine line, parse_series_line((name.empty() ? "{}" : name) + " " + value));
  if (line.values.size() != 1 || line.values[0].omitted) {
    return Error(ErrorCode::kInvalid, "one value is needed, not " + quote_go(value));
  }
  return VectorSample{line.labels, {}, line.values[0].value, line.values[0].histogram};
}

}  // namespace nines::promql
