// Latencies counted from native histograms.
#include <cmath>

#include <doctest/doctest.h>

#include "rules/slo/internal/native_count.h"
#include "tests/unit/rules/slo/bench.h"

using namespace nines;
using namespace nines::slo;

namespace {

// Buckets first, first + 1, ... of a schema.
Histogram exponential(int schema, int first, std::vector<double> buckets, double zero = 0) {
  Histogram h;
  h.schema = schema;
  h.zero_threshold = 1e-9;
  h.zero_count = zero;
  h.positive_spans = {{first, static_cast<std::uint32_t>(buckets.size())}};
  h.positive_buckets = std::move(buckets);
  h.count = zero;
  for (const double count : h.positive_buckets) h.count += count;
  h.sum = h.count;
  return h;
}

Histogram custom(std::vector<double> bounds, std::vector<double> buckets) {
  Histogram h = exponential(kCustomBucketsSchema, 0, std::move(buckets));
  h.zero_threshold = 0;
  h.custom_values = std::move(bounds);
  return h;
}

SloConfig latency(double threshold) {
  SloConfig slo = make_slo();
  slo.indicator = {};
  slo.indicator.kind = IndicatorKind::kLatencyNative;
  slo.indicator.total = "latency_seconds";
  slo.indicator.threshold = threshold;
  return slo;
}
const LabelSet kSeries{{"__name__", "latency_seconds"}, {"instance", "a"}, {"job", "shop"}};

}  // namespace

TEST_CASE("a threshold that is a bucket bound gives exact counts") {
  // Schema 0: (0.5, 1] is bucket 0, (1, 2] bucket 1, (2, 4] bucket 2.
  const Histogram h = exponential(0, -1, {1, 2, 4, 8}, 16);
  for (const auto& [threshold, good] :
       std::vector<std::pair<double, double>>{{0.25, 16}, {0.5, 17}, {1, 19}, {2, 23}, {4, 31}}) {
    const NativeIncrease all = whole(h, threshold);
    CHECK(all.events == 31);
    CHECK(all.good == good);
    CHECK_FALSE(all.interpolated);
  }
  // 2^-1.5, in decimals.
  const NativeIncrease fine = whole(exponential(1, -3, {3, 5}), 0.35355339059327373);
  CHECK(fine.good == 3);
  CHECK_FALSE(fine.interpolated);
}

TEST_CASE("any other threshold cuts a bucket on the scale of its buckets, and says so") {
  const NativeIncrease cut = whole(exponential(0, 1, {100, 10}), std::sqrt(2.0));
  CHECK(cut.good == doctest::Approx(50));
  CHECK(cut.interpolated);
  const NativeIncrease linear = whole(custom({1, 2, 4}, {10, 20, 40, 80}), 2.5);
  CHECK(linear.good == 30 + 10);
  CHECK(linear.interpolated);
  CHECK(whole(custom({1, 2, 4}, {10, 20, 40, 80}), 2).good == 30);
  CHECK_FALSE(whole(custom({1, 2, 4}, {10, 20, 40, 80}), 2).interpolated);
  CHECK(whole(custom({1, 2, 4}, {10, 20, 40, 80}), 0.5).good == 5);
  CHECK(whole(custom({1, 2, 4}, {10, 20, 40, 80}), 100).good == 70);  // above is never below
  // A cut bucket in which nothing was counted leaves nothing to guess.
  CHECK_FALSE(increase(exponential(0, 1, {100, 10}), exponential(0, 1, {100, 30}), 1.5, false)
                  .interpolated);
}

TEST_CASE("the zero bucket is below, or cut itself") {
  Histogram h = exponential(0, 2, {5}, 8);
  h.zero_threshold = 1;
  CHECK(whole(h, 1).good == 8);
  CHECK(whole(h, 0.25).good == 2);
  CHECK(whole(h, 0.25).interpolated);
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {3};
  h.count += 3;
  CHECK(whole(h, 0.5).good == 3 + 6);
}

TEST_CASE("a histogram that fell, or became finer, began anew") {
  const Histogram before = exponential(0, 1, {10, 10});
  CHECK_FALSE(is_reset(before, exponential(0, 1, {10, 11})));
  CHECK_FALSE(is_reset(before, exponential(0, 0, {1, 10, 10})));
  CHECK(is_reset(before, exponential(0, 1, {10, 5})));
  CHECK(is_reset(before, exponential(0, 1, {9, 20})));  // more in all, less in one
  CHECK(is_reset(before, exponential(1, 1, {10, 10, 10})));
  CHECK(is_reset(before, custom({1}, {30, 30})));
  CHECK(is_reset(custom({1}, {1, 1}), custom({2}, {1, 1})));
  Histogram told = exponential(0, 1, {10, 11});
  told.reset_hint = ResetHint::kReset;
  CHECK(is_reset(before, told));
  // Coarser: two buckets of schema 1 are one of schema 0.
  CHECK_FALSE(is_reset(exponential(1, 1, {10, 10}), exponential(0, 1, {21})));
  CHECK(is_reset(exponential(1, 1, {10, 10}), exponential(0, 1, {19, 10})));
  CHECK(increase(exponential(1, 1, {10, 10}), exponential(0, 1, {23, 4}), 2, false).good == 3);
  // The zero bucket took others in.
  Histogram wide = exponential(0, 2, {10}, 10);
  wide.zero_threshold = 2;
  CHECK_FALSE(is_reset(before, wide));
  CHECK(increase(before, exponential(0, 1, {3, 4}), 2, false).events == 7);
}

TEST_CASE("the ledger counts the growth of native histograms, restarts and newcomers included") {
  Bench b;
  b.boot({latency(2)});
  b.metrics.add(up(), at(0), 1);
  b.metrics.add(kSeries, at(15), exponential(0, 1, {10, 5}));  // younger than its target
  b.metrics.add(kSeries, at(60), exponential(0, 1, {16, 9}));
  b.metrics.add(kSeries, at(75), exponential(0, 1, {2, 1}));  // restarted
  b.metrics.add(kSeries, at(90), stale_nan());
  b.metrics.add(kSeries, at(120), exponential(0, 1, {4, 1}));
  b.update(120);
  CHECK(b.minute(0).valid == 15 + 10);
  CHECK(b.minute(0).good == 10 + 6);
  CHECK(b.minute(1).valid == 3 + 2);
  CHECK(b.minute(1).good == 2 + 2);
  CHECK(b.status(120).interpolation.empty());
}

TEST_CASE("an interpolated count is named in the status") {
  Bench b;
  b.boot({latency(1.5)});
  b.metrics.add(kSeries, at(0), exponential(0, 1, {0, 5}));
  b.metrics.add(kSeries, at(30), exponential(0, 1, {0, 9}));
  b.update(60);
  CHECK(b.status(60).interpolation.empty());
  b.metrics.add(kSeries, at(90), exponential(0, 1, {100, 9}));
  b.update(120);
  CHECK(b.minute(1).good == doctest::Approx(100 * std::log2(1.5)));
  CHECK(b.status(120).interpolation.find("histogram_fraction") != std::string::npos);
}
