// Lines come back in order, whole and once, whatever happens to the process.
#include "storage/logs/log_store.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

using testing::MemFs;
using testing::SimClock;
using testing::SimScheduler;

const LabelSet kApp{{"app", "shop"}};
const LabelSet kDb{{"app", "db"}};

struct Rig {
  MemFs fs;
  SimClock clock{from_millis(1'700'000'000'000)};
  SimScheduler scheduler{clock};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  ring::RingOptions ring_options;
  LogOptions options;
  std::unique_ptr<ring::Ring> ring;
  std::unique_ptr<LogStore> store;

  explicit Rig(std::uint64_t segments = 32) {
    REQUIRE(fs.make_dirs("/data"));
    ring_options.path = "/data";
    ring_options.segment_bytes = 256u << 10;
    ring_options.bytes = segments * ring_options.segment_bytes + 8192;
    options.block_bytes = 16u << 10;
    options.head_bytes = 64u << 10;
    options.line_bytes_max = 4096;
    options.sync_interval = Duration(0);
    open();
  }
  void open() {
    store.reset();
    ring.reset();
    auto opened = ring::Ring::open(ring_options, fs, clock, *log);
    REQUIRE_MESSAGE(opened, opened.error().what());
    ring = *std::move(opened);
    auto made = LogStore::open(*ring, options, {clock, scheduler, *log, *telemetry});
    REQUIRE_MESSAGE(made, made.error().what());
    store = *std::move(made);
  }
  void lose_power() {
    store.reset();
    ring.reset();
    fs.crash();
    open();
  }
  LogTime at(std::int64_t seconds) const { return LogTime(clock.now() + Duration(seconds * 1000)); }
  void put(const LabelSet& stream, std::int64_t seconds, const std::string& text) {
    const LogLine line{at(seconds), text};
    const auto done = store->append(stream, std::span(&line, 1));
    REQUIRE_MESSAGE(done, done.error().what());
  }
  std::vector<std::string> lines(const LabelSet& stream, LogOrder order = LogOrder::kOldestFirst) {
    std::vector<Matcher> matchers;
    for (const Label& label : stream) matchers.push_back(Matcher::equal(label.name, label.value));
    std::vector<std::string> out;
    const auto done = store->scan(matchers, {LogTime(from_millis(0)), at(1'000'000)}, order,
                                  [&](const LabelSet&, const LogLine& line) {
                                    out.emplace_back(line.text);
                                    return true;
                                  });
    REQUIRE(done);
    return out;
  }
};

TEST_CASE("lines more than two minutes behind the clock are late, and told once") {
  Rig rig;
  CHECK_FALSE(rig.store->take_late());
  rig.put(kApp, 0, "now");
  rig.put(kApp, -120, "on the limit");
  CHECK_FALSE(rig.store->take_late());
  rig.put(kDb, -121, "late");
  rig.put(kApp, -300, "later");
  rig.put(kApp, -200, "late");
  CHECK(rig.store->take_late() == rig.clock.now() - Duration(300'000));
  CHECK_FALSE(rig.store->take_late());
}

TEST_CASE("lines are there at once, after blocks were cut, and after a kill") {
  Rig rig;
  std::vector<std::string> expected;
  for (int i = 0; i < 6000; ++i) {
    expected.push_back("line " + std::to_string(i) + " of the shop");
    rig.put(kApp, i, expected.back());
    if (i % 10 == 0) rig.put(kDb, i, "db");
    if (i % 1000 == 999) REQUIRE(rig.store->maintain());
  }
  CHECK(rig.lines(kApp) == expected);
  CHECK(rig.lines(kDb).size() == 600);
  CHECK(rig.store->status().blocks > 0);
  rig.open();
  CHECK(rig.lines(kApp) == expected);
  auto reversed = rig.lines(kApp, LogOrder::kNewestFirst);
  std::reverse(reversed.begin(), reversed.end());
  CHECK(reversed == expected);
  REQUIRE(rig.store->cut());
  CHECK(rig.lines(kApp) == expected);
  rig.lose_power();
  CHECK(rig.lines(kApp) == expected);
}

TEST_CASE("what flush() acknowledged survives power loss") {
  Rig rig;
  rig.put(kApp, 1, "kept");
  REQUIRE(rig.store->flush());
  rig.put(kApp, 2, "perhaps lost");
  rig.lose_power();
  const auto lines = rig.lines(kApp);
  REQUIRE_FALSE(lines.empty());
  CHECK(lines[0] == "kept");
}

TEST_CASE("lines of any time find their place; equal times keep their order") {
  Rig rig;
  rig.put(kApp, 10, "ten");
  rig.put(kApp, 5, "five");
  rig.put(kApp, 10, "ten again");
  rig.put(kApp, 7, "seven");
  const std::vector<std::string> expected = {"five", "seven", "ten", "ten again"};
  CHECK(rig.lines(kApp) == expected);
  REQUIRE(rig.store->cut());
  rig.put(kApp, 6, "six, after the block was cut");
  CHECK(rig.lines(kApp) == std::vector<std::string>{"five", "six, after the block was cut", "seven",
                                                    "ten", "ten again"});
}

TEST_CASE("a scan takes [from, to) and stops when told") {
  Rig rig;
  for (int i = 0; i < 10; ++i) rig.put(kApp, i, std::to_string(i));
  const std::vector<Matcher> matchers = {Matcher::equal("app", "shop")};
  std::string seen;
  REQUIRE(rig.store->scan(matchers, {rig.at(2), rig.at(5)}, LogOrder::kOldestFirst,
                          [&](const LabelSet&, const LogLine& line) {
                            seen += line.text;
                            return true;
                          }));
  CHECK(seen == "234");
  seen.clear();
  REQUIRE(rig.store->scan(matchers, {rig.at(0), rig.at(100)}, LogOrder::kNewestFirst,
                          [&](const LabelSet&, const LogLine& line) {
                            seen += line.text;
                            return seen.size() < 3;
                          }));
  CHECK(seen == "987");
}

TEST_CASE("any bytes are a line; longer ones than the limit are cut there") {
  Rig rig;
  const std::string odd("\0\xff\xfe \"quotes\" \t", 14);
  rig.put(kApp, 1, odd);
  rig.put(kApp, 2, std::string(4096, 'x'));
  rig.put(kApp, 3, std::string(4097, 'y'));
  rig.put(kApp, 4, "");
  for (int round = 0; round < 2; ++round) {
    const auto lines = rig.lines(kApp);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] == odd);
    CHECK(lines[1].size() == 4096);
    CHECK(lines[2].size() <= 4096);
    CHECK(lines[3].empty());
    REQUIRE(rig.store->cut());
  }
}

TEST_CASE("streams have a limit, which names itself") {
  Rig rig;
  rig.options.streams_max = 2;
  rig.open();
  rig.put(kApp, 1, "a");
  rig.put(kDb, 1, "b");
  const LogLine line{rig.at(1), "c"};
  const auto refused = rig.store->append(LabelSet{{"app", "third"}}, std::span(&line, 1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kLimit);
  rig.put(kApp, 2, "the old ones go on");
}

TEST_CASE("the oldest lines go when the ring is full, and the rest stays in order") {
  Rig rig(16);
  testing::SeededRng dice(3);
  int n = 0;
  for (; n < 12'000; ++n) {
    std::string text = std::to_string(n) + " ";
    for (int i = 0; i < 40; ++i) text += std::to_string(dice.next());
    rig.put(kApp, n, text);
  }
  const auto lines = rig.lines(kApp);
  REQUIRE(lines.size() > 100);
  CHECK(lines.size() < 12'000);
  CHECK(std::stoi(lines.back()) == n - 1);
  for (std::size_t i = 1; i < lines.size(); ++i)
    CHECK(std::stoi(lines[i]) == std::stoi(lines[i - 1]) + 1);
  CHECK(rig.ring->bytes() == rig.ring_options.bytes);
}

TEST_CASE("a damaged block is skipped and counted") {
  Rig rig;
  for (int i = 0; i < 6000; ++i) rig.put(kApp, i, "line " + std::to_string(i) + " of the shop");
  REQUIRE(rig.store->cut());
  const auto segments = rig.ring->segments(ring::SegmentClass::kLogs);
  REQUIRE_FALSE(segments.empty());
  std::vector<std::uint32_t> places;
  REQUIRE(
      rig.ring->scan(segments[0].segment, segments[0].generation, [&](const ring::Frame& frame) {
        places.push_back(frame.location.offset);
        return true;
      }));
  REQUIRE(places.size() > 2);
  rig.store.reset();
  rig.ring.reset();
  rig.fs.flip_bit("/data/" + ring::segment_name(segments[0].segment), places[1] + 40, 5);
  rig.open();
  const auto lines = rig.lines(kApp);
  CHECK(lines.size() < 6000);
  CHECK(lines.size() > 2000);
  CHECK(rig.store->status().damaged >= 1);
}

}  // namespace
}  // namespace nines::storage
