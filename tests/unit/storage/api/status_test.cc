// How long a share lasts, as status page, metrics and analyze say it.
#include "storage/api/status.h"

#include <doctest/doctest.h>

namespace nines::storage {
namespace {

TEST_CASE("what is there says how long the whole share lasts") {
  const Timestamp begin = from_millis(1'700'000'000'000);
  const auto after = [&](std::int64_t ms) { return begin + Duration(ms); };
  CHECK(projected_retention(1000, 100, begin, after(3'600'000)) == Duration(36'000'000));
  CHECK(projected_retention(1000, 1000, begin, after(3'600'000)) == Duration(3'600'000));
  CHECK(projected_retention(1000, 0, begin, after(3'600'000)) == Duration::zero());
  CHECK(projected_retention(1000, 1000, begin, after(60'000)) == Duration(60'000));
  CHECK(projected_retention(1000, 1000, begin, after(59'999)) == Duration::zero());
  CHECK(projected_retention(1000, 1000, {}, {}) == Duration::zero());
}

}  // namespace
}  // namespace nines::storage
