// Open rows give back exactly what was put into them.
#include "storage/metrics/internal/head_columns.h"

#include <bit>
#include <cmath>
#include <map>

#include <doctest/doctest.h>

#include "base/model/sample.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

using Kept = std::map<std::uint32_t, std::vector<std::pair<std::int64_t, std::uint64_t>>>;

void check(const HeadColumns& head, const Kept& kept, std::uint32_t slots) {
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    std::vector<std::int64_t> times;
    std::vector<double> values;
    head.read(slot, times, values);
    const auto found = kept.find(slot);
    const std::size_t expected = found == kept.end() ? 0 : found->second.size();
    REQUIRE(times.size() == expected);
    REQUIRE(values.size() == expected);
    for (std::size_t i = 0; i < expected; ++i) {
      REQUIRE(times[i] == found->second[i].first);
      REQUIRE(std::bit_cast<std::uint64_t>(values[i]) == found->second[i].second);
    }
  }
}

double some_value(std::uint32_t slot, int row, testing::SeededRng& dice) {
  const std::uint64_t r = dice.next();
  switch (slot % 9) {
    case 0:
      return 42;
    case 1:
      return 1e9 + row * 15.0;
    case 2:
      return static_cast<double>(r % 100'000) * 0.001;
    case 3:
      return static_cast<double>(r % 100'000) / 100;
    case 4:
      return std::bit_cast<double>(r);
    case 5:
      return r % 5 == 0 ? stale_nan() : static_cast<double>(r % 7);
    case 6:
      return r % 2 == 0 ? -0.0 : 0.0;
    case 7:
      return std::sin(row);
    default:
      return row % 10 == 0 ? INFINITY : 9007199254740993.0 - static_cast<double>(r % 3);
  }
}

TEST_CASE("whatever is put into rows comes back, slots that begin later and gaps too") {
  testing::SeededRng dice(7);
  HeadColumns head;
  Kept kept;
  std::uint32_t slots = 5;
  for (int page = 0; page < 3; ++page) {
    for (int row = 0; row < 70; ++row) {
      if (row % 11 == 3) slots += 7;
      head.grow(slots);
      const std::int64_t time = 1'700'000'000'000 + page * 10'000'000 + row * 15'000;
      CHECK(head.takes_row_at(time));
      head.begin_row(time);
      for (std::uint32_t slot = 0; slot < slots; ++slot) {
        if (slot % 4 == 1 && dice.next() % 3 == 0) continue;
        const double value = some_value(slot, row, dice);
        head.put(slot, value);
        kept[slot].emplace_back(time, std::bit_cast<std::uint64_t>(value));
      }
      CHECK_FALSE(head.takes_row_at(time));
    }
    check(head, kept, slots + 2);
    double value = 0;
    CHECK(head.find(0, head.times()[9], value));
    CHECK(value == 42);
    CHECK_FALSE(head.find(0, head.times()[9] + 1, value));
    head.clear();
    kept.clear();
    CHECK(head.rows() == 0);
  }
}

TEST_CASE("a quiet column takes a few bytes for sixty-four rows") {
  HeadColumns head;
  constexpr std::uint32_t kSlots = 1000;
  head.grow(kSlots);
  const std::size_t empty = head.bytes();
  for (int row = 0; row < 64; ++row) {
    head.begin_row(row);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot)
      head.put(slot, slot % 2 == 0 ? 7 : 1e6 + row);
  }
  CHECK((head.bytes() - empty) / kSlots < 30);
  CHECK(empty / kSlots < 120);
}

}  // namespace
}  // namespace nines::storage
