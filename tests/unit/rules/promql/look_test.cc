// How long a query works between two looks at whether it is still wanted, in processor time: what
// its end waits for at most, however busy the machine is.
#include <algorithm>
#include <memory>
#include <string>

#include <time.h>

#include "base/core/clock.h"
#include "doctest/doctest.h"
#include "rules/promql/engine.h"
#include "tests/support/memory_metrics.h"

namespace nines::promql {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kGapMs = 400;
#else
constexpr double kGapMs = 60;  // of the 100 ms that are promised
#endif
constexpr int kSteps = 1'000;

// Every look of an evaluation asks for the time; this one notes what was done since the last.
class LookClock final : public Clock {
 public:
  Timestamp now() const override { return Timestamp{}; }
  Instant elapsed() const override {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    const double at =
        static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
    if (last_ >= 0) longest_ = std::max(longest_, at - last_);
    last_ = at;
    ++looks_;
    return Instant{};  // no query is late
  }
  void begin() { last_ = -1, longest_ = 0, looks_ = 0; }
  double longest_ms() const { return longest_; }
  long looks() const { return looks_; }

 private:
  mutable double last_ = -1;
  mutable double longest_ = 0;
  mutable long looks_ = 0;
};

struct World {
  World() {
    for (int n = 0; n < 1'000; ++n) {
      const std::string le = n == 999 ? "+Inf" : std::to_string(n);
      store.add({{"__name__", "b"}, {"le", le}, {"n", std::to_string(n)}}, from_millis(0), n);
      store.add({{"__name__", "one_bucket"}, {"le", le}}, from_millis(0), n);
    }
    Histogram h;
    h.count = 160;
    h.positive_spans = {{0, 160}};
    h.positive_buckets.assign(160, 1);
    for (int n = 0; n < 40; ++n)
      store.add({{"__name__", "h"}, {"n", std::to_string(n)}}, from_millis(0), h);
    for (int i = 0; i < 2'000; ++i) store.add({{"__name__", "longh"}}, from_millis(i * 1'000), h);
    for (int i = 0; i < 20'000; ++i)
      store.add({{"__name__", "long"}}, from_millis(i * 100), (i * 7919) % 1013);
  }
  testing::MemoryMetrics store;
};

}  // namespace

TEST_CASE("a query looks at whether it is wanted after a few milliseconds of work") {
  World w;
  LookClock clock;
  EngineOptions options;
  options.samples_max = 1'000'000'000;
  options.memory_bytes_max = 8ULL << 30;
  const Engine engine(w.store, clock, options);
  for (const char* const text : {
           "b",
           "b * 2",
           "b * on(n) group_left b",
           "b and b",
           "b or one_bucket",
           "sum by (n) (b)",
           "quantile(0.5, b)",
           "topk(10, b)",
           "limitk(900, b)",
           "limit_ratio(0.5, b)",
           "count_values(\"v\", b)",
           "absent(b)",
           "vector(scalar(b))",
           "sort_desc(b)",
           "timestamp(b)",
           "-b",
           "label_replace(b, \"c\", \"$1\", \"n\", \"(.*)\")",
           "histogram_quantile(0.9, one_bucket)",
           "histogram_fraction(1, 7, one_bucket)",
           "histogram_quantiles(one_bucket, \"q\", 0.1, 0.5, 0.9)",
           "histogram_quantile(0.9, b)",
           "histogram_quantile(0.9, h)",
           "histogram_stddev(h)",
           "histogram_count(longh)",
           "-h",
           "max(h)",
           "count_values(\"v\", h)",
           "sum_over_time(longh[200s])",
           "avg_over_time(longh[200s])",
           "rate(longh[200s])",
           "increase(longh[200s] anchored)",
           "delta(longh[200s] smoothed)",
           "changes(longh[200s])",
           "resets(longh[200s])",
           "sum(h)",
           "h + h",
           "h * 2",
           "h == h",
           "quantile_over_time(0.5, long[100s])",
           "mad_over_time(long[100s])",
           "stddev_over_time(long[100s])",
           "sum_over_time(long[100s])",
           "changes(long[100s] anchored)",
           "rate(long[100s] smoothed)",
           "predict_linear(long[100s], 5)",
           "max_over_time(long[200s:100ms])",
           "max_over_time(b[20s:1s])",
           "long",
       }) {
    const Result<Query> query = Query::parse(text);
    REQUIRE_MESSAGE(query, text);
    QueryRequest request;
    request.lookback_delta = Duration(10'000'000);
    double longest = 0;
    for (int turn = 0; turn < 3; ++turn) {  // a page fault or a cold cache is not the query's doing
      clock.begin();
      const Result<QueryResult> answer = engine.range(
          *query, from_millis(0), from_millis((kSteps - 1) * 500), Duration(500), request);
      REQUIRE_MESSAGE(answer, text);
      CHECK_MESSAGE(clock.looks() > 1, text);
      longest = turn == 0 ? clock.longest_ms() : std::min(longest, clock.longest_ms());
      if (longest < kGapMs) break;
    }
    MESSAGE(std::string(text) << ": " << longest << " ms");
    CHECK_MESSAGE(longest < kGapMs, text);
  }
}

}  // namespace nines::promql
