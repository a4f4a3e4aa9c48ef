// Queries of one instant that have parts in common evaluate them once, and answer as they do alone.
#include "rules/promql/shared_results.h"

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "rules/promql/engine.h"
#include "rules/promql/internal/shared_parts.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

constexpr Timestamp at(std::int64_t seconds) {
  return from_millis(seconds * 1000);
}

// Everything of an answer, to the bit.
std::string text_of(const Result<QueryResult>& result) {
  if (!result) return std::string("error: ") + result.error().what();
  std::string text;
  if (const auto* scalar = std::get_if<Scalar>(&result->value))
    text += std::to_string(std::bit_cast<std::uint64_t>(scalar->value));
  if (const auto* vector = std::get_if<Vector>(&result->value)) {
    for (const VectorSample& sample : *vector) {
      text += sample.labels.to_string() + "=" +
              std::to_string(std::bit_cast<std::uint64_t>(sample.value)) + "@" +
              std::to_string(to_millis(sample.at));
      if (sample.histogram) {
        const Histogram& h = *sample.histogram;
        text += " histogram " + std::to_string(h.schema) + " " + std::to_string(h.sum) + " " +
                std::to_string(h.count) + " " + std::to_string(static_cast<int>(h.reset_hint));
        for (const double bucket : h.positive_buckets) text += "," + std::to_string(bucket);
      }
      text += ";";
    }
  }
  for (const std::string& warning : result->warnings) text += " W " + warning;
  for (const std::string& info : result->infos) text += " I " + info;
  return text;
}

Histogram histogram(double count) {
  Histogram h;
  h.schema = 0;
  h.count = count;
  h.sum = 3 * count;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {count / 2, count / 2};
  return h;
}

struct Fixture {
  Fixture() {
    for (int i = 0; i <= 12; ++i) {
      for (int n = 1; n <= 4; ++n) {
        const std::string name = std::to_string(n);
        store.add({{"__name__", "m_total"}, {"n", name}, {"job", n % 2 ? "a" : "b"}}, at(i * 10),
                  i * n + (i > 6 ? -5.0 : 0.0));
        store.add({{"__name__", "gauge"}, {"n", name}}, at(i * 10), std::sin(i * n));
      }
      store.add({{"__name__", "h"}, {"n", "1"}}, at(i * 10), histogram(4.0 * i));
      store.add({{"__name__", "mixed"}, {"n", "1"}}, at(i * 10), i);
      store.add({{"__name__", "mixed"}, {"n", "2"}}, at(i * 10), histogram(2.0 * i));
      store.add({{"__name__", "b_bucket"}, {"le", "1"}, {"n", "1"}}, at(i * 10), i);
      store.add({{"__name__", "b_bucket"}, {"le", "+Inf"}, {"n", "1"}}, at(i * 10), 2 * i);
      store.add({{"__name__", "ended"}, {"n", "1"}}, at(i * 10), i == 12 ? stale_nan() : i);
      store.add({{"__name__", "ended"}, {"n", "2"}}, at(i * 10), i);
    }
    store.add({{"__name__", "target_info"}, {"job", "a"}, {"instance", "x"}, {"v", "2"}}, at(120),
              1);
  }
  void parse(const std::vector<std::string>& texts) {
    queries.clear();
    for (const std::string& text : texts) {
      auto query = Query::parse(text);
      REQUIRE_MESSAGE(query, text);
      queries.push_back(*std::move(query));
    }
  }
  std::string one(const Query& query, SharedResults* shared, std::int64_t when = 120) {
    QueryRequest request;
    request.shared = shared;
    const auto result = Engine(store, clock, options).instant(query, at(when), request);
    if (result) decoded += result->stats.samples;
    return text_of(result);
  }
  // The answers of all, one query after the other.
  std::vector<std::string> ask(SharedResults* shared) {
    std::vector<std::string> out;
    for (const Query& query : queries) out.push_back(one(query, shared));
    return out;
  }
  void share(SharedResults& shared) {
    for (const Query& query : queries) shared.add(query);
  }

  testing::MemoryMetrics store;
  testing::SimClock clock{at(120)};
  EngineOptions options;
  std::vector<Query> queries;
  std::uint64_t decoded = 0;
};

}  // namespace

TEST_CASE("whatever queries share, each answers as it does alone, to the bit") {
  const std::vector<std::string> vectors{"m_total",
                                         "m_total{n=~\"1|2\"}",
                                         "m_total offset 20s",
                                         "m_total @ 50",
                                         "m_total @ start()",
                                         "gauge @ end() offset -10s",
                                         "ended",
                                         "h",
                                         "mixed",
                                         "nothing",
                                         "rate(m_total[1m])",
                                         "rate(m_total[1m] offset 30s)",
                                         "rate(m_total[1m] @ 100)",
                                         "increase(gauge[1m])",
                                         "rate(mixed[1m])",
                                         "rate(h[1m])",
                                         "avg_over_time(gauge[50s])",
                                         "last_over_time(ended[1m])",
                                         "quantile_over_time(0.5, gauge[1m])",
                                         "quantile_over_time(2, gauge[1m])",
                                         "max_over_time(rate(m_total[30s])[1m:10s])",
                                         "sum_over_time((m_total > 3)[40s:10s])",
                                         "last_over_time(m_total[1m:10s] @ start())",
                                         "sum by (job) (m_total)",
                                         "sum(rate(m_total[1m]))",
                                         "avg without (n) (mixed)",
                                         "topk(2, gauge)",
                                         "bottomk(1, rate(m_total[1m]))",
                                         "limitk(2, m_total)",
                                         "count_values(\"v\", m_total)",
                                         "quantile(0.3, gauge)",
                                         "histogram_quantile(0.9, rate(h[1m]))",
                                         "histogram_quantile(0.9, b_bucket)",
                                         "histogram_count(h)",
                                         "histogram_avg(rate(h[1m]))",
                                         "label_replace(m_total, \"n\", \"x$1\", \"n\", \"(.*)\")",
                                         "label_replace(m_total, \"n\", \"same\", \"n\", \".*\")",
                                         "absent(nothing)",
                                         "absent_over_time(nothing{n=\"1\"}[1m])",
                                         "timestamp(m_total)",
                                         "sort_desc(gauge)",
                                         "abs(gauge)",
                                         "round(gauge, 0.1)",
                                         "clamp_max(m_total, 3)",
                                         "vector(time())",
                                         "m_total / on (n) gauge",
                                         "m_total - ignoring (job) group_left () gauge",
                                         "m_total and on (n) gauge > 0",
                                         "m_total or gauge",
                                         "m_total unless on (n) gauge",
                                         "gauge == bool 0",
                                         "-m_total",
                                         "info(m_total)",
                                         "{__name__=~\"m_.*|gauge\"}"};
  for (const std::string& v : vectors) {
    const std::string e = "(" + v + ")";
    const std::vector<std::string> texts{v,
                                         e + " > 1",
                                         e + " > 1.0000000000000002",
                                         "2 < " + e,
                                         e + " * 2 >= 3",
                                         e + " != 0.5",
                                         e + " == bool 1",
                                         "sum(" + v + ")",
                                         "sum by (n) (" + v + ") > 2",
                                         "count without (job) " + e,
                                         "topk(1, " + v + ")",
                                         "quantile(0.5, " + v + ")",
                                         "stddev(" + v + " > 0)",
                                         "-" + e + " < 0",
                                         e + " + on (n, le, v) " + e,
                                         e + " > 1 or " + e + " < 0",
                                         "max_over_time(" + e + "[30s:10s])",
                                         "absent" + e,
                                         "scalar" + e,
                                         "timestamp" + e,
                                         "ceil" + e + " > 2",
                                         "histogram_sum" + e};
    Fixture f;
    f.parse(texts);
    const std::vector<std::string> alone = f.ask(nullptr);
    SharedResults shared(1u << 20);
    f.share(shared);
    const std::vector<std::string> together = f.ask(&shared);
    for (std::size_t i = 0; i < alone.size(); ++i) CHECK_MESSAGE(together[i] == alone[i], texts[i]);
    // Once more, in the other order: now the later ones come first.
    shared.clear();
    for (std::size_t i = alone.size(); i-- > 0;)
      CHECK_MESSAGE(f.one(f.queries[i], &shared) == alone[i], texts[i]);
  }
}

TEST_CASE("what is shared is read once") {
  Fixture f;
  f.parse({"rate(m_total[1m]) > 0.1", "rate(m_total[1m]) > 0.15", "sum(rate(m_total[1m])) > 0",
           "sum(rate(m_total[1m])) > 1000"});
  f.ask(nullptr);
  const std::uint64_t alone = f.decoded;
  f.decoded = 0;
  SharedResults shared(1u << 20);
  f.share(shared);
  f.ask(&shared);
  CHECK(f.decoded * 4 == alone);
}

TEST_CASE("what is shared is of one instant, and of the store before a write") {
  Fixture f;
  f.parse({"sum(m_total)", "sum(m_total) > 0"});
  SharedResults shared(1u << 20);
  f.share(shared);
  const std::string before = f.one(f.queries[0], &shared);
  CHECK(f.one(f.queries[0], &shared, 80) != before);
  CHECK(f.one(f.queries[0], &shared) == before);
  f.store.add({{"__name__", "m_total"}, {"n", "9"}}, at(120), 100);
  CHECK(f.one(f.queries[0], &shared) == before);
  shared.wrote("other");
  CHECK(f.one(f.queries[0], &shared) == before);
  shared.wrote("m_total");
  CHECK(f.one(f.queries[0], &shared) == f.one(f.queries[0], nullptr));
  CHECK(f.one(f.queries[0], &shared) != before);
}

TEST_CASE("a write is seen by every selector that may read it, whatever it says of the name") {
  for (const char* selector :
       {"{n=\"9\"}", "{__name__=~\"n.*\"}", "{__name__!=\"gauge\",n=\"9\"}", "new", "new offset 0s",
        "last_over_time(new[1m])", "sum_over_time(new[1m:10s])", "info(vector(1), {n=\"9\"})"}) {
    Fixture f;
    const std::string text = "sum(" + std::string(selector) + " or vector(0))";
    f.parse({text, text + " > -1"});
    SharedResults shared(1u << 20);
    f.share(shared);
    f.one(f.queries[0], &shared);
    f.store.add({{"__name__", "new"}, {"n", "9"}}, at(120), 100);
    shared.wrote("new");
    CHECK_MESSAGE(f.one(f.queries[1], &shared) == f.one(f.queries[1], nullptr), selector);
  }
}

TEST_CASE("a query with something to say says it each time, at its own place") {
  Fixture f;
  f.parse({"rate(gauge[1m]) > 0", "0 < rate(gauge[1m])"});
  SharedResults shared(1u << 20);
  f.share(shared);
  const std::vector<std::string> together = f.ask(&shared);
  CHECK(together == f.ask(nullptr));
  CHECK(together[0].find(" I ") != std::string::npos);
}

TEST_CASE("results past the limit are not kept, those of exactly the limit are") {
  Fixture f;
  f.parse({"rate(m_total[1m])", "rate(m_total[1m])"});
  SharedResults probe(1u << 20);
  f.share(probe);
  f.one(f.queries[0], &probe);
  const std::uint64_t bytes = probe.parts().bytes_held();
  REQUIRE(bytes > 0);
  for (const bool fits : {true, false}) {
    SharedResults shared(fits ? bytes : bytes - 1);
    f.share(shared);
    const std::string first = f.one(f.queries[0], &shared);
    f.decoded = 0;
    CHECK(f.one(f.queries[1], &shared) == first);
    CHECK((f.decoded == 0) == fits);
    CHECK(shared.parts().find(f.queries[0].expr()).has_value() == fits);
    shared.clear();
    CHECK(shared.parts().bytes_held() == 0);
    CHECK(shared.parts().find(f.queries[0].expr()));
  }
  SharedResults none(0);
  f.share(none);
  CHECK_FALSE(none.parts().find(f.queries[0].expr()));
}

TEST_CASE("what does not fit a query without its filter is evaluated with it") {
  Fixture f;
  f.parse({"m_total > 40", "m_total > 41"});
  f.options.memory_bytes_max = 900;
  const std::vector<std::string> alone = f.ask(nullptr);
  SharedResults shared(1u << 20);
  f.share(shared);
  CHECK(f.ask(&shared) == alone);
}

TEST_CASE("a query that nobody added, and a range, share nothing") {
  Fixture f;
  f.parse({"sum(m_total)", "sum(m_total)"});
  SharedResults shared(1u << 20);
  shared.add(f.queries[0]);
  CHECK_FALSE(shared.parts().find(f.queries[0].expr()));
  shared.add(f.queries[1]);
  CHECK(shared.parts().find(f.queries[0].expr()));
  QueryRequest request;
  request.shared = &shared;
  REQUIRE(Engine(f.store, f.clock, {})
              .range(f.queries[0], at(100), at(120), Duration(10'000), request));
  CHECK(shared.parts().bytes_held() == 0);
}

}  // namespace nines::promql
