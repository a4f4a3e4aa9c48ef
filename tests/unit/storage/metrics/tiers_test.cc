// Windows of five minutes and of hours that outlive the samples they were made of.
#include <cmath>
#include <string>
#include <vector>

#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kStart = 1'700'000'000'000;

// A ring in which samples live for hours, five minutes for a day, hours for a week.
struct TierRig : StoreRig {
  std::vector<LabelSet> labels;
  std::vector<SampleColumns> all;  // ever accepted, by series
  std::unique_ptr<GroupWriter> writer;
  std::vector<Slot> slots;
  testing::SeededRng dice{5};
  std::int64_t time = kStart;

  explicit TierRig(std::size_t series = 20, std::uint64_t segments = 20) : StoreRig(), all(series) {
    store.reset();
    ring.reset();
    REQUIRE(fs.make_dirs("/tiers"));
    ring_options.path = "/tiers";
    ring_options.segment_bytes = 64u << 10;
    ring_options.bytes = segments * ring_options.segment_bytes + 8192;
    ring_options.parts = {250, 250, 250, 250, 0, 0};
    for (std::size_t i = 0; i < series; ++i)
      labels.push_back(LabelSet{{"__name__", "m" + std::to_string(i)}, {"job", "t"}});
    start();
  }
  void start() {
    writer.reset();
    open();
    writer = group("g");
    slots.clear();
    for (const LabelSet& l : labels) {
      const auto slot = writer->slot(l);
      REQUIRE(slot);
      slots.push_back(*slot);
    }
  }
  void append(std::size_t series, std::int64_t at, double value) {
    Row r = row(slots[series], value);
    r.own_time_ms = at;
    const auto done = writer->append(from_millis(time), {&r, 1});
    REQUIRE(done);
    if (done->appended == 1) note(series, at, value);
  }
  void note(std::size_t series, std::int64_t at, double value) {
    SampleColumns& c = all[series];
    const auto place = std::upper_bound(c.times.begin(), c.times.end(), at) - c.times.begin();
    c.times.insert(c.times.begin() + place, at);
    c.values.insert(c.values.begin() + place, value);
  }
  // A scrape a minute: counters of whole numbers that are hard to compress, with resets.
  void run(std::int64_t how_long) {
    for (const std::int64_t end = time + how_long; time < end;) {
      time += kMinute;
      clock.advance(Duration(kMinute));
      std::vector<Row> rows;
      for (std::size_t i = 0; i < slots.size(); ++i) {
        if (i == 1 && time / kHour % 3 == 0) continue;  // one with gaps
        const SampleColumns& c = all[i];
        double v = static_cast<double>(dice.below(1ULL << 36));
        if (!c.values.empty() && dice.below(200) != 0)
          v += is_stale_nan(c.values.back()) ? 0 : c.values.back();
        if (v > 1e13) v = 0;
        if (i == 2 && dice.below(50) == 0) v = stale_nan();
        rows.push_back(row(slots[i], v));
        note(i, time, v);
      }
      const auto done = writer->append(from_millis(time), rows);
      REQUIRE(done);
      REQUIRE(done->appended == rows.size());
      if (time / kMinute % 2 == 0) store->tend();
    }
  }
  std::vector<TierWindow> windows(std::size_t series, Tier tier, std::int64_t from = kStart - kHour,
                                  std::int64_t to = kStart + 100 * kDay) const {
    std::vector<Matcher> matchers;
    for (const Label& label : labels[series])
      matchers.push_back(Matcher::equal(label.name, label.value));
    const TimeRange range{from_millis(from), from_millis(to)};
    const auto found = store->select(matchers, range, 10, nullptr);
    REQUIRE(found);
    std::vector<TierWindow> out;
    if ((*found)->size() == 0) return out;
    const auto read = (*found)->read_tier(0, tier, range, out);
    REQUIRE_MESSAGE(read, read.error().what());
    return out;
  }
  std::vector<TierWindow> expected(std::size_t series, Tier tier) const {
    std::vector<TierWindow> out;
    fold_samples(all[series], tier_step(tier), out);
    return out;
  }
  // Every window there is says what the samples said, and the newest `held` of time are all there.
  void check(Tier tier, std::int64_t held) const {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      CAPTURE(i);
      const auto want = expected(i, tier);
      const auto have = windows(i, tier);
      REQUIRE(have.size() <= want.size());
      const std::size_t gone = want.size() - have.size();
      bool same = true;
      for (std::size_t w = 0; w < have.size() && same; ++w) {
        // The oldest may have lost its first part.
        same = have[w] == want[gone + w] || (w == 0 && gone > 0 && have[w].end == want[gone].end);
        if (!same) {
          CAPTURE(w);
          CAPTURE(have[w].end);
          CAPTURE(want[gone + w].end);
          CAPTURE(have[w].count);
          CAPTURE(want[gone + w].count);
          CHECK(have[w] == want[gone + w]);
        }
      }
      if (gone > 0) CHECK(want[gone].end <= time - held);
    }
  }
};

TEST_CASE("windows are made before their samples leave, and hours before five minutes do") {
  TierRig rig;
  rig.run(12 * kHour);
  rig.check(Tier::k5m, 12 * kHour);
  rig.check(Tier::k1h, 12 * kHour);
  rig.run(6 * kDay);
  const Retention kept = rig.store->retention();
  REQUIRE(kept.dropped_until);
  CHECK(*kept.dropped_until > from_millis(rig.time - 3 * kDay));
  CHECK(*kept.dropped_until < from_millis(rig.time - kHour));
  REQUIRE(kept.tier_from[0]);
  REQUIRE(kept.tier_from[1]);
  CHECK(*kept.tier_from[0] > from_millis(kStart + kDay));
  CHECK(*kept.tier_from[1] < from_millis(kStart + kHour));
  rig.check(Tier::k5m, 12 * kHour);
  rig.check(Tier::k1h, 6 * kDay);
  // What is said to be held sample by sample is.
  const std::int64_t from = to_millis(*kept.dropped_until) + 1;
  for (std::size_t i = 0; i < rig.labels.size(); ++i) {
    const SampleColumns have = rig.columns(rig.labels[i], from);
    const auto first = std::lower_bound(rig.all[i].times.begin(), rig.all[i].times.end(), from);
    CHECK(have.times == std::vector<std::int64_t>(first, rig.all[i].times.end()));
  }
}

TEST_CASE("a start finds the windows, and goes on with them") {
  TierRig rig;
  rig.run(3 * kDay + 5 * kHour);
  const auto dropped = rig.store->retention().dropped_until;
  REQUIRE(dropped);
  for (int life = 0; life < 4; ++life) {
    rig.start();
    CHECK(rig.store->retention().dropped_until == dropped);
    rig.check(Tier::k5m, 12 * kHour);
    rig.check(Tier::k1h, 2 * kDay);
    if (life < 2) {
      rig.store->tend();  // what is due is there already
      rig.check(Tier::k1h, 2 * kDay);
    }
  }
  rig.run(kDay);
  rig.start();
  rig.check(Tier::k5m, 12 * kHour);
  rig.check(Tier::k1h, 3 * kDay);
}

TEST_CASE("windows survive a power cut") {
  TierRig rig;
  for (int life = 0; life < 6; ++life) {
    rig.run(15 * kHour + 7 * kMinute);
    REQUIRE(rig.store->sync());
    rig.writer.reset();
    rig.store.reset();
    rig.ring.reset();
    rig.fs.crash();
    rig.start();
    rig.check(Tier::k5m, 12 * kHour);
    rig.check(Tier::k1h, 15 * kHour * (life + 1));
  }
}

TEST_CASE("late samples are in the windows of their time") {
  TierRig rig(4, 40);
  for (int i = 0; i < 200; ++i) {
    rig.run(7 * kMinute);
    // Up to an hour late, between two scrapes.
    rig.append(3, rig.time - static_cast<std::int64_t>(rig.dice.below(3'500'000)) - 31, 17);
  }
  rig.check(Tier::k5m, 20 * kHour);
  rig.check(Tier::k1h, 20 * kHour);
  rig.start();
  rig.check(Tier::k5m, 20 * kHour);
}

TEST_CASE("a group that fell silent is made windows of, and may come again") {
  TierRig rig;
  rig.run(3 * kHour + 20 * kMinute);
  rig.clock.advance(Duration(6 * kHour));
  rig.time += 6 * kHour;
  rig.store->tend();  // pages of what is open
  rig.clock.advance(Duration(2 * kMinute));
  rig.time += 2 * kMinute;
  rig.store->tend();
  CHECK(rig.ring->use(ring::SegmentClass::kT5m).bytes_appended > 0);
  CHECK(rig.ring->use(ring::SegmentClass::kT1h).bytes_appended > 0);
  rig.check(Tier::k1h, 9 * kHour);
  rig.run(5 * kHour);
  rig.check(Tier::k5m, 9 * kHour);
  rig.check(Tier::k1h, 9 * kHour);
}

TEST_CASE("series are found where only tiers know of them") {
  TierRig rig;
  auto other = rig.group("other");
  const LabelSet old{{"__name__", "old"}};
  const auto slot = other->slot(old);
  REQUIRE(slot);
  for (int i = 0; i < 100; ++i) {
    const Row r = row(*slot, i);
    rig.time += kMinute;
    rig.clock.advance(Duration(kMinute));
    REQUIRE(other->append(from_millis(rig.time), {&r, 1}));
  }
  rig.run(4 * kDay);
  const std::vector<Matcher> matchers{Matcher::equal("__name__", "old")};
  const TimeRange range{from_millis(kStart), from_millis(rig.time)};
  const auto found = rig.store->select(matchers, range, 10, nullptr);
  REQUIRE(found);
  REQUIRE((*found)->size() == 1);
  SampleColumns samples;
  REQUIRE((*found)->read(0, range, samples));
  CHECK(samples.size() == 0);
  std::vector<TierWindow> windows;
  REQUIRE((*found)->read_tier(0, Tier::k1h, range, windows));
  REQUIRE(windows.size() >= 2);
  std::uint32_t count = 0;
  for (const TierWindow& w : windows) count += w.count;
  CHECK(count == 100);
  const auto names = rig.store->label_values("__name__", {}, range, 0);
  REQUIRE(names);
  CHECK(std::find(names->begin(), names->end(), "old") != names->end());
  // Not where they cannot have been.
  const TimeRange now{from_millis(rig.time - kHour), from_millis(rig.time)};
  CHECK((*rig.store->select(matchers, now, 10, nullptr))->size() == 0);
}

TEST_CASE("what a smaller budget took is not said to be held") {
  TierRig rig(20, 40);
  rig.run(8 * kDay);
  const auto before = rig.store->retention().dropped_until;
  const std::size_t held = rig.ring->segments(ring::SegmentClass::kRaw).size();
  rig.ring_options.bytes = 16 * std::uint64_t{rig.ring_options.segment_bytes} + 8192;
  rig.start();
  const auto raw = rig.ring->segments(ring::SegmentClass::kRaw);
  REQUIRE(raw.size() < held);
  const auto after = rig.store->retention().dropped_until;
  REQUIRE(after);
  CHECK(after > before);
  CHECK(*after <= from_millis(raw[0].times.max));
  const std::int64_t from = to_millis(*after) + 1;
  const SampleColumns have = rig.columns(rig.labels[0], from);
  const auto first = std::lower_bound(rig.all[0].times.begin(), rig.all[0].times.end(), from);
  CHECK(have.times == std::vector<std::int64_t>(first, rig.all[0].times.end()));
  rig.check(Tier::k1h, kDay);
}

TEST_CASE("tiers that come late, into a ring that is full, make room and begin") {
  TierRig rig;
  rig.writer.reset();
  rig.store.reset();
  rig.ring.reset();
  REQUIRE(rig.fs.make_dirs("/late"));
  rig.ring_options.path = "/late";
  rig.ring_options.parts = {300, 700, 0, 0, 0, 0};
  rig.start();
  rig.run(6 * kDay);
  REQUIRE(rig.store->retention().dropped_until);
  rig.ring_options.parts = {250, 250, 250, 250, 0, 0};
  rig.start();
  const std::int64_t since = rig.time;
  rig.run(3 * kDay);
  const auto kept = rig.store->retention();
  REQUIRE(kept.tier_from[1]);
  CHECK(*kept.tier_from[1] < from_millis(since));
  rig.check(Tier::k5m, 12 * kHour);
  rig.check(Tier::k1h, 3 * kDay);
}

TEST_CASE("other shares at a restart lose nothing by themselves, and later only what does not fit") {
  const ring::Parts even = {250, 250, 250, 250, 0, 0};
  for (const ring::Parts& later :
       {ring::Parts{250, 100, 250, 400, 0, 0}, ring::Parts{250, 400, 250, 100, 0, 0},
        ring::Parts{250, 150, 450, 150, 0, 0}}) {
    TierRig rig;
    rig.run(6 * kDay);
    std::vector<std::vector<TierWindow>> minutes, hours;
    for (std::size_t i = 0; i < rig.labels.size(); ++i) {
      minutes.push_back(rig.windows(i, Tier::k5m));
      hours.push_back(rig.windows(i, Tier::k1h));
    }
    const auto before = rig.store->retention();
    REQUIRE(before.dropped_until);
    const SampleColumns raw = rig.columns(rig.labels[0], to_millis(*before.dropped_until) + 1);
    rig.ring_options.parts = later;
    rig.start();
    // The start itself.
    for (std::size_t i = 0; i < rig.labels.size(); ++i) {
      CHECK(rig.windows(i, Tier::k5m) == minutes[i]);
      CHECK(rig.windows(i, Tier::k1h) == hours[i]);
    }
    CHECK(rig.store->retention().dropped_until == before.dropped_until);
    CHECK(rig.columns(rig.labels[0], to_millis(*before.dropped_until) + 1).times == raw.times);
    // Going on. A class with a larger share, or the same, keeps what it has while it is not full.
    const auto oldest = [&](ring::SegmentClass cls) {
      return rig.ring->segments(cls).front().times.min;
    };
    const std::int64_t oldest_hours = oldest(ring::SegmentClass::kT1h);
    const std::int64_t oldest_minutes = oldest(ring::SegmentClass::kT5m);
    const std::int64_t oldest_raw = oldest(ring::SegmentClass::kRaw);
    rig.run(6 * kHour);
    if (later[3] > even[3]) CHECK(oldest(ring::SegmentClass::kT1h) == oldest_hours);
    if (later[2] > even[2]) CHECK(oldest(ring::SegmentClass::kT5m) == oldest_minutes);
    if (later[1] > even[1]) CHECK(oldest(ring::SegmentClass::kRaw) == oldest_raw);
    rig.run(2 * kDay);
    rig.check(Tier::k5m, 6 * kHour);
    rig.check(Tier::k1h, kDay);
  }
}

TEST_CASE("without room for tiers nothing is kept in them") {
  TierRig rig;
  rig.writer.reset();
  rig.store.reset();
  rig.ring.reset();
  REQUIRE(rig.fs.make_dirs("/none"));
  rig.ring_options.path = "/none";
  rig.ring_options.parts = {400, 600, 0, 0, 0, 0};
  rig.start();
  rig.run(5 * kDay);
  CHECK(rig.store->retention().dropped_until);
  CHECK_FALSE(rig.store->retention().tier_from[0]);
  CHECK_FALSE(rig.store->retention().tier_from[1]);
}

}  // namespace
}  // namespace nines::storage
