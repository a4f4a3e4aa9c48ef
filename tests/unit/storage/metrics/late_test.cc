// What came late is told once, from its earliest sample on.
#include <doctest/doctest.h>

#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

TEST_CASE("samples more than two minutes behind the clock are late, on both sides of the limit") {
  StoreRig rig;
  const auto writer = rig.group("g");
  const auto slot = writer->slot(LabelSet{{"__name__", "m"}});
  REQUIRE(slot);
  const Timestamp now = rig.clock.now();
  const auto append = [&](std::int64_t behind_ms, double value) {
    const std::vector<Row> rows{row(*slot, value)};
    const auto outcome = writer->append(now - Duration(behind_ms), rows);
    REQUIRE(outcome);
    return *outcome;
  };
  CHECK_FALSE(rig.store->take_late());
  append(600'000, 1);  // in order, but late by the clock: a sender that catches up
  CHECK(rig.store->take_late() == now - Duration(600'000));
  CHECK_FALSE(rig.store->take_late());
  append(120'000, 2);
  CHECK_FALSE(rig.store->take_late());
  append(0, 3);
  CHECK_FALSE(rig.store->take_late());
  append(120'001, 4);
  append(180'000, 5);
  append(150'000, 6);
  CHECK(rig.store->take_late() == now - Duration(180'000));
  append(600'000, 1);    // known already
  append(7'200'000, 7);  // refused
  CHECK_FALSE(rig.store->take_late());
  // A sample with a time of its own.
  std::vector<Row> rows{row(*slot, 8)};
  rows[0].own_time_ms = to_millis(now) - 300'000;
  REQUIRE(writer->append(now, rows));
  CHECK(rig.store->take_late() == now - Duration(300'000));
}

}  // namespace
}  // namespace nines::storage
