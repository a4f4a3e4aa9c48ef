// Rows of a large group become pages by the thread that tends, and are all there meanwhile.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;
constexpr int kSeries = 100;
constexpr int kRows = 4;

LabelSet series(int i) {
  return LabelSet{{"__name__", "m"}, {"i", std::to_string(i)}};
}

std::vector<Row> rows_at(GroupWriter& group, int number) {
  std::vector<Row> rows;
  for (int i = 0; i < kSeries; ++i) rows.push_back(row(*group.slot(series(i)), number * 1000 + i));
  return rows;
}

void write(GroupWriter& group, int from, int to) {
  for (int n = from; n < to; ++n) {
    const auto done = group.append(from_millis(kStart - 60'000 + n * 1000), rows_at(group, n));
    REQUIRE(done);
    CHECK(done->appended == kSeries);
  }
}

void check_points(const StoreRig& rig, int rows) {
  for (const int i : {0, 63, 64, kSeries - 1}) {
    const auto points = rig.points(series(i));
    REQUIRE(points.size() == static_cast<std::size_t>(rows));
    for (int n = 0; n < rows; ++n) {
      CHECK(points[static_cast<std::size_t>(n)] ==
            std::pair<std::int64_t, double>(kStart - 60'000 + n * 1000, n * 1000 + i));
    }
  }
}

bool has_pages(const StoreRig& rig) {
  return rig.ring->use(ring::SegmentClass::kRaw).bytes_used > 0;
}

void large(StoreRig& rig, std::size_t at_once) {
  rig.options.rows_per_page = kRows;
  rig.options.flush_at_once_samples = at_once;
  rig.open();
}

TEST_CASE("append makes pages of as many samples as it may, and leaves one more to tend") {
  StoreRig rig;
  for (const bool left : {false, true}) {
    large(rig, kSeries * kRows - (left ? 1 : 0));
    auto group = rig.group(left ? "left" : "at once");
    const bool before = has_pages(rig);
    const std::uint64_t used = rig.ring->use(ring::SegmentClass::kRaw).bytes_used;
    for (int n = 0; n < kRows; ++n) {
      std::vector<Row> rows;
      for (int i = 0; i < kSeries; ++i) {
        const LabelSet labels = series(i).with("g", left ? "l" : "a");
        rows.push_back(row(*group->slot(labels), n));
      }
      REQUIRE(group->append(from_millis(kStart - 60'000 + n * 1000), rows));
    }
    CHECK(before == left);
    CHECK((rig.ring->use(ring::SegmentClass::kRaw).bytes_used > used) == !left);
    rig.store->tend();
    CHECK(rig.ring->use(ring::SegmentClass::kRaw).bytes_used > used);
  }
}

TEST_CASE(
    "rows that wait for tend are read, known as duplicates, and survive a kill and a power cut") {
  StoreRig rig;
  large(rig, 0);
  {
    auto group = rig.group("g");
    write(*group, 0, kRows + 2);  // four wait, two are open
    CHECK_FALSE(has_pages(rig));
    check_points(rig, kRows + 2);
    const auto again = group->append(from_millis(kStart - 60'000 + 1000), rows_at(*group, 1));
    REQUIRE(again);
    CHECK(again->duplicates == kSeries);
    const auto other = group->append(from_millis(kStart - 60'000 + 1000), rows_at(*group, 7));
    REQUIRE(other);
    CHECK(other->conflicts == kSeries);
  }
  rig.kill();
  check_points(rig, kRows + 2);
  REQUIRE(rig.store->sync());
  {
    auto group = rig.group("g");
    write(*group, kRows + 2, 2 * kRows + 2);
    REQUIRE(rig.store->sync());
  }
  rig.lose_power();
  check_points(rig, 2 * kRows + 2);
}

TEST_CASE(
    "tend writes what waits; what was appended meanwhile stays open, in the order of writing") {
  StoreRig rig;
  large(rig, 0);
  auto group = rig.group("g");
  write(*group, 0, kRows + 1);
  rig.store->tend();
  CHECK(has_pages(rig));
  check_points(rig, kRows + 1);
  write(*group, kRows + 1, 2 * kRows);
  group.reset();
  rig.kill();
  check_points(rig, 2 * kRows);
  group = rig.group("g");
  // Twice as many rows as a page has before anybody tends: the first are written by append itself.
  write(*group, 2 * kRows, 5 * kRows);
  check_points(rig, 5 * kRows);
  REQUIRE(rig.store->flush());
  group.reset();
  rig.lose_power();
  check_points(rig, 5 * kRows);
}

TEST_CASE("a deletion covers rows that wait") {
  StoreRig rig;
  large(rig, 0);
  auto group = rig.group("g");
  write(*group, 0, kRows + 1);
  const std::vector<std::vector<Matcher>> sets = {{Matcher::equal("i", "5")}};
  REQUIRE(rig.store->delete_series(sets, {from_millis(0), from_millis(kStart * 2)}));
  CHECK(rig.points(series(5)).empty());
  CHECK(rig.points(series(6)).size() == kRows + 1);
  write(*group, kRows + 1, kRows + 3);
  CHECK(rig.points(series(5)).size() == 2);
}

TEST_CASE(
    "a journal that turns quickly finds the rows of a large group in pages before it needs them") {
  StoreRig rig(32, 128u << 10);
  rig.options.flush_at_once_samples = 0;
  rig.open();
  auto group = rig.group("g");
  // Values that cost a few bytes each: the journal of a few segments goes round.
  int n = 0;
  for (; n < 550; ++n) {
    std::vector<Row> rows;
    for (int i = 0; i < kSeries; ++i)
      rows.push_back(row(*group->slot(series(i)), 1.0 / (n * kSeries + i + 3)));
    const auto done = group->append(from_millis(kStart - 600'000 + n * 1000), rows);
    REQUIRE(done);
    if (n % 10 == 0) rig.store->tend();
  }
  group.reset();
  rig.kill();
  CHECK(rig.points(series(7)).size() == static_cast<std::size_t>(n));
}

}  // namespace
}  // namespace nines::storage
