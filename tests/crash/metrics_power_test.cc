// Power loss under the store of metrics: what a sync said is on disk is there after the cut, with
// its own value, unless the ring has dropped its segment since; nothing else is.

#include <algorithm>
#include <iterator>

#include "tests/crash/states.h"
#include "tests/crash/store_bench.h"

namespace nines {
namespace {

using testing::CrashDisk;
using testing::DiskImage;
using testing::StoreBench;
using testing::Times;

struct Checkpoint {
  std::uint64_t event = 0;  // when it was taken
  bool synced = false;
  Times visible;
};

// Scrapes with gaps, newcomers, late rows and own times.
class Scrapes {
 public:
  Scrapes(StoreBench& bench, CrashDisk& disk, std::uint64_t seed)
      : bench_(bench),
        dice_(seed),
        ring_(*bench.open_ring(disk)),
        store_(*bench.open_metrics(*ring_)) {
    for (std::uint64_t g = 0; g < 3; ++g) {
      const std::string number = std::to_string(g);
      // Two of them share what they know of their series.
      groups_.push_back({*store_->open_group({"group/" + number, LabelSet{{"thousand", number}},
                                              g == 0 ? "alone" : "family"}),
                         {}});
    }
  }
  ~Scrapes() { groups_.clear(); }

  void scrape() {
    Member& member = groups_[dice_.below(groups_.size())];
    const std::uint64_t g = static_cast<std::uint64_t>(&member - groups_.data());
    bench_.clock.advance(Duration{1000 + static_cast<std::int64_t>(dice_.below(50))});
    const std::int64_t now = to_millis(bench_.clock.now());
    const std::uint64_t want = 8 + g * 6 + dice_.below(2);
    std::vector<storage::Row> rows;
    for (std::uint64_t i = 0; i < want; ++i) {
      const std::uint64_t series = g * 1000 + (dice_.below(40) == 0 ? 100 + dice_.below(8) : i);
      if (!member.slots.contains(series)) {
        const auto slot = member.writer->slot({{"__name__", "m"},
                                               {"thousand", std::to_string(g)},
                                               {"n", std::to_string(series - g * 1000)}});
        REQUIRE(slot);
        member.slots[series] = *slot;
      }
      if (dice_.below(20) == 0) continue;
      storage::Row row;
      row.slot = member.slots[series];
      std::int64_t t = now;
      if (dice_.below(50) == 0) {  // late, at a time of its own
        t = now - static_cast<std::int64_t>(1 + dice_.below(20'000));
        row.own_time_ms = t;
      }
      row.value = testing::value_at(series, t);
      rows.push_back(row);
    }
    std::sort(rows.begin(), rows.end(),
              [](const auto& a, const auto& b) { return a.slot < b.slot; });
    rows.erase(std::unique(rows.begin(), rows.end(),
                           [](const auto& a, const auto& b) { return a.slot == b.slot; }),
               rows.end());
    const auto outcome = member.writer->append(Timestamp{Duration{now}}, rows);
    REQUIRE(outcome);
  }
  void sync() { REQUIRE(store_->sync()); }
  void tend() { store_->tend(); }
  std::uint64_t appended_bytes() const {
    return ring_->use(storage::ring::SegmentClass::kRaw).bytes_appended;
  }
  Times visible() const {
    testing::MetricAnswer answer = testing::read_metrics(*store_);
    REQUIRE_MESSAGE(answer.wrong.empty(), answer.wrong);
    return std::move(answer.times);
  }

 private:
  struct Member {
    std::unique_ptr<storage::GroupWriter> writer;
    std::map<std::uint64_t, storage::Slot> slots;
  };
  StoreBench& bench_;
  testing::SeededRng dice_;
  std::unique_ptr<storage::ring::Ring> ring_;
  std::unique_ptr<storage::MetricStore> store_;
  std::vector<Member> groups_;
};

// Of `must`, what `now` still shows.
std::string compare(const Times& durable, const Times& still_there, const Times& ever,
                    const Times& got) {
  const std::vector<std::int64_t> none;
  const auto of = [&](const Times& times,
                      std::uint64_t series) -> const std::vector<std::int64_t>& {
    const auto it = times.find(series);
    return it == times.end() ? none : it->second;
  };
  for (const auto& [series, times] : durable) {
    std::vector<std::int64_t> must;
    std::set_intersection(times.begin(), times.end(), of(still_there, series).begin(),
                          of(still_there, series).end(), std::back_inserter(must));
    const auto& have = of(got, series);
    if (!std::includes(have.begin(), have.end(), must.begin(), must.end())) {
      std::vector<std::int64_t> lost;
      std::set_difference(must.begin(), must.end(), have.begin(), have.end(),
                          std::back_inserter(lost));
      return "series " + std::to_string(series) + " lost " + std::to_string(lost.size()) +
             " synced samples, the first at +" +
             std::to_string(lost.front() - testing::kBenchStart);
    }
  }
  for (const auto& [series, times] : got) {
    const auto& may = of(ever, series);
    if (!std::includes(may.begin(), may.end(), times.begin(), times.end())) {
      return "series " + std::to_string(series) +
             " has samples that were never appended, or long gone";
    }
  }
  return {};
}

TEST_CASE("metrics survive power loss at every write and sync, in any order of the disk") {
  std::uint64_t states = 0;
  std::uint64_t evictions = 0;
  for (std::uint64_t seed = 1; states < testing::crash_count(8'000); ++seed) {
    StoreBench bench;
    bench.ring_options.parts = {350, 250, 0, 0, 0, 0};
    if (seed % 2 == 0) bench.metric_options.flush_at_once_samples = 0;  // tend makes the pages
    CrashDisk disk;
    Scrapes work(bench, disk, seed);
    disk.record(false);
    while (work.appended_bytes() < 3 * bench.ring_options.bytes) {  // wrapped three times
      work.scrape();
    }
    work.sync();
    work.tend();
    disk.record(true);
    const DiskImage start = disk.image();
    std::vector<Checkpoint> points{{0, true, work.visible()}};
    testing::SeededRng dice(seed * 31);
    while (points.size() < 60) {
      const std::uint64_t what = dice.below(10);
      if (what < 7) {
        work.scrape();
      } else if (what < 9) {
        work.sync();
      } else {
        work.tend();
      }
      points.push_back({disk.event_count(), what >= 7 && what < 9, work.visible()});
    }
    testing::PowerCut cut(start);
    std::uint64_t event = 0;
    std::size_t done = 0;     // operations that had returned
    std::size_t durable = 0;  // the last sync among them
    Times ever = points[0].visible;
    for (const testing::DiskEvent& e : disk.take_events()) {
      cut.play(e);
      ++event;
      while (done + 1 < points.size() && points[done + 1].event < event) {
        ++done;
        if (points[done].synced) durable = done;
      }
      const std::size_t next = std::min(done + 1, points.size() - 1);
      // Appended by now: what any operation up to the running one showed since the last sync, and
      // what was there at it.
      ever = points[durable].visible;
      for (std::size_t i = durable; i <= next; ++i) {
        for (const auto& [series, times] : points[i].visible) {
          std::vector<std::int64_t> both;
          std::set_union(ever[series].begin(), ever[series].end(), times.begin(), times.end(),
                         std::back_inserter(both));
          ever[series] = std::move(both);
        }
      }
      const auto check = [&](const DiskImage& image) {
        CrashDisk left(image);
        left.record(false);
        auto ring = bench.open_ring(left);
        REQUIRE(ring);
        const auto before = (*ring)->segments(storage::ring::SegmentClass::kRaw);
        auto store = bench.open_metrics(**ring);
        REQUIRE(store);
        // Recovery writes pages of its own, and may evict for them.
        const auto after = (*ring)->segments(storage::ring::SegmentClass::kRaw);
        bool evicted = false;
        for (const auto& info : before) {
          evicted = evicted || std::none_of(after.begin(), after.end(), [&](const auto& other) {
                      return other.generation == info.generation;
                    });
        }
        if (evicted) {
          ++evictions;
          return;
        }
        const testing::MetricAnswer answer = testing::read_metrics(**store);
        std::string wrong = answer.wrong;
        if (wrong.empty())
          wrong = compare(points[durable].visible, points[next].visible, ever, answer.times);
        REQUIRE_MESSAGE(wrong.empty(), wrong, " (seed ", seed, ", event ", event, ")");
      };
      states += testing::each_state(cut, !e.sync, 4, dice, check);
    }
  }
  MESSAGE("states looked at: ", states - evictions, " (and ", evictions,
          " in which the start itself evicted a segment)");
}

}  // namespace
}  // namespace nines
