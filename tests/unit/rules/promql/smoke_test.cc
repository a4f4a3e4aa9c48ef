#include <chrono>

#include "doctest/doctest.h"
#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

TEST_CASE("an instant query sums the rates of two counters by job") {
  testing::MemoryMetrics store;
  for (int i = 0; i <= 10; ++i) {
    store.add({{"__name__", "hits_total"}, {"job", "a"}, {"n", "1"}}, from_millis(i * 10'000),
              i * 10.0);
    store.add({{"__name__", "hits_total"}, {"job", "a"}, {"n", "2"}}, from_millis(i * 10'000),
              i * 20.0);
  }
  const testing::SimClock clock{Timestamp{}};
  const Engine engine(store, clock, {});
  const Result<Query> query = Query::parse("sum by (job) (rate(hits_total[1m]))");
  REQUIRE(query);
  const Result<QueryResult> result = engine.instant(*query, from_millis(100'000));
  REQUIRE(result);
  const auto& vector = std::get<Vector>(result->value);
  REQUIRE(vector.size() == 1);
  CHECK(vector[0].labels == LabelSet{{"job", "a"}});
  CHECK(vector[0].value == doctest::Approx(3));
}

}  // namespace
}  // namespace nines::promql
