// Power loss while samples become windows and leave the ring: what a sync said is on disk is in the
// windows of hours after the cut, once, wherever it is kept then.

#include <algorithm>
#include <array>

#include "tests/crash/states.h"
#include "tests/crash/store_bench.h"

namespace nines {
namespace {

using storage::Tier;
using storage::TierWindow;
using testing::CrashDisk;
using testing::DiskImage;
using testing::StoreBench;

constexpr std::uint64_t kSeries = 40;
constexpr std::int64_t kEvery = 300'000;

std::vector<TierWindow> hours_of(std::uint64_t series, std::int64_t newest) {
  SampleColumns samples;
  for (std::int64_t t = testing::kBenchStart + kEvery; t <= newest; t += kEvery) {
    samples.times.push_back(t);
    samples.values.push_back(testing::value_at(series, t));
  }
  std::vector<TierWindow> out;
  storage::fold_samples(samples, storage::tier_step(Tier::k1h), out);
  return out;
}

// Hours that were over at `durable` are as they were, the others are of no more than `newest`.
std::string check_hours(const storage::Querier& store, std::int64_t durable, std::int64_t newest) {
  const Matcher matchers[] = {Matcher::equal("__name__", "m")};
  const storage::TimeRange all{Timestamp{Duration{0}}, Timestamp{Duration{4'000'000'000'000}}};
  const auto selection = store.select(matchers, all, 1000);
  if (!selection) return selection.error().what();
  if ((*selection)->size() != kSeries) return "series are missing";
  for (std::size_t i = 0; i < kSeries; ++i) {
    const std::uint64_t series = std::stoull(std::string((*selection)->labels(i).get("n")));
    const std::vector<TierWindow> want = hours_of(series, newest);
    std::vector<TierWindow> have;
    if (const auto read = (*selection)->read_tier(i, Tier::k1h, all, have); !read)
      return read.error().what();
    if (have.size() > want.size()) return "there are hours of nothing";
    for (std::size_t h = 0; h < want.size(); ++h) {
      const bool over = want[h].end <= durable;
      if (h >= have.size()) return over ? "an hour is missing" : "";
      if (have[h].end != want[h].end) return "hours are missing in between";
      if (over ? have[h] != want[h] : have[h].count > want[h].count) {
        return "series " + std::to_string(series) + ", hour " + std::to_string(h) + " of " +
               std::to_string(want.size()) + " counts " + std::to_string(have[h].count) + " of " +
               std::to_string(want[h].count);
      }
    }
  }
  return {};
}

TEST_CASE("windows survive power loss at every write and sync, in any order of the disk") {
  std::uint64_t states = 0;
  for (std::uint64_t seed = 1; seed <= 2 || states < testing::crash_count(1'500); ++seed) {
    // Every other time nobody tends the store: windows are made when samples must leave.
    const bool tends = seed % 2 == 0;
    StoreBench bench;
    bench.ring_options.bytes = 16 * std::uint64_t{bench.ring_options.segment_bytes} + 8192;
    bench.ring_options.parts = {200, 200, 200, 400, 0, 0};
    CrashDisk disk;
    auto ring = *bench.open_ring(disk);
    auto store = *bench.open_metrics(*ring);
    auto writer = *store->open_group({"g"});
    std::vector<storage::Row> rows(kSeries);
    for (std::uint64_t i = 0; i < kSeries; ++i)
      rows[i].slot = *writer->slot({{"__name__", "m"}, {"n", std::to_string(i)}});
    testing::SeededRng dice(seed);
    const auto scrape = [&] {
      bench.clock.advance(Duration{kEvery});
      const Timestamp now = bench.clock.now();
      for (std::uint64_t i = 0; i < kSeries; ++i)
        rows[i].value = testing::value_at(i, to_millis(now));
      REQUIRE(writer->append(now, rows));
    };
    disk.record(false);
    while (!store->retention().dropped_until) {
      scrape();
      if (tends && dice.below(5) == 0) store->tend();
    }
    REQUIRE(store->sync());
    if (tends) store->tend();
    disk.record(true);
    const DiskImage start = disk.image();
    struct Point {
      std::uint64_t event = 0;
      bool synced = false;
      std::int64_t newest = 0;
    };
    std::vector<Point> points{{0, true, to_millis(bench.clock.now())}};
    const auto dropped = store->retention().dropped_until;
    for (int more = 40; store->retention().dropped_until == dropped || --more > 0;) {
      const std::uint64_t what = dice.below(10);
      if (what < 7) scrape();
      if (what == 7) REQUIRE(store->sync());
      if (what > 7 && tends) store->tend();
      points.push_back({disk.event_count(), what == 7, to_millis(bench.clock.now())});
    }
    testing::PowerCut cut(start);
    std::uint64_t event = 0;
    std::size_t done = 0, durable = 0;
    const std::vector<testing::DiskEvent> events = disk.take_events();
    for (const testing::DiskEvent& e : events) {
      cut.play(e);
      ++event;
      while (done + 1 < points.size() && points[done + 1].event < event) {
        ++done;
        if (points[done].synced) durable = done;
      }
      // Mere rows of the journal are another suite's.
      if (!e.sync && e.bytes.size() < 1024 && dice.below(8) != 0) continue;
      const std::size_t next = std::min(done + 1, points.size() - 1);
      states += testing::each_state(cut, !e.sync, 1, dice, [&](const DiskImage& image) {
        CrashDisk left(image);
        left.record(false);
        const auto opened = bench.open_ring(left);
        REQUIRE(opened);
        const auto again = bench.open_metrics(**opened);
        REQUIRE(again);
        std::string wrong = check_hours(**again, points[durable].newest, points[next].newest);
        if (wrong.empty()) {
          (*again)->tend();
          wrong = check_hours(**again, points[durable].newest, points[next].newest);
        }
        REQUIRE_MESSAGE(wrong.empty(), wrong, " (seed ", seed, ", event ", event, ")");
      });
    }
  }
  MESSAGE("states looked at: ", states);
}

}  // namespace
}  // namespace nines
