// Any text: it parses or is refused; what parses prints to text that parses and prints the same;
// and evaluating it over a tiny store under small limits ends.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/model/histogram.h"
#include "rules/promql/engine.h"
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
  for (int i = 0; i < 20; ++i) {
    const Timestamp at = from_millis(i * 15'000);
    store.add({{"__name__", "up"}, {"job", "a"}, {"instance", "1"}}, at, i % 2);
    store.add({{"__name__", "hits_total"}, {"job", "a"}, {"le", "0.5"}}, at, i % 7 * 3.0);
    store.add({{"__name__", "hits_total"}, {"job", "b"}, {"le", "+Inf"}}, at, i * 3.0);
    store.add({{"__name__", "lag"}, {"job", "a"}}, at, h);
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
  const Result<promql::Query> query = promql::Query::parse(text, options);
  if (!query) return 0;
  const std::string printed = query->to_string();
  options.text_bytes_max = 64u << 10;
  const Result<promql::Query> again = promql::Query::parse(printed, options);
  if (!again || again->to_string() != printed) __builtin_trap();

  testing::MemoryMetrics store;
  fill(store);
  const testing::SimClock clock{Timestamp{}};
  const promql::Engine engine(store, clock, options);
  (void)engine.instant(*query, from_millis(200'000));
  (void)engine.range(*query, from_millis(100'000), from_millis(280'000), Duration(30'000));
  return 0;
}
