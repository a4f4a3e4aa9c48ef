// What was scraped at one instant and comes in several parts is a row all the same.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/model/sample.h"
#include "storage/api/reading_on.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;
constexpr std::int64_t kGap = 1000;
constexpr int kSeries = 30;

LabelSet labels_of(int s) {
  return {{"__name__", "m"}, {"s", std::to_string(100 + s)}};
}
double value_of(int s, int row) {
  return s * 1000 + row * 0.5;
}

struct Parts {
  explicit Parts(StoreRig& its_rig) : rig(its_rig), group(rig.group("g")) {
    for (int s = 0; s < kSeries; ++s) slots.push_back(*group->slot(labels_of(s)));
  }
  // The series [first, end) at a row's time.
  AppendOutcome append(int row, int first, int end, double add = 0) {
    std::vector<Row> rows;
    for (int s = first; s < end; ++s) {
      Row one;
      one.slot = slots[static_cast<std::size_t>(s)];
      one.value = value_of(s, row) + add;
      rows.push_back(one);
    }
    const auto outcome = group->append(from_millis(kStart + row * kGap), rows);
    REQUIRE(outcome);
    return *outcome;
  }
  void append_all(int row, int parts) {
    const int size = kSeries / parts;
    for (int part = 0; part < parts; ++part) append(row, part * size, (part + 1) * size);
  }

  StoreRig& rig;
  std::unique_ptr<GroupWriter> group;
  std::vector<Slot> slots;
};

void check_rows(const StoreRig& rig, int rows) {
  for (int s = 0; s < kSeries; ++s) {
    const StoreRig::Points points = rig.points(labels_of(s));
    REQUIRE(points.size() == static_cast<std::size_t>(rows));
    for (int row = 0; row < rows; ++row) {
      CHECK(points[static_cast<std::size_t>(row)].first == kStart + row * kGap);
      CHECK(points[static_cast<std::size_t>(row)].second == value_of(s, row));
    }
  }
}

// How many series had the times of the one before.
std::size_t same_times(const StoreRig& rig) {
  const TimeRange range{from_millis(kStart), from_millis(kStart + 1000 * kGap)};
  const Matcher all = Matcher::equal("__name__", "m");
  const auto found = rig.store->select(std::span(&all, 1), range, 1000, nullptr);
  REQUIRE(found);
  const std::unique_ptr<SeriesReader> reader = (*found)->reader();
  auto* const on = dynamic_cast<ReadingOn*>(reader.get());
  SampleColumns columns;
  std::size_t same = 0;
  for (std::size_t i = 0; i < (*found)->size(); ++i) {
    const auto read = on->read_on(i, range, columns);
    REQUIRE(read);
    same += *read ? 1 : 0;
  }
  return same;
}

TEST_CASE("parts of an instant are read as one row, in open rows and in pages") {
  for (const int parts : {1, 2, 5, 10}) {
    StoreRig rig;
    Parts sent(rig);
    // Before, at and behind the ends of blocks of rows and of pages.
    for (int row = 0; row < 150; ++row) {
      sent.append_all(row, parts);
      if (row % 8 > 1 && row % 64 > 1) continue;
      CAPTURE(parts);
      CAPTURE(row);
      check_rows(rig, row + 1);
      CHECK(same_times(rig) == kSeries - 1);
    }
    StoreStatus status;
    rig.store->add_status(status, 1);
    CHECK(status.raw_pages == 2 + 1);  // the rows that are still open will be one
    sent.group.reset();
    rig.kill();
    check_rows(rig, 150);
    CHECK(same_times(rig) == kSeries - 1);
  }
}

TEST_CASE("parts that come twice, late, or never lose nothing") {
  StoreRig rig;
  Parts sent(rig);
  for (int row = 0; row < 100; ++row) {
    sent.append(row, 0, 20);
    CHECK(sent.append(row, 5, 15).duplicates == 10);
    CHECK(sent.append(row, 5, 15, 1).conflicts == 10);
    if (row % 7 == 3) continue;  // its second part comes when the next row has begun
    sent.append(row, 20, kSeries);
    if (row % 7 == 4) sent.append(row - 1, 20, kSeries);
  }
  for (int row = 3; row < 100; row += 7) sent.append(row, 20, kSeries);
  check_rows(rig, 100);
  sent.group.reset();
  rig.kill();
  check_rows(rig, 100);
  // A part that is never to come holds no page up.
  Parts again(rig);
  for (int row = 100; row < 300; ++row) {
    again.append(row, 0, 20);
    if (row < 150) again.append(row, 20, kSeries);
  }
  CHECK(rig.points(labels_of(0)).size() == 300);
  CHECK(rig.points(labels_of(25)).size() == 150);
  StoreStatus status;
  rig.store->add_status(status, 1);
  CHECK(status.raw_pages >= 4);
}

}  // namespace
}  // namespace nines::storage
