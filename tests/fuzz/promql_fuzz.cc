// Any text: it parses or is refused; what parses prints to text that parses and prints the same;
// and evaluating it over a tiny store under small limits ends, with a result that keeps the limits
// or with an error of the query's own, not one that the check of durations before has let pass.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/model/histogram.h"
#include "rules/promql/durations.h"
#include "rules/promql/engine.h"
#include "rules/promql/format.h"
#include "rules/promql/metric_selector.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace {

using namespace nines;  // NOLINT: a test program of one file

void fill(testing::MemoryMetrics& store) {
  Histogram h;
  h.count = 4;
  h.sum = 5;
  h.positive_spans = {{0, 3}};
  h.positive_buckets = {1, 2, 1};
  Histogram custom;
  custom.schema = kCustomBucketsSchema;
  custom.count = 6;
  custom.sum = 9;
  custom.custom_values = {1, 2, 4};
  custom.positive_spans = {{0, 4}};
  custom.positive_buckets = {1, 2, 2, 1};
  for (int i = 0; i < 20; ++i) {
    const Timestamp at = from_millis(i * 15'000);
    store.add({{"__name__", "up"}, {"job", "a"}, {"instance", "1"}}, at, i % 2);
    store.add({{"__name__", "hits_total"}, {"job", "a"}, {"le", "0.5"}}, at, i % 7 * 3.0);
    store.add({{"__name__", "hits_total"}, {"job", "b"}, {"le", "+Inf"}}, at, i * 3.0);
    store.add({{"__name__", "lag"}, {"job", "a"}}, at, h);
    store.add({{"__name__", "sizes"}, {"job", "b"}}, at, custom);
    if (i % 5 != 4) store.add({{"__name__", "mixed"}, {"job", "a"}}, at, i * 0.5);
    if (i % 5 == 4) store.add({{"__name__", "mixed"}, {"job", "a"}}, at, h);
    store.add({{"__name__", "target_info"}, {"job", "a"}, {"instance", "1"}, {"v", "2"}}, at, 1);
  }
  store.add({{"__name__", "ended"}, {"job", "a"}}, from_millis(100'000), 1);
  store.add({{"__name__", "ended"}, {"job", "a"}}, from_millis(150'000), stale_nan());
}

void check(const Result<promql::QueryResult>& result, std::size_t steps) {
  if (!result) {
    const ErrorCode code = result.error().code();
    const bool of_the_query = code == ErrorCode::kInvalid || code == ErrorCode::kLimit;
    if (!of_the_query || result.error().what().empty()) __builtin_trap();
    return;
  }
  const auto* matrix = std::get_if<promql::Matrix>(&result->value);
  if (matrix == nullptr || steps == 0) return;
  const LabelSet* before = nullptr;
  for (const promql::MatrixSeries& series : *matrix) {
    if (series.samples.size() == 0 || series.samples.size() > steps) __builtin_trap();
    if (before != nullptr && !(*before < series.labels)) __builtin_trap();
    before = &series.labels;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  promql::EngineOptions options;
  options.text_bytes_max = 4096;
  options.samples_max = 20'000;
  options.series_max = 100;
  options.points_max = 50;
  options.memory_bytes_max = 4u << 20;
  options.depth_max = 32;
  (void)promql::parse_metric_selector(text);
  const Result<promql::Query> query = promql::Query::parse(text, options);
  if (!query) return 0;
  const std::string printed = query->to_string();
  options.text_bytes_max = 64u << 10;
  options.depth_max = 256;  // printing may add parentheses
  const Result<promql::Query> again = promql::Query::parse(printed, options);
  if (!again || again->to_string() != printed) __builtin_trap();
  options.text_bytes_max = 1u << 20;  // indented by as many levels as there may be
  const Result<promql::Query> broken = promql::Query::parse(promql::pretty(query->expr()), options);
  if (!broken || broken->to_string() != printed) __builtin_trap();

  testing::MemoryMetrics store;
  fill(store);
  const testing::SimClock clock{Timestamp{}};
  const promql::Engine engine(store, clock, options);
  const bool bearable = promql::check_durations(*query, {}).has_value();
  const auto instant = engine.instant(*query, from_millis(200'000));
  if (!instant && bearable && instant.error().what().find("duration must") != std::string::npos)
    __builtin_trap();
  check(instant, 0);
  check(engine.range(*query, from_millis(100'000), from_millis(280'000), Duration(30'000)), 7);
  return 0;
}
