// Queries that take long, of ten kinds, end soon after somebody wants them to.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "base/core/real_clock.h"
#include "doctest/doctest.h"
#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"

namespace nines::promql {
namespace {

constexpr std::int64_t kStep = 1000;
constexpr double kSoon = 100;       // ms: what is promised
constexpr double kUnderWatch = 10;  // times as much under a sanitizer or a debugger

double allowed() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return kSoon * kUnderWatch;
#else
  return kSoon;
#endif
}

struct Heavy {
  const char* name;
  const char* text;
};

// Each is far from its end after the 150 ms it is left to run.
constexpr Heavy kHeavy[] = {
    {"range query", "sum(rate(long[900s]) * 2 + exp(long) - sin(long) / cos(long))"},
    {"subquery", "max_over_time(deriv(long[60s:1s])[900s:1s])"},
    {"regex",
     "count(label_replace(wide + wide + wide, \"a\", \"$1-$2\", \"n\", \"(.*)(.+)(.*)\"))"},
    {"sort", "sort(wide + 1)"},
    {"sort by label", "sort_by_label(wide + 1, \"n\")"},
    {"topk", "topk(900, wide)"},
    {"count_values", "count_values(\"v\", wide)"},
    {"count_values of one series", "count_values(\"v\", sum(wide) * time())"},
    {"matching", "wide * on(n) wide + on(n) wide"},
    {"quantile", "quantile(0.5, wide)"},
    {"quantile over time", "quantile_over_time(0.5, long[900s])"},
    {"set operator", "wide and wide or wide unless wide"},
};

struct World {
  World() {
    for (int i = 0; i < 900; ++i) {
      for (int n = 0; n < 200; ++n) {
        store.add({{"__name__", "long"}, {"n", std::to_string(n)}}, from_millis(i * kStep),
                  std::fmod(i * 7919.0 + n, 1013));
      }
    }
    for (int n = 0; n < 6000; ++n) {
      store.add({{"__name__", "wide"}, {"n", std::to_string(n)}}, from_millis(0),
                std::fmod(n * 7919.0, 6007));
    }
  }
  testing::MemoryMetrics store;
  std::unique_ptr<Clock> clock = make_real_clock();
};

World& world() {
  static World made;  // for all cases: filling it takes a moment
  return made;
}

// How long after `stop` (or its timeout) the query went on, and how it ended.
struct Ended {
  double late_ms = 0;
  bool failed = false;
  std::string why;
};

double millis(Instant from, Instant to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

Ended run(const Heavy& heavy, bool by_timeout) {
  World& w = world();
  EngineOptions options;
  options.samples_max = 1'000'000'000;
  options.memory_bytes_max = 8ULL << 30;
  const Engine engine(w.store, *w.clock, options);
  const Result<Query> query = Query::parse(heavy.text);
  REQUIRE_MESSAGE(query, heavy.text);
  constexpr Duration kRuns{150};
  storage::StopFlag stop;
  QueryRequest request;
  request.stop = &stop;
  request.lookback_delta = Duration(4'000'000);
  if (by_timeout) request.timeout = kRuns;
  Instant wanted = w.clock->elapsed() + kRuns;
  std::atomic<bool> ended{false};
  std::thread killer;
  if (!by_timeout) {
    killer = std::thread([&] {
      std::this_thread::sleep_until(wanted);
      stop.stop = true;
    });
  }
  const Result<QueryResult> result =
      engine.range(*query, from_millis(0), from_millis(3'500'000), Duration(350), request);
  const Instant at = w.clock->elapsed();
  if (killer.joinable()) killer.join();
  return {millis(wanted, at), !result.has_value(), result ? "" : result.error().what()};
}

TEST_CASE("a heavy query ends within 100 ms after it was killed or its client hung up") {
  for (const Heavy& heavy : kHeavy) {
    Ended best = run(heavy, false);
    // Somebody else may have had the processor: the promise is about this program.
    for (int again = 0; again < 10 && best.late_ms >= allowed(); ++again) {
      best.late_ms = std::min(best.late_ms, run(heavy, false).late_ms);
    }
    MESSAGE(std::string(heavy.name) << ": " << best.late_ms << " ms");
    CHECK_MESSAGE(best.failed, std::string(heavy.name));
    CHECK_MESSAGE(best.why == "query was canceled in expression evaluation", std::string(heavy.name));
    CHECK_MESSAGE(best.late_ms < allowed(), std::string(heavy.name));
  }
}

TEST_CASE("the query of a rule does not wait behind those of people") {
  World& w = world();
  const Engine engine(w.store, *w.clock, {});
  storage::StopFlag stop;
  std::vector<std::thread> people;
  std::atomic<int> running{0};
  for (int i = 0; i < 4; ++i) {
    people.emplace_back([&] {
      setpriority(PRIO_PROCESS, 0, 10);  // as the workers that serve people
      const Result<Query> query = Query::parse("quantile_over_time(0.5, long[900s])");
      QueryRequest request;
      request.stop = &stop;
      ++running;
      while (!stop.stop) {
        const auto answer =
            engine.range(*query, from_millis(0), from_millis(3'500'000), Duration(350), request);
        CHECK_FALSE(answer);
      }
    });
  }
  while (running < 4) std::this_thread::yield();
  const Result<Query> rule = Query::parse("sum(rate(long[5m])) > 0");
  double best = 0;
  for (int turn = 0; turn < 10; ++turn) {  // what else runs on the machine is not the people's doing
    std::vector<double> took;
    for (int i = 0; i < 20; ++i) {
      const Instant began = w.clock->elapsed();
      CHECK(engine.instant(*rule, from_millis(800'000)));
      took.push_back(millis(began, w.clock->elapsed()));
    }
    std::sort(took.begin(), took.end());
    best = turn == 0 ? took[10] : std::min(best, took[10]);
    if (best < allowed()) break;
  }
  stop.stop = true;
  for (std::thread& person : people) person.join();
  MESSAGE("median " << best << " ms");
  CHECK(best < allowed());
}

TEST_CASE("a heavy query ends within 100 ms after its time") {
  for (const Heavy& heavy : kHeavy) {
    Ended best = run(heavy, true);
    for (int again = 0; again < 10 && best.late_ms >= allowed(); ++again) {
      best.late_ms = std::min(best.late_ms, run(heavy, true).late_ms);
    }
    CHECK_MESSAGE(best.failed, std::string(heavy.name));
    CHECK_MESSAGE(best.why == "query timed out in expression evaluation", std::string(heavy.name));
    CHECK_MESSAGE(best.late_ms < allowed(), std::string(heavy.name));
  }
}

}  // namespace
}  // namespace nines::promql
