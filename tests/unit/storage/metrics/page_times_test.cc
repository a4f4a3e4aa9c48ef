// Times come back as they were, however little memory they take.
#include "storage/metrics/internal/page_times.h"

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

namespace nines::storage {
namespace {

using Times = std::vector<std::int64_t>;

// What is kept of them, in bytes.
std::size_t kept(const Times& times) {
  const PageTimes page{times};
  CHECK(page.size() == times.size());
  Times out{7};
  page.append_to(out);
  Times expected{7};
  expected.insert(expected.end(), times.begin(), times.end());
  CHECK(out == expected);
  return page.bytes();
}

constexpr std::int64_t kAt = 1'700'000'000'000;

TEST_CASE("times at a fixed step take no memory of their own") {
  CHECK(kept({}) == 0);
  CHECK(kept({kAt}) == 0);
  CHECK(kept({kAt, kAt + 15'000}) == 0);
  Times many;
  for (int i = 0; i < 64; ++i) many.push_back(kAt + i * 15'000);
  CHECK(kept(many) == 0);
  CHECK(kept({-3, -1, 1, 3}) == 0);
}

TEST_CASE("others take four bytes each, eight where they are weeks apart") {
  CHECK(kept({kAt, kAt + 15'001, kAt + 30'000}) == 12);
  CHECK(kept({kAt, kAt + 1, kAt + UINT32_MAX}) == 12);
  CHECK(kept({kAt, kAt + 1, kAt + UINT32_MAX + 1}) == 24);
  CHECK(kept({-5, 0, 1}) == 12);
}

TEST_CASE("times of a damaged page come back, too") {
  CHECK(kept({INT64_MIN, INT64_MAX, 0}) == 24);
  CHECK(kept({INT64_MAX, INT64_MIN, 5}) == 24);
  CHECK(kept({kAt, kAt - 1, kAt + 1}) == 24);
  CHECK(kept({INT64_MIN, 0, INT64_MIN}) == 0);  // the step wraps
}

}  // namespace
}  // namespace nines::storage
