// Neighbouring series read one after the other show what each shows by itself.
#include <bit>
#include <cstdint>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "base/model/sample.h"
#include "storage/api/reading_on.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;
constexpr std::int64_t kGap = 1000;

std::vector<std::uint64_t> bits(const std::vector<double>& values) {
  std::vector<std::uint64_t> out;
  for (const double v : values) out.push_back(std::bit_cast<std::uint64_t>(v));
  return out;
}

// How often two series in turn had the same times.
std::size_t compare(const StoreRig& rig, std::int64_t from, std::int64_t to) {
  const TimeRange range{from_millis(from), from_millis(to)};
  const Matcher any = *Matcher::make(MatchOp::kRegex, "__name__", ".+");
  const auto found = rig.store->select(std::span(&any, 1), range, 10'000, nullptr);
  REQUIRE(found);
  const std::unique_ptr<SeriesReader> reader = (*found)->reader();
  auto* const on = dynamic_cast<ReadingOn*>(reader.get());
  REQUIRE(on != nullptr);
  SampleColumns now, before;
  std::size_t same_times = 0;
  for (std::size_t i = 0; i < (*found)->size(); ++i) {
    const auto same = on->read_on(i, range, now);
    REQUIRE(same);
    SampleColumns alone;
    REQUIRE((*found)->read(i, range, alone));
    CAPTURE((*found)->labels(i).to_string());
    CHECK(now.times == alone.times);
    CHECK(bits(now.values) == bits(alone.values));
    CHECK(now.start_times == alone.start_times);
    CHECK(now.histograms.size() == alone.histograms.size());
    if (*same) {
      CHECK(now.times == before.times);
      ++same_times;
    }
    before = now;
    now.values.assign(3, 0);  // a caller may do as it likes with all but the times
  }
  return same_times;
}

TEST_CASE("series read on are as those read alone, in pages, in open rows and in both") {
  StoreRig rig;
  std::mt19937 random(7);
  const auto chance = [&](unsigned of) { return random() % of == 0; };
  std::vector<std::unique_ptr<GroupWriter>> groups;
  std::vector<std::vector<Slot>> slots(2);
  for (std::size_t g = 0; g < 2; ++g) {
    groups.push_back(rig.group("g" + std::to_string(g)));
    for (int s = 0; s < 150; ++s) {
      const auto slot = groups[g]->slot({{"__name__", "m" + std::to_string(s % 7)},
                                         {"g", std::to_string(g)},
                                         {"s", std::to_string(s)}});
      REQUIRE(slot);
      slots[g].push_back(*slot);
    }
  }
  constexpr int kRows = 200;  // 64 are a page
  for (int t = 0; t < kRows; ++t) {
    for (std::size_t g = 0; g < 2; ++g) {
      std::vector<Row> rows;
      for (std::size_t s = 0; s < slots[g].size(); ++s) {
        if (s % 10 == 3 && chance(5)) continue;    // has gaps
        if (s % 50 == 7 && t < 100) continue;      // came later
        const bool ends = s % 50 == 8 && t > 150;  // has ended
        if (ends && t > 151) continue;
        rows.push_back(row(slots[g][s], ends         ? stale_nan()
                                        : s % 9 == 0 ? static_cast<double>(random()) / 7
                                                     : static_cast<double>(t * s) / 100));
        if (s % 50 == 9 && chance(3)) rows.back().start_time_ms = kStart - 5000;
      }
      const std::int64_t at = kStart - 300'000 + t * kGap + static_cast<std::int64_t>(g) * 137;
      REQUIRE(groups[g]->append(from_millis(at), rows));
    }
    if (t == 170) {  // late: fits no row
      const Row late = row(slots[0][20], 5);
      REQUIRE(groups[0]->append(from_millis(kStart - 300'000 + 20 * kGap + 1), {&late, 1}));
    }
  }
  const std::int64_t first = kStart - 300'000;
  for (int round = 0; round < 2; ++round) {
    CHECK(compare(rig, 0, INT64_MAX / 2) > 100);
    CHECK(compare(rig, first + 10 * kGap, first + 20 * kGap) > 100);            // inside a page
    CHECK(compare(rig, first + 60 * kGap, first + 130 * kGap + 1) > 100);       // across pages
    CHECK(compare(rig, first + 190 * kGap, first + (kRows + 5) * kGap) > 100);  // open rows
    compare(rig, first + 500 * kGap, first + 600 * kGap);                       // nothing
    groups.clear();  // before their store goes
    rig.kill();
  }
}

TEST_CASE("a series that is in two versions, or of which something was deleted, reads on too") {
  StoreRig rig;
  for (const char* name : {"a", "b"}) {
    auto group = rig.group(name);
    const auto slot = group->slot({{"__name__", "m"}, {"s", "1"}});
    const auto other = group->slot({{"__name__", "m"}, {"s", std::string("of ") + name}});
    REQUIRE(slot);
    for (int t = 0; t < 100; ++t) {
      const std::int64_t at = kStart - 300'000 + t * kGap + (*name == 'b' ? 100'000 : 0);
      const std::vector<Row> rows{row(*slot, t), row(*other, -t)};
      REQUIRE(group->append(from_millis(at), rows));
    }
  }
  compare(rig, 0, INT64_MAX / 2);
  const std::vector<std::vector<Matcher>> sets = {{Matcher::equal("s", "of a")}};
  REQUIRE(rig.store->delete_series(sets,
                                   {from_millis(kStart - 300'000), from_millis(kStart - 250'000)}));
  compare(rig, 0, INT64_MAX / 2);
}

}  // namespace
}  // namespace nines::storage
