#include "base/model/histogram_bounds.h"

#include <cmath>
#include <limits>

#include "doctest/doctest.h"

namespace nines {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargest = std::numeric_limits<double>::max();

double bound(int schema, std::int32_t index) {
  Histogram h;
  h.schema = schema;
  return bucket_upper_bound(h, index);
}

TEST_CASE("exponential bounds are powers of two and what lies between, as Prometheus has them") {
  CHECK(bound(0, 0) == 1);
  CHECK(bound(0, 10) == 1024);
  CHECK(bound(0, -1) == 0.5);
  CHECK(bound(-2, 1) == 16);
  CHECK(bound(-4, 1) == 65536);
  CHECK(bound(1, 1) == 1.414213562373095);
  CHECK(bound(1, -1) == 0.7071067811865475);
  CHECK(bound(2, 1) == 1.189207115002721);
  CHECK(bound(3, -1) == 0.9170040432046711);
  CHECK(bound(8, 1) == 1.0027112750502025);
}

TEST_CASE("a bucket ends where the one of a coarser schema does that holds it") {
  for (int schema = 1; schema <= 8; ++schema) {
    for (std::int32_t index = -40; index <= 40; ++index) {
      CHECK(bound(schema, 2 * index) == bound(schema - 1, index));
      CHECK(bound(schema, index) < bound(schema, index + 1));
      CHECK(bound(schema, index) ==
            doctest::Approx(std::exp2(std::ldexp(index, -schema))).epsilon(1e-15));
    }
  }
}

TEST_CASE(
    "finite numbers end at the largest, what lies behind is infinite, what is tiny is nothing") {
  for (int schema = -4; schema <= 8; ++schema) {
    CAPTURE(schema);
    const auto last = static_cast<std::int32_t>(std::ldexp(1024, schema));
    CHECK(bound(schema, last) == kLargest);
    CHECK(bound(schema, last - 1) < kLargest);
    CHECK(bound(schema, last + 1) == kInfinity);
    CHECK(bound(schema, -20 * last) == 0);
    CHECK(bound(schema, std::numeric_limits<std::int32_t>::max()) == kInfinity);
    CHECK(bound(schema, std::numeric_limits<std::int32_t>::min()) == 0);
  }
}

TEST_CASE("custom bounds are those that were given") {
  Histogram h;
  h.schema = kCustomBucketsSchema;
  h.custom_values = {-1, 2.5};
  CHECK(bucket_upper_bound(h, -1) == -kInfinity);
  CHECK(bucket_upper_bound(h, 0) == -1);
  CHECK(bucket_upper_bound(h, 1) == 2.5);
  CHECK(bucket_upper_bound(h, 2) == kInfinity);
}

}  // namespace
}  // namespace nines
