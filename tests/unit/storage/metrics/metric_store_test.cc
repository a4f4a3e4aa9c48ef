// What was appended is what queries see: at once, after pages were written, after a kill.
#include <bit>
#include <cmath>
#include <string>

#include "base/model/sample.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

const LabelSet kUp{{"__name__", "up"}, {"job", "node"}};
const LabelSet kLoad{{"__name__", "load"}, {"job", "node"}};

TEST_CASE("a scrape is visible when append() returns") {
  StoreRig rig;
  auto group = rig.group("scrape/a");
  const Slot up = *group->slot(kUp);
  const std::int64_t now = to_millis(rig.clock.now());
  const Row rows[] = {row(up, 1)};
  const auto outcome = group->append(from_millis(now), rows);
  REQUIRE(outcome);
  CHECK(outcome->appended == 1);
  CHECK(rig.points(kUp) == StoreRig::Points{{now, 1}});
  CHECK(rig.points(kUp, now + 1).empty());
  CHECK(rig.points(kUp, now, now).size() == 1);  // closed at both ends
}

TEST_CASE("pages, kills and restarts change nothing that is read") {
  StoreRig rig;
  StoreRig::Points expected;
  std::int64_t now = to_millis(rig.clock.now());
  for (int life = 0; life < 4; ++life) {
    auto group = rig.group("scrape/a");
    const Slot up = *group->slot(kUp);
    const Slot load = *group->slot(kLoad);
    for (int i = 0; i < 150; ++i) {
      now += 15'000;
      rig.clock.advance(Duration(15'000));
      const double value = i % 40 == 39 ? stale_nan() : i * 0.25 - life;
      const Row rows[] = {row(up, value), row(load, i)};
      REQUIRE(group->append(from_millis(now), rows));
      if (i % 40 != 39) expected.emplace_back(now, value);
      if (i % 50 == 0) rig.store->tend();
    }
    group.reset();
    rig.kill();
  }
  StoreRig::Points got;
  for (const auto& [at, value] : rig.points(kUp)) {
    if (!is_stale_nan(value)) got.emplace_back(at, value);
  }
  CHECK(got == expected);
  CHECK(rig.points(kUp).size() == 600);  // the markers are there too
}

TEST_CASE("power loss keeps what was synced, in order, without a gap") {
  StoreRig rig;
  auto group = rig.group("scrape/a");
  const Slot up = *group->slot(kUp);
  std::int64_t now = to_millis(rig.clock.now());
  const auto append = [&](int n) {
    for (int i = 0; i < n; ++i) {
      const Row rows[] = {row(up, i)};
      REQUIRE(group->append(from_millis(now += 1000), rows));
    }
  };
  append(100);
  REQUIRE(rig.store->sync());
  append(20);
  group.reset();
  rig.lose_power();
  const auto points = rig.points(kUp);
  CHECK(points.size() >= 100);
  for (std::size_t i = 1; i < points.size(); ++i)
    CHECK(points[i].first == points[i - 1].first + 1000);
}

TEST_CASE("with sync always, what append() acknowledged survives power loss") {
  StoreRig rig;
  rig.options.sync_always = true;
  rig.open();
  auto group = rig.group("scrape/a");
  const Slot up = *group->slot(kUp);
  const Row rows[] = {row(up, 7)};
  REQUIRE(group->append(rig.clock.now(), rows));
  group.reset();
  rig.lose_power();
  CHECK(rig.points(kUp).size() == 1);
}

TEST_CASE("late samples within the window are kept in their place, older ones counted") {
  StoreRig rig;
  rig.options.out_of_order_window = Duration(600'000);
  rig.open();
  auto group = rig.group("g");
  const Slot up = *group->slot(kUp);
  const std::int64_t now = to_millis(rig.clock.now());
  const auto append = [&](std::int64_t at, double value) {
    const Row rows[] = {row(up, value)};
    return *group->append(from_millis(at), rows);
  };
  CHECK(append(now, 3).appended == 1);
  CHECK(append(now - 10'000, 2).appended == 1);
  CHECK(append(now - 600'000, 1).appended == 1);      // at the edge
  CHECK(append(now - 600'001, 0).out_of_order == 1);  // one beyond
  CHECK(append(now, 3).duplicates == 1);
  CHECK(append(now, 4).conflicts == 1);
  CHECK(append(now - 10'000, 2).duplicates == 1);
  const StoreRig::Points expected = {{now - 600'000, 1}, {now - 10'000, 2}, {now, 3}};
  CHECK(rig.points(kUp) == expected);
  REQUIRE(rig.store->flush());
  CHECK(rig.points(kUp) == expected);
  group.reset();
  rig.kill();
  CHECK(rig.points(kUp) == expected);
}

TEST_CASE("samples more than ten minutes ahead are refused") {
  StoreRig rig;
  auto group = rig.group("g");
  const Slot up = *group->slot(kUp);
  const Row rows[] = {row(up, 1)};
  CHECK(group->append(rig.clock.now() + Duration(600'000), rows)->appended == 1);
  CHECK(group->append(rig.clock.now() + Duration(600'001), rows)->too_far_ahead == 1);
}

TEST_CASE("series limits refuse the newcomer, by name, and nobody else") {
  StoreRig rig;
  rig.options.series_max = 3;
  rig.options.series_per_group_max = 2;
  rig.open();
  auto a = rig.group("a");
  auto b = rig.group("b");
  const auto series = [](int i) { return LabelSet{{"__name__", "m"}, {"i", std::to_string(i)}}; };
  REQUIRE(a->slot(series(0)));
  REQUIRE(a->slot(series(1)));
  const auto third = a->slot(series(2));
  REQUIRE_FALSE(third);
  CHECK(third.error().code() == ErrorCode::kLimit);
  CHECK(third.error().what().find("max_series_per_target") != std::string::npos);
  REQUIRE(b->slot(series(2)));
  const auto fourth = b->slot(series(3));
  REQUIRE_FALSE(fourth);
  CHECK(fourth.error().what().find("max_series") != std::string::npos);
  CHECK(fourth.error().what().find("i=\"3\"") != std::string::npos);
  CHECK(a->slot(series(0)));  // those that are there go on
  StoreStatus status;
  rig.store->add_status(status, 10);
  CHECK(status.series_refused == 2);
  CHECK(status.head_series == 3);
}

TEST_CASE("every double comes back bit for bit, from the journal and from pages") {
  StoreRig rig;
  auto group = rig.group("g");
  const Slot up = *group->slot(kUp);
  std::vector<double> values = {0.0,
                                -0.0,
                                1e300,
                                -1e-300,
                                stale_nan(),
                                0.1,
                                1.0 / 3,
                                HUGE_VAL,
                                -HUGE_VAL,
                                std::bit_cast<double>(0x7FF8000000000001ULL),
                                9007199254740993.0,
                                5e-324};
  testing::SeededRng dice(5);
  while (values.size() < 500) values.push_back(std::bit_cast<double>(dice.next()));
  std::int64_t now = to_millis(rig.clock.now());
  for (const double value : values) {
    now += 1000;
    rig.clock.advance(Duration(1000));
    const Row rows[] = {row(up, value)};
    REQUIRE(group->append(from_millis(now), rows));
  }
  const auto check = [&] {
    const SampleColumns columns = rig.columns(kUp);
    REQUIRE(columns.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(std::bit_cast<std::uint64_t>(columns.values[i]) ==
            std::bit_cast<std::uint64_t>(values[i]));
  };
  check();
  group.reset();
  rig.kill();
  check();
}

TEST_CASE("histograms, start times and own times come back") {
  StoreRig rig;
  auto group = rig.group("g");
  const Slot slot = *group->slot(kUp);
  const Slot other = *group->slot(kLoad);
  std::int64_t now = to_millis(rig.clock.now());
  const std::int64_t began = now - 5000;
  Histogram h;
  h.schema = 1;
  h.count = 3;
  h.sum = 4.5;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {1, 2};
  for (int i = 0; i < 100; ++i) {
    h.count += 1;
    h.positive_buckets[1] += 1;
    Row rows[2] = {row(slot, 0), row(other, i)};
    rows[0].histogram = &h;
    rows[0].start_time_ms = i < 50 ? began : now;
    rows[1].own_time_ms = now + 1000 - 3;
    REQUIRE(group->append(from_millis(now += 1000), rows));
    rig.clock.advance(Duration(1000));
  }
  const auto check = [&] {
    const SampleColumns columns = rig.columns(kUp);
    REQUIRE(columns.size() == 100);
    REQUIRE(columns.histograms.size() == 100);
    REQUIRE(columns.start_times.size() == 100);
    CHECK(columns.histograms[99]->count == 103);
    CHECK(columns.histograms[0]->positive_buckets == std::vector<double>{1, 3});
    CHECK(columns.start_times[0] == began);
    CHECK(columns.start_times[99] == now - 1000);
    const SampleColumns own = rig.columns(kLoad);
    REQUIRE(own.size() == 100);
    CHECK(own.times[99] == now - 3);
    CHECK(own.start_times.empty());
  };
  check();
  REQUIRE(rig.store->flush());
  check();
  group.reset();
  rig.kill();
  check();
}

TEST_CASE("the ring keeps the newest and drops the oldest, at a fixed size") {
  StoreRig rig(16, 256u << 10);
  auto group = rig.group("g");
  std::vector<Slot> slots;
  for (int i = 0; i < 200; ++i)
    slots.push_back(*group->slot(LabelSet{{"__name__", "noise"}, {"i", std::to_string(i)}}));
  testing::SeededRng dice(9);
  std::int64_t now = to_millis(rig.clock.now());
  const std::int64_t start = now;
  for (int scrape = 0; scrape < 1500; ++scrape) {
    std::vector<Row> rows;
    for (const Slot slot : slots)
      rows.push_back(row(slot, std::bit_cast<double>(dice.next() >> 2)));
    now += 15'000;
    rig.clock.advance(Duration(15'000));
    REQUIRE(group->append(from_millis(now), rows));
    if (scrape % 20 == 0) rig.store->tend();
  }
  CHECK(rig.ring->bytes() == rig.ring_options.bytes);
  const LabelSet one{{"__name__", "noise"}, {"i", "7"}};
  const auto before = rig.points(one);
  REQUIRE(before.size() > 20);
  CHECK(before.back().first == now);
  CHECK(before.front().first > start + 15'000);
  for (std::size_t i = 1; i < before.size(); ++i)
    CHECK(before[i].first == before[i - 1].first + 15'000);
  group.reset();
  rig.kill();
  CHECK(rig.points(one) == before);
}

TEST_CASE("a segment continued after a restart is indexed whole when it is full") {
  StoreRig rig(32, 64u << 10);
  testing::SeededRng dice(13);
  const LabelSet one{{"__name__", "noise"}, {"i", "7"}};
  std::int64_t now = to_millis(rig.clock.now());
  std::size_t appended = 0;
  for (int life = 0; life < 12; ++life) {
    auto group = rig.group("g");
    std::vector<Slot> slots;
    for (int i = 0; i < 20; ++i)
      slots.push_back(*group->slot(LabelSet{{"__name__", "noise"}, {"i", std::to_string(i)}}));
    for (int scrape = 0; scrape < 37; ++scrape) {
      std::vector<Row> rows;
      for (const Slot slot : slots)
        rows.push_back(row(slot, std::bit_cast<double>(dice.next() >> 2)));
      now += 15'000;
      rig.clock.advance(Duration(15'000));
      REQUIRE(group->append(from_millis(now), rows));
      ++appended;
    }
    group.reset();
    rig.kill();
    REQUIRE(rig.points(one).size() == appended);
  }
}

TEST_CASE(
    "a group larger than a segment's share is cut into pages, and refused what no layout holds") {
  StoreRig rig(16, 64u << 10);
  auto group = rig.group("g");
  testing::SeededRng dice(11);
  std::vector<Slot> slots;
  std::string refusal;
  for (int i = 0; i < 1000; ++i) {
    const auto slot = group->slot(LabelSet{{"__name__", "noise"}, {"i", std::to_string(i)}});
    if (!slot) {
      refusal = slot.error().what();
      break;
    }
    slots.push_back(*slot);
  }
  CHECK(refusal.find("[storage] budget") != std::string::npos);
  REQUIRE(slots.size() > 50);
  std::int64_t now = to_millis(rig.clock.now());
  for (int scrape = 0; scrape < 300; ++scrape) {
    std::vector<Row> rows;
    for (const Slot slot : slots)
      rows.push_back(row(slot, std::bit_cast<double>(dice.next() >> 2)));
    now += 15'000;
    rig.clock.advance(Duration(15'000));
    REQUIRE(group->append(from_millis(now), rows));
  }
  const LabelSet first{{"__name__", "noise"}, {"i", "0"}};
  const LabelSet last{{"__name__", "noise"}, {"i", std::to_string(slots.size() - 1)}};
  const auto before = rig.points(first);
  CHECK(before.size() > 64);
  const auto before_last = rig.points(last);
  group.reset();
  rig.kill();
  CHECK(rig.points(first) == before);
  CHECK(rig.points(last).size() == before_last.size());
}

TEST_CASE("a group has one writer at a time, and goes on where it was") {
  StoreRig rig;
  auto first = rig.group("g");
  CHECK(rig.store->open_group("g").error().code() == ErrorCode::kInvalid);
  const Slot a = *first->slot(kUp);
  first.reset();
  auto second = rig.group("g");
  CHECK(*second->slot(kUp) == a);
}

TEST_CASE("series that become known later stand beside the old ones") {
  StoreRig rig;
  auto group = rig.group("g");
  std::int64_t now = to_millis(rig.clock.now());
  std::vector<Slot> slots;
  for (int i = 0; i < 100; ++i) {
    slots.push_back(*group->slot(LabelSet{{"__name__", "m"}, {"i", std::to_string(i)}}));
    std::vector<Row> rows;
    for (const Slot slot : slots) rows.push_back(row(slot, i));
    REQUIRE(group->append(from_millis(now += 1000), rows));
    rig.clock.advance(Duration(1000));
  }
  group.reset();
  rig.kill();
  for (int i = 0; i < 100; ++i)
    CHECK(rig.points(LabelSet{{"__name__", "m"}, {"i", std::to_string(i)}}).size() ==
          static_cast<std::size_t>(100 - i));
  const auto names = rig.store->label_names({}, {from_millis(0), from_millis(now)}, 0);
  CHECK(*names == std::vector<std::string>{"__name__", "i"});
  CHECK(rig.store->label_values("i", {}, {from_millis(0), from_millis(now)}, 7)->size() == 7);
  CHECK(rig.store->label_values("i", {}, {from_millis(now + 1), from_millis(now + 2)}, 0)->empty());
}

TEST_CASE("a selector that everything matches is refused, one over its limit too") {
  StoreRig rig;
  auto group = rig.group("g");
  const Row rows[] = {row(*group->slot(kUp), 1), row(*group->slot(kLoad), 1)};
  REQUIRE(group->append(rig.clock.now(), rows));
  const TimeRange all{from_millis(0), rig.clock.now()};
  const std::vector<Matcher> any = {*Matcher::make(MatchOp::kRegex, "job", ".*")};
  CHECK(rig.store->select(any, all, 10, nullptr).error().code() == ErrorCode::kInvalid);
  const std::vector<Matcher> node = {Matcher::equal("job", "node")};
  CHECK(rig.store->select(node, all, 1, nullptr).error().code() == ErrorCode::kLimit);
  CHECK((*rig.store->select(node, all, 2, nullptr))->size() == 2);
}

TEST_CASE("metadata survives a restart") {
  StoreRig rig;
  rig.store->set_metadata("up", {MetricType::kGauge, "Is it there?", ""});
  rig.store->tend();
  rig.kill();
  const auto metadata = rig.store->metadata();
  REQUIRE(metadata.contains("up"));
  CHECK(metadata.at("up").help == "Is it there?");
  CHECK(metadata.at("up").type == MetricType::kGauge);
}

TEST_CASE("a damaged place is skipped, counted and named; the rest is kept") {
  StoreRig rig;
  auto group = rig.group("g");
  const Slot up = *group->slot(kUp);
  std::int64_t now = to_millis(rig.clock.now());
  for (int i = 0; i < 60; ++i) {
    const Row rows[] = {row(up, i)};
    REQUIRE(group->append(from_millis(now += 1000), rows));
  }
  group.reset();
  const auto segments = rig.ring->segments(ring::SegmentClass::kJournal);
  REQUIRE(segments.size() == 1);
  std::vector<std::uint32_t> places;
  REQUIRE(
      rig.ring->scan(segments[0].segment, segments[0].generation, [&](const ring::Frame& frame) {
        places.push_back(frame.location.offset);
        return true;
      }));
  rig.store.reset();
  rig.ring.reset();
  rig.fs.flip_bit("/data/" + ring::segment_name(segments[0].segment), places[30] + 26, 2);
  rig.open();
  StoreStatus status;
  rig.store->add_status(status, 0);
  CHECK(status.damaged_segments == 1);
  REQUIRE(status.damage.size() == 1);
  CHECK(status.damage[0].find(ring::segment_name(segments[0].segment)) != std::string::npos);
  // Rows are relative to the ones before them, up to the next key frame.
  CHECK(rig.points(kUp).size() >= 60 - 16);
}

TEST_CASE("a group name and a series survive any bytes in their labels") {
  StoreRig rig;
  const LabelSet odd{{"__name__", "odd"},
                     {"text", std::string("\0\xff\n\"\\", 5)},
                     {"long", std::string(4000, 'x')}};
  auto group = rig.group("name with \n and \xff");
  const Row rows[] = {row(*group->slot(odd), 1)};
  REQUIRE(group->append(rig.clock.now(), rows));
  group.reset();
  rig.kill();
  CHECK(rig.points(odd).size() == 1);
}

TEST_CASE(
    "what a failed operation left unsynced is written again: nothing is lost when the power goes") {
  for (std::uint64_t nth = 1; nth <= 60; ++nth) {
    StoreRig rig(16, 64u << 10);
    rig.options.rows_per_page = 8;
    rig.open();
    auto group = rig.group("g");
    const Slot up = *group->slot(kUp);
    std::int64_t now = to_millis(rig.clock.now());
    rig.fs.fail_nth(nth);
    int appended = 0;
    for (int i = 0; i < 80; ++i) {
      now += 1000;
      rig.clock.advance(Duration(1000));
      const Row rows[] = {row(up, i * 1.5)};
      (void)group->append(from_millis(now), rows);  // kIo at most: memory has the rows
      ++appended;
      if (i % 5 == 0) (void)rig.store->sync();
      if (i % 7 == 0) rig.store->tend();
    }
    CHECK(rig.points(kUp).size() == static_cast<std::size_t>(appended));
    rig.store->tend();
    REQUIRE(rig.store->sync());
    group.reset();
    rig.lose_power();
    const std::size_t kept = rig.points(kUp).size();
    CHECK_MESSAGE(kept == static_cast<std::size_t>(appended), "operation " << nth);
  }
}

}  // namespace
}  // namespace nines::storage
