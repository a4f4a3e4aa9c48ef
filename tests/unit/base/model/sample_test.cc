#include "base/model/sample.h"

#include <cmath>

#include <doctest/doctest.h>

namespace nines {
namespace {

TEST_CASE("the staleness marker is one NaN and no other") {
  CHECK(std::isnan(stale_nan()));
  CHECK(is_stale_nan(stale_nan()));
  CHECK_FALSE(is_stale_nan(std::bit_cast<double>(kNormalNanBits)));
  CHECK_FALSE(is_stale_nan(std::nan("")));
  CHECK_FALSE(is_stale_nan(0));
}

TEST_CASE("metric types have Prometheus's words") {
  CHECK(std::string(to_string(MetricType::kCounter)) == "counter");
  CHECK(std::string(to_string(MetricType::kUnknown)) == "unknown");
  CHECK(std::string(to_string(MetricType::kGaugeHistogram)) == "gaugehistogram");
  CHECK(std::string(to_string(MetricType::kStateSet)) == "stateset");
}

TEST_CASE("clearing columns empties all of them") {
  SampleColumns columns{{1}, {2.0}, {nullptr}, {3}};
  CHECK(columns.size() == 1);
  columns.clear();
  CHECK(columns.size() == 0);
  CHECK(columns.values.empty());
  CHECK(columns.histograms.empty());
  CHECK(columns.start_times.empty());
}

}  // namespace
}  // namespace nines
