// Rows that a comparison with a scalar drops are not made: what is left is the same.
#include <cmath>
#include <limits>
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

struct Fixture {
  Fixture() {
    for (int i = 0; i < 10; ++i) {
      for (int n = 0; n < 4; ++n) {
        store.add({{"__name__", "g"}, {"n", std::to_string(n)}}, at(i * 10),
                  n == 3 ? 9.0 - i : n * i);
      }
      store.add({{"__name__", "g"}, {"n", "nan"}}, at(i * 10), std::nan(""));
      store.add({{"__name__", "g"}, {"n", "inf"}}, at(i * 10),
                std::numeric_limits<double>::infinity());
    }
    store.add({{"__name__", "g"}, {"n", "early"}}, at(10), 100);
  }
  Result<QueryResult> instant(const std::string& text, EngineOptions options = {}) {
    const auto query = Query::parse(text);
    REQUIRE_MESSAGE(query, text);
    return Engine(store, clock, options).instant(*query, at(90));
  }
  std::string at_once(const std::string& text) {
    const auto result = instant(text);
    REQUIRE_MESSAGE(result, text);
    std::string out;
    for (const VectorSample& sample : std::get<Vector>(result->value))
      out += sample.labels.to_string() + "=" + std::to_string(sample.value) + "\n";
    return out;
  }
  std::string over_time(const std::string& text) {
    const auto query = Query::parse(text);
    REQUIRE_MESSAGE(query, text);
    const auto result = Engine(store, clock, {}).range(*query, at(0), at(90), Duration(10'000));
    REQUIRE_MESSAGE(result, text);
    std::string out;
    for (const MatrixSeries& series : std::get<Matrix>(result->value)) {
      out += series.labels.to_string() + ":";
      for (std::size_t i = 0; i < series.samples.size(); ++i)
        out += " " + std::to_string(series.samples.times[i]) + "=" +
               std::to_string(series.samples.values[i]);
      out += "\n";
    }
    return out;
  }
  testing::MemoryMetrics store;
  testing::SimClock clock{Timestamp{}};
};

// last_over_time() has the values of its selector, but all its rows are made.
std::string made(std::string text) {
  const std::string from = "g{n=~\".+\"}";
  text.replace(text.find(from), from.size(), "last_over_time(g{n=~\".+\"}[5m])");
  return text;
}

TEST_CASE("a selector compared with a scalar keeps what a function's rows keep") {
  Fixture f;
  for (const char* op : {">", "<", ">=", "<=", "==", "!="}) {
    for (const char* scalar : {"9", "0", "NaN", "Inf", "(time() / 10)", "scalar(g{n=\"1\"})"}) {
      const std::string vector = "g{n=~\".+\"}";
      for (const std::string& text :
           {vector + op + scalar, scalar + std::string(op) + vector,
            "(" + vector + ")" + op + scalar, vector + op + "bool " + scalar}) {
        CAPTURE(text);
        CHECK(f.at_once(text) == f.at_once(made(text)));
        CHECK(f.over_time(text) == f.over_time(made(text)));
      }
    }
  }
  CHECK(f.at_once("g >= 18 < 100") == "g{n=\"2\"}=18.000000\n");
}

TEST_CASE("histograms are no floats: the comparison drops them, and says so") {
  Fixture f;
  Histogram histogram;
  histogram.count = 1;
  histogram.sum = 1;
  f.store.add({{"__name__", "h"}, {"n", "1"}}, at(90), histogram);
  f.store.add({{"__name__", "h"}, {"n", "2"}}, at(90), 5);
  const auto result = f.instant("h > 1");
  REQUIRE(result);
  CHECK(std::get<Vector>(result->value).size() == 1);
  CHECK(result->infos.size() == 1);
}

TEST_CASE("what a comparison drops is not held") {
  Fixture f;
  for (int n = 0; n < 100; ++n)
    f.store.add({{"__name__", "many"}, {"n", std::to_string(n)}}, at(90), n);
  EngineOptions few;
  few.samples_max = 20;
  CHECK_FALSE(f.instant("many", few));
  const auto result = f.instant("many > 97", few);
  REQUIRE(result);
  CHECK(std::get<Vector>(result->value).size() == 2);
}

}  // namespace
}  // namespace nines::promql
