#include <chrono>
#include <string>

#include "doctest/doctest.h"
#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

constexpr Timestamp at(std::int64_t seconds) {
  return from_millis(seconds * 1000);
}

// Two series of ten samples, 10 s apart.
struct Fixture {
  Fixture() {
    for (int i = 0; i < 10; ++i) {
      store.add({{"__name__", "m"}, {"n", "1"}}, at(i * 10), i);
      store.add({{"__name__", "m"}, {"n", "2"}}, at(i * 10), i * 2.0);
    }
  }
  Result<QueryResult> instant(const std::string& text, const EngineOptions& options,
                              const QueryRequest& request = {}) const {
    NINES_TRY(const Query query, Query::parse(text, options));
    return Engine(store, clock, options).instant(query, at(90), request);
  }
  Result<QueryResult> range(const std::string& text, Timestamp from, Timestamp to, Duration step,
                            const EngineOptions& options) const {
    NINES_TRY(const Query query, Query::parse(text, options));
    return Engine(store, clock, options).range(query, from, to, step);
  }
  testing::MemoryMetrics store;
  testing::SimClock clock{Timestamp{}};
};

ErrorCode code(const Result<QueryResult>& result) {
  REQUIRE(!result);
  return result.error().code();
}

TEST_CASE("a query text of exactly the limit parses, one byte more does not") {
  EngineOptions options;
  options.text_bytes_max = 5;
  CHECK(Query::parse("1 + 1", options));
  const Result<Query> refused = Query::parse("1 + 10", options);
  REQUIRE(!refused);
  CHECK(refused.error().code() == ErrorCode::kLimit);
}

TEST_CASE("nesting of exactly the limit parses, one level more does not") {
  EngineOptions options;
  options.depth_max = 4;
  CHECK(Query::parse("(((1)))", options));
  const Result<Query> refused = Query::parse("((((1))))", options);
  REQUIRE(!refused);
  CHECK(refused.error().what() == "1:5: parse error: expression is nested deeper than 4");
}

TEST_CASE("a long chain of operators is refused before it can exhaust the stack") {
  std::string text = "1";
  for (int i = 0; i < 300; ++i) text += "+1";
  CHECK(Query::parse(text));
  for (int i = 0; i < 200; ++i) text += "+1";
  CHECK(!Query::parse(text));
}

TEST_CASE("a range of exactly as many steps as allowed is answered, one more is not") {
  const Fixture f;
  EngineOptions options;
  options.points_max = 10;
  CHECK(f.range("m", at(0), at(100), Duration(10'000), options));
  CHECK(code(f.range("m", at(0), at(110), Duration(10'000), options)) == ErrorCode::kLimit);
}

TEST_CASE("a range needs a step and must not end before it begins") {
  const Fixture f;
  CHECK(f.range("m", at(50), at(50), Duration(1), {}));
  CHECK(code(f.range("m", at(50), at(49), Duration(1), {})) == ErrorCode::kInvalid);
  CHECK(code(f.range("m", at(0), at(10), Duration(0), {})) == ErrorCode::kInvalid);
  CHECK(code(f.range("m[1m]", at(0), at(10), Duration(1), {})) == ErrorCode::kInvalid);
}

TEST_CASE("as many series as allowed may be selected by all selectors together, not one more") {
  const Fixture f;
  EngineOptions options;
  options.series_max = 2;
  CHECK(f.instant("m", options));
  CHECK(code(f.instant("m + on(n) m{n=\"1\"}", options)) == ErrorCode::kLimit);
  options.series_max = 1;
  CHECK(code(f.instant("m", options)) == ErrorCode::kLimit);
}

TEST_CASE("as many samples as allowed may be held at once, not one more") {
  const Fixture f;
  EngineOptions options;
  options.samples_max = 12;  // ten decoded, and a row of the result for each series
  CHECK(f.instant("sum_over_time(m[100s])", options));
  options.samples_max = 11;
  CHECK(code(f.instant("sum_over_time(m[100s])", options)) == ErrorCode::kLimit);
}

// The least memory a query is content with, found by halving.
std::uint64_t memory_needed(const Fixture& f, const std::string& text) {
  std::uint64_t too_little = 0, enough = 1u << 30;
  while (enough - too_little > 1) {
    EngineOptions options;
    options.memory_bytes_max = (too_little + enough) / 2;
    (f.instant(text, options) ? enough : too_little) = options.memory_bytes_max;
  }
  return enough;
}

TEST_CASE(
    "a query may take as much memory as its limit, not a byte more; the error says what to do") {
  const Fixture f;
  for (const char* text : {"m", "sum_over_time(m[100s])", "m[50s]", "sum by (n) (m)",
                           "max_over_time(m[60s:1s])", "m and m", "topk(1, m)"}) {
    EngineOptions options;
    options.memory_bytes_max = memory_needed(f, text);
    CHECK_MESSAGE(options.memory_bytes_max > 100, text);
    CHECK_MESSAGE(f.instant(text, options), text);
    --options.memory_bytes_max;
    const Result<QueryResult> refused = f.instant(text, options);
    CHECK(code(refused) == ErrorCode::kLimit);
    CHECK(refused.error().what().find("of memory (max_memory); select fewer series") !=
          std::string::npos);
  }
}

TEST_CASE("series that a query selects count towards its memory before any is read") {
  Fixture f;
  const std::uint64_t few = memory_needed(f, "m");
  for (int i = 0; i < 1000; ++i) {  // seen in the range, with nothing to show
    f.store.add({{"__name__", "m"}, {"old", std::to_string(i)}}, at(80), stale_nan());
  }
  const std::uint64_t many = memory_needed(f, "m");
  CHECK(many >= few + 1000 * sizeof(LabelSet));
  EngineOptions options;
  options.memory_bytes_max = many;
  CHECK(f.instant("m", options));
  CHECK(f.instant("count_over_time(m[50s])", options));
  options.memory_bytes_max = many - 1;
  CHECK(code(f.instant("m", options)) == ErrorCode::kLimit);
  options.memory_bytes_max = few;
  CHECK(code(f.instant("count_over_time(m[50s])", options)) == ErrorCode::kLimit);
}

TEST_CASE(
    "columns that a query reads count towards its memory, though one sample is left of them") {
  Fixture f;
  const std::uint64_t few = memory_needed(f, "last_over_time(m[100s])");
  for (int i = 0; i < 9000; ++i) f.store.add({{"__name__", "m"}, {"n", "1"}}, from_millis(i), i);
  const std::uint64_t many = memory_needed(f, "last_over_time(m[100s])");
  CHECK(many > few + 9000 * 16 - 1000);
  EngineOptions options;
  options.memory_bytes_max = many;
  CHECK(f.instant("last_over_time(m[100s])", options));
  --options.memory_bytes_max;
  CHECK(code(f.instant("last_over_time(m[100s])", options)) == ErrorCode::kLimit);
}

TEST_CASE("memory is given back: two halves need no more than one") {
  const Fixture f;
  const std::uint64_t one = memory_needed(f, "sum(max_over_time(m[60s:1s]))");
  const std::uint64_t two =
      memory_needed(f, "sum(max_over_time(m[60s:1s])) + sum(max_over_time(m[60s:1s]))");
  CHECK(two < one + one / 2);
}

TEST_CASE("series that show nothing at any step are not held") {
  Fixture f;
  EngineOptions options;
  options.samples_max = 14;  // ten of a series, and a row of each
  CHECK(f.instant("m", options));
  for (int i = 0; i < 50; ++i) {
    f.store.add({{"__name__", "m"}, {"old", std::to_string(i)}}, at(-200), 1);
    f.store.add({{"__name__", "m"}, {"old", std::to_string(i)}}, at(-190), stale_nan());
  }
  CHECK(f.instant("m", options));
}

TEST_CASE("a regex over its budget is refused before it runs, and the error names it") {
  std::string pattern;
  for (int i = 0; i < 15; ++i) pattern += "[a-z0-9]{1,900}";
  for (const std::string& text : {"m{n=~\"" + pattern + "\"}", "m{n!~\"" + pattern + "\"}",
                                  "label_replace(m, \"a\", \"b\", \"n\", \"" + pattern + "\")"}) {
    const Fixture f;
    const Result<QueryResult> refused = f.instant(text, {});
    REQUIRE_MESSAGE(!refused, text);
    CHECK_MESSAGE(refused.error().what().find("regular expression compiles to more than 10000") !=
                      std::string::npos,
                  text);
  }
}

TEST_CASE("a subquery of more steps than samples allowed is refused at once") {
  const Fixture f;
  CHECK(code(f.instant("sum_over_time(vector(1)[10y:1ms])", {})) == ErrorCode::kLimit);
}

TEST_CASE("a stopped query ends as unavailable, one that is not stopped goes on") {
  const Fixture f;
  storage::StopFlag stop;
  QueryRequest request;
  request.stop = &stop;
  CHECK(f.instant("m", {}, request));
  stop.stop = true;
  const Result<QueryResult> result = f.instant("m", {}, request);
  CHECK(code(result) == ErrorCode::kUnavailable);
  CHECK(result.error().what() == "query was canceled in expression evaluation");
}

// A clock that moves on by itself, one millisecond each time it is read.
class RunningClock final : public Clock {
 public:
  Timestamp now() const override { return {}; }
  Instant elapsed() const override { return Instant(std::chrono::milliseconds(++reads_)); }

 private:
  mutable int reads_ = 0;
};

TEST_CASE("a query within its time is answered, one past it times out") {
  const Fixture f;
  const RunningClock clock;
  const Result<Query> query = Query::parse("sum(m) + sum(m)");
  REQUIRE(query);
  const Engine engine(f.store, clock, {});
  QueryRequest request;
  request.timeout = Duration(1000);
  CHECK(engine.instant(*query, at(90), request));
  request.timeout = Duration(3);
  const Result<QueryResult> result = engine.instant(*query, at(90), request);
  CHECK(code(result) == ErrorCode::kUnavailable);
  CHECK(result.error().what() == "query timed out in expression evaluation");
}

TEST_CASE("the request's lookback replaces the engine's") {
  Fixture f;
  QueryRequest request;
  CHECK(std::get<Vector>(f.instant("m offset -4m", {})->value).size() == 2);
  request.lookback_delta = Duration(60'000);
  CHECK(std::get<Vector>(f.instant("m offset -4m", {}, request)->value).empty());
}

}  // namespace
}  // namespace nines::promql
