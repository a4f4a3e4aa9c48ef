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
    if (!result) return std::string(result.error().what());
    std::string out;
    for (const VectorSample& sample : std::get<Vector>(result->value))
      out += sample.labels.to_string() + "=" + std::to_string(sample.value) + "\n";
    return out;
  }
  std::string over_time(const std::string& text) {
    const auto query = Query::parse(text);
    REQUIRE_MESSAGE(query, text);
    const auto result = Engine(store, clock, {}).range(*query, at(0), at(90), Duration(10'000));
    if (!result) return std::string(result.error().what());
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

// Changes no label, but all rows of `vector` are made.
std::string made(const std::string& vector) {
  return "label_replace(" + vector + ", \"x\", \"\", \"x\", \"none\")";
}

void check_against_all_rows(Fixture& f, const std::string& vector) {
  for (const char* op : {">", "<", ">=", "<=", "==", "!="}) {
    for (const char* scalar : {"9", "0", "NaN", "Inf", "(time() / 10)", "scalar(g{n=\"1\"})"}) {
      const auto compared = [&](const std::string& what) {
        return std::vector{what + op + scalar, scalar + std::string(op) + what,
                           what + op + "bool " + scalar};
      };
      const std::vector<std::string> texts = compared("(" + vector + ")");
      const std::vector<std::string> all = compared(made(vector));
      for (std::size_t i = 0; i < texts.size(); ++i) {
        CAPTURE(texts[i]);
        CHECK(f.at_once(texts[i]) == f.at_once(all[i]));
        CHECK(f.over_time(texts[i]) == f.over_time(all[i]));
      }
    }
  }
}

TEST_CASE("a selector compared with a scalar keeps what stands the comparison") {
  Fixture f;
  check_against_all_rows(f, "g{n=~\".+\"}");
  CHECK(f.at_once("g >= 18 < 100") == "g{n=\"2\"}=18.000000\n");
}

TEST_CASE("so do functions of ranges, arithmetic with scalars, and both of them") {
  Fixture f;
  for (const char* vector : {"rate(g[1m])", "last_over_time(g[1m])", "max_over_time(g[30s])",
                             "predict_linear(g[1m], 60)", "g * 2 - 1", "10 - g",
                             "100 - g / 4 * 100", "(2 * rate(g[1m])) ^ 2", "g % (time() / 5)",
                             "g - 3", "-g", "max_over_time((g * 2)[30s:10s])"}) {
    check_against_all_rows(f, vector);
  }
  // What a function has to say is said of rows that are dropped, too.
  CHECK(f.instant("rate(g[1m]) > 1000")->infos.size() == 1);
}

TEST_CASE("so does arithmetic between vectors, however their series meet") {
  Fixture f;
  for (int n = 0; n < 4; ++n) {
    f.store.add({{"__name__", "most"}, {"n", std::to_string(n)}}, at(80), 10);
    f.store.add({{"__name__", "zone"}, {"n", std::to_string(n)}, {"z", n < 2 ? "a" : "b"}}, at(80),
                n + 1);
  }
  f.store.add({{"__name__", "most"}, {"n", "4"}}, at(80), 10);
  // Two rows of one group, one after the other.
  f.store.add({{"__name__", "turn"}, {"n", "3"}, {"it", "1"}}, at(10), 3);
  f.store.add({{"__name__", "turn"}, {"n", "3"}, {"it", "1"}}, at(40), stale_nan());
  f.store.add({{"__name__", "turn"}, {"n", "3"}, {"it", "2"}}, at(50), 40);
  for (const char* vector :
       {"g / most", "g / most * 100", "1 - g / most", "g / on (n) zone", "zone / ignoring (z) g",
        "zone * on (n) group_left () most", "g * on (n) group_right (z) zone", "zone / (zone + 1)",
        "g + g", "most - most{n!=\"4\"}", "g / on (n) fill (1) most", "turn / on (n) g",
        "turn / ignoring (it) g", "g / on (n) {__name__=~\"g|most\"}"}) {
    check_against_all_rows(f, vector);
  }
}

TEST_CASE("a comparison hides no error of the matching below it") {
  Fixture f;
  for (const char* name : {"a", "b"}) {
    f.store.add({{"__name__", "left"}, {"__type__", name}, {"n", "1"}}, at(90), 1);
    f.store.add({{"__name__", "right"}, {"__type__", name}, {"n", "1"}}, at(90), 1);
    f.store.add({{"__name__", name}, {"n", "1"}}, at(90), 1);
  }
  for (const char* text :
       {"left / right > 5", "{__name__=~\"a|b\"} / on (__name__) {__name__=~\"a|b\"} > 5",
        "{__name__=~\"a|b\"} / b > 5", "a / {__name__=~\"a|b\"} > 5"}) {
    CAPTURE(text);
    CHECK_FALSE(f.instant(text));
  }
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
