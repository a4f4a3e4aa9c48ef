// Queries that several threads share answer as one thread would, to the bit.

#include <atomic>
#include <bit>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/core/real_clock.h"
#include "doctest/doctest.h"
#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"
#include "tests/support/sim_clock.h"

namespace nines::promql {
namespace {

constexpr int kSeries = 700;
constexpr Duration kStep{30'000};

Timestamp at(std::int64_t seconds) {
  return from_millis(seconds * 1000);
}

// Counters with resets, gauges of sizes that do not add up exactly, holes, ends and a few
// histograms: what the order of additions or of messages would show in.
void fill(testing::MemoryMetrics& store) {
  Histogram h;
  h.positive_spans = {{0, 2}};
  for (int n = 0; n < kSeries; ++n) {
    const LabelSet labels{{"__name__", n % 3 == 0 ? "hits_total" : "load"},
                          {"group", std::to_string(n % 7)},
                          {"n", std::to_string(n)}};
    for (int i = 0; i < 40; ++i) {
      if ((n + i) % 11 == 0) continue;
      if (n % 50 == 49 && i > 20) {
        h.positive_buckets = {1.0 + i, 2.0};
        h.count = 3.0 + i;
        h.sum = 4.1;
        store.add(labels, at(i * 15), h);
      } else if (n % 13 == 5 && i == 30) {
        store.add(labels, at(i * 15), stale_nan());
      } else {
        store.add(labels, at(i * 15), (i % 17) * 0.1 * n + 1e9 / (n + 1));
      }
    }
  }
}

const testing::MemoryMetrics& filled() {
  static const auto* const store = [] {
    auto* made = new testing::MemoryMetrics;  // NOLINT: lives as long as the program
    fill(*made);
    return made;
  }();
  return *store;
}

// Tasks begin when the test says so, if ever.
class LateExecutor final : public Executor {
 public:
  bool post(std::function<void()> task) override {
    tasks.push_back(std::move(task));
    return true;
  }
  std::vector<std::function<void()>> tasks;
};

class FullExecutor final : public Executor {
 public:
  bool post(std::function<void()>) override { return false; }
};

struct Asked {
  const testing::MemoryMetrics& store = filled();
  testing::SimClock clock{Timestamp{}};

  Result<QueryResult> operator()(const std::string& text, Executor* helpers, bool range,
                                 EngineOptions options = {},
                                 const storage::StopFlag* stop = nullptr) const {
    options.threads = 4;
    NINES_TRY(const Query query, Query::parse(text));
    const Engine engine(store, clock, options, helpers);
    QueryRequest request;
    request.helpers = helpers != nullptr;
    request.stop = stop;
    if (range) return engine.range(query, at(60), at(600), kStep, request);
    return engine.instant(query, at(580), request);
  }
};

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool same_histograms(const HistogramPtr& a, const HistogramPtr& b) {
  return (a == nullptr) == (b == nullptr) && (a == nullptr || *a == *b);
}

bool same(const SampleColumns& a, const SampleColumns& b) {
  if (a.times != b.times || a.histograms.size() != b.histograms.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same_bits(a.values[i], b.values[i])) return false;
    if (!a.histograms.empty() && !same_histograms(a.histograms[i], b.histograms[i])) return false;
  }
  return true;
}

bool same(const Value& a, const Value& b) {
  if (const auto* vector = std::get_if<Vector>(&a)) {
    const auto& other = std::get<Vector>(b);
    if (vector->size() != other.size()) return false;
    for (std::size_t i = 0; i < vector->size(); ++i) {
      const VectorSample& x = (*vector)[i];
      const VectorSample& y = other[i];
      if (x.labels != y.labels || !same_bits(x.value, y.value)) return false;
      if (!same_histograms(x.histogram, y.histogram)) return false;
    }
    return true;
  }
  const auto& matrix = std::get<Matrix>(a);
  const auto& other = std::get<Matrix>(b);
  if (matrix.size() != other.size()) return false;
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    if (matrix[i].labels != other[i].labels || !same(matrix[i].samples, other[i].samples))
      return false;
  }
  return true;
}

const std::vector<std::string> kQueries = {
    "load",
    "rate(hits_total[2m])",
    "sum(rate(hits_total[2m]))",
    "sum by (group) (load)",
    "avg(load)",
    "stddev(load)",
    "avg without (n) (avg_over_time(load[1m]))",
    "max by (group) (max_over_time(load[1m]))",
    "topk(5, load)",
    "bottomk by (group) (2, rate(hits_total[2m]))",
    "quantile(0.7, load)",
    "quantile by (group) (0.3, rate(load[3m]))",
    "count({__name__=~\".+\"})",
    "sum({__name__=~\"load|hits_total\"})",
    "sum_over_time(load[2m])",
    "changes(load[3m])",
    "predict_linear(load[3m], 60)",
    "increase(load[2m] anchored)",
    "timestamp(load)",
    "max_over_time(sum(rate(hits_total[1m]))[3m:30s])",
    "sum by (group) (rate(hits_total[2m])) / on (group) count by (group) (load)",
};

TEST_CASE("several threads give what one gives, in its order, with its messages") {
  const Asked ask;
  const auto pool = make_thread_pool("help", 3, 1000);
  FullExecutor full;
  for (const std::string& text : kQueries) {
    for (const bool range : {false, true}) {
      CAPTURE(text);
      CAPTURE(range);
      const auto alone = ask(text, nullptr, range);
      REQUIRE(alone);
      for (Executor* helpers :
           {static_cast<Executor*>(pool.get()), static_cast<Executor*>(&full)}) {
        const auto shared = ask(text, helpers, range);
        REQUIRE(shared);
        CHECK(same(alone->value, shared->value));
        CHECK(alone->warnings == shared->warnings);
        CHECK(alone->infos == shared->infos);
        CHECK(alone->stats.samples == shared->stats.samples);
        CHECK(alone->stats.series == shared->stats.series);
      }
    }
  }
}

TEST_CASE("helpers that come when all is done touch nothing") {
  const Asked ask;
  LateExecutor late;
  for (const std::string& text : kQueries) {
    CAPTURE(text);
    const auto alone = ask(text, nullptr, true);
    const auto shared = ask(text, &late, true);
    REQUIRE(shared);
    CHECK(same(alone->value, shared->value));
  }
  CHECK(!late.tasks.empty());
  for (const std::function<void()>& task : late.tasks) task();
}

TEST_CASE("an error is the same whoever meets it first") {
  const Asked ask;
  const auto pool = make_thread_pool("help", 3, 1000);
  EngineOptions small;
  small.samples_max = 20'000;
  const std::vector<std::pair<std::string, EngineOptions>> asked = {
      {"double_exponential_smoothing(load[2m], 2, 0.5)", {}},
      {"rate({__name__=~\"load|hits_total\"}[2m]) * 2 + load", small},
  };
  for (const auto& row : asked) {
    const auto& text = row.first;
    const auto& options = row.second;
    CAPTURE(text);
    const auto alone = ask(text, nullptr, true, options);
    for (int turn = 0; turn < 5; ++turn) {
      const auto shared = ask(text, pool.get(), true, options);
      REQUIRE(!alone);
      REQUIRE(!shared);
      CHECK(alone.error().code() == shared.error().code());
      CHECK(alone.error().what() == shared.error().what());
    }
  }
}

TEST_CASE("a stopped query ends on every thread") {
  const Asked ask;
  const auto pool = make_thread_pool("help", 3, 1000);
  storage::StopFlag stop;
  stop.stop = true;
  const auto result = ask("sum(rate(load[2m]))", pool.get(), true, {}, &stop);
  REQUIRE(!result);
  CHECK(result.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("many queries at once share the helpers") {
  const Asked ask;
  std::atomic<int> right = 0;
  std::atomic<int> done = 0;
  const auto pool = make_thread_pool("help", 2, 1000);
  const auto askers = make_thread_pool("ask", 4, 1000);
  const auto alone = ask("sum by (group) (rate(hits_total[2m]))", nullptr, true);
  REQUIRE(alone);
  constexpr int kTurns = 64;
  for (int i = 0; i < kTurns; ++i) {
    REQUIRE(askers->post([&] {
      const auto shared = ask("sum by (group) (rate(hits_total[2m]))", pool.get(), true);
      if (shared && same(alone->value, shared->value)) ++right;
      ++done;
      done.notify_all();
    }));
  }
  for (int seen = done; seen != kTurns; seen = done) done.wait(seen);
  CHECK(right == kTurns);
}

}  // namespace
}  // namespace nines::promql
