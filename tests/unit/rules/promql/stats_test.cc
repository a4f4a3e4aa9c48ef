// Per-step statistics: how many samples each step looked at, as Prometheus counts them.
#include <cstdint>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

constexpr Timestamp at(std::int64_t seconds) {
  return from_millis(seconds * 1000);
}

using Counts = std::vector<std::uint64_t>;

// Two series of eleven samples, 10 s apart, from 0 to 100 s.
struct Fixture {
  Fixture() {
    for (int i = 0; i <= 10; ++i) {
      store.add({{"__name__", "m"}, {"n", "1"}}, at(i * 10), i);
      store.add({{"__name__", "m"}, {"n", "2"}}, at(i * 10), i * 2.0);
    }
  }
  // At 0, 20, 40, ... 100 s, with a lookback of 15 s.
  Counts range(const std::string& text, bool asked = true) const {
    const Result<Query> query = Query::parse(text);
    REQUIRE(query);
    QueryRequest request;
    request.count_steps = asked;
    request.lookback_delta = Duration(15'000);
    const auto result =
        Engine(store, clock, {}).range(*query, at(0), at(100), Duration(20'000), request);
    REQUIRE_MESSAGE(result, text);
    return result->stats.samples_per_step;
  }
  testing::MemoryMetrics store;
  testing::SimClock clock{Timestamp{}};
};

TEST_CASE("a selector counts its sample at every step that sees one") {
  const Fixture f;
  CHECK(f.range("m") == Counts{2, 2, 2, 2, 2, 2});
  CHECK(f.range("m{n=\"1\"} offset 40s") == Counts{0, 0, 1, 1, 1, 1});
  CHECK(f.range("m + m") == Counts{4, 4, 4, 4, 4, 4});
  CHECK(f.range("timestamp(m)") == Counts{2, 2, 2, 2, 2, 2});
  CHECK(f.range("1 + 1") == Counts{0, 0, 0, 0, 0, 0});
}

TEST_CASE("a window counts all its samples at every step") {
  const Fixture f;
  CHECK(f.range("sum_over_time(m{n=\"1\"}[35s])") == Counts{1, 3, 4, 4, 4, 4});
  CHECK(f.range("sum(rate(m[35s]))") == Counts{2, 6, 8, 8, 8, 8});
}

TEST_CASE("what is the same at all steps counts at each of them") {
  const Fixture f;
  CHECK(f.range("m @ 50") == Counts{2, 2, 2, 2, 2, 2});
  CHECK(f.range("sum_over_time(m[25s] @ 50)") == Counts{6, 6, 6, 6, 6, 6});
}

TEST_CASE("of a subquery only the samples of its windows count") {
  const Fixture f;
  CHECK(f.range("sum_over_time((m{n=\"1\"} + m{n=\"1\"})[35s:10s])") == Counts{1, 3, 4, 4, 4, 4});
}

TEST_CASE("a histogram is worth as many samples as its size") {
  testing::MemoryMetrics store;
  const testing::SimClock clock{Timestamp{}};
  Histogram h;
  h.count = 3;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {1, 2};
  store.add({{"__name__", "h"}}, at(0), h);
  QueryRequest request;
  request.count_steps = true;
  const auto result = Engine(store, clock, {}).instant(*Query::parse("h"), at(0), request);
  REQUIRE(result);
  // 168 bytes, three parts of 8 bytes and 8 of the time, in sixteens.
  CHECK(result->stats.samples_per_step == Counts{12});
}

TEST_CASE("nothing is counted when nobody asked") {
  const Fixture f;
  CHECK(f.range("m", false).empty());
}

}  // namespace
}  // namespace nines::promql
