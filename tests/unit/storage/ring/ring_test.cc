// The ring keeps its size, its order and its checksums, whatever the disk does.
#include "storage/ring/ring.h"

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/ring/crc32c.h"
#include "storage/ring/internal/layout.h"
#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::storage::ring {
namespace {

using testing::MemFs;
using testing::SimClock;

constexpr std::uint32_t kSegment = 64u << 10;

struct Rig {
  MemFs fs;
  SimClock clock{from_millis(1'700'000'000'000)};
  std::unique_ptr<Log> log = make_null_log();
  RingOptions options;
  std::unique_ptr<Ring> ring;

  explicit Rig(std::uint64_t segments = 16) {
    REQUIRE(fs.make_dirs("/data"));
    options.path = "/data";
    options.segment_bytes = kSegment;
    options.parts = {120, 530, 0, 0, 270, 80};
    options.bytes = segments * kSegment + 8192;
    open();
  }
  void open() {
    ring.reset();
    auto opened = Ring::open(options, fs, clock, *log);
    REQUIRE_MESSAGE(opened, opened.error().what());
    ring = *std::move(opened);
  }
  void crash() {
    ring.reset();
    fs.crash();
    open();
  }
  Location put(SegmentClass cls, const std::string& text, std::int64_t at = 1) {
    TimeBounds times;
    times.include(at);
    auto done = ring->append(cls, {1, 0, 7}, std::as_bytes(std::span(text)), times);
    REQUIRE_MESSAGE(done, done.error().what());
    return *done;
  }
  // Everything of a class, in order.
  std::vector<std::string> all(SegmentClass cls) {
    std::vector<std::string> out;
    for (const SegmentInfo& segment : ring->segments(cls)) {
      const auto report = ring->scan(segment.segment, segment.generation, [&](const Frame& frame) {
        if (frame.head.type != kFooterFrame)
          out.emplace_back(reinterpret_cast<const char*>(frame.payload.data()),
                           frame.payload.size());
        return true;
      });
      CHECK(report);
      if (report) holes += report->holes;
    }
    return out;
  }
  std::uint64_t holes = 0;
  std::string file(const Location& at) { return "/data/" + segment_name(at.segment); }
};

std::string text_of(const OwnedFrame& frame) {
  return {reinterpret_cast<const char*>(frame.payload.data()), frame.payload.size()};
}

TEST_CASE("all files have their full size from the beginning") {
  Rig rig;
  std::uint64_t bytes = 0;
  const auto names = rig.fs.list("/data");
  REQUIRE(names);
  for (const std::string& name : *names) {
    const auto info = rig.fs.info("/data/" + name);
    REQUIRE(info);
    bytes += info->size;
  }
  CHECK(bytes == rig.options.bytes);
  CHECK(rig.ring->bytes() == bytes);
}

TEST_CASE("frames come back by their place and in their order, across a restart") {
  Rig rig;
  const Location a = rig.put(SegmentClass::kRaw, "first");
  const Location b = rig.put(SegmentClass::kRaw, "second");
  REQUIRE(rig.ring->sync(SegmentClass::kRaw));
  rig.crash();
  CHECK(rig.all(SegmentClass::kRaw) == std::vector<std::string>{"first", "second"});
  const auto read = rig.ring->read(b);
  REQUIRE(read);
  CHECK(text_of(*read) == "second");
  CHECK(read->head.tag == 7);
  CHECK(text_of(*rig.ring->read(a)) == "first");
  rig.put(SegmentClass::kRaw, "third");
  CHECK(rig.all(SegmentClass::kRaw) == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE("what was not synced may be lost, never garbled") {
  Rig rig;
  rig.put(SegmentClass::kRaw, "kept");
  REQUIRE(rig.ring->sync(SegmentClass::kRaw));
  rig.put(SegmentClass::kRaw, "lost");
  rig.crash();
  CHECK(rig.all(SegmentClass::kRaw) == std::vector<std::string>{"kept"});
}

TEST_CASE("the oldest segment of a class goes whole, after its owner was told") {
  Rig rig;
  std::vector<std::uint64_t> evicted;
  rig.ring->on_evict(SegmentClass::kRaw,
                     [&](const SegmentInfo& info) { evicted.push_back(info.generation); });
  const std::string big(20'000, 'x');
  const Location first = rig.put(SegmentClass::kRaw, big, 1);
  std::uint64_t used_max = 0;
  for (int i = 0; i < 100; ++i) {
    if (rig.ring->room(SegmentClass::kRaw) < big.size() + 100)
      REQUIRE(rig.ring->seal(SegmentClass::kRaw, std::as_bytes(std::span("footer", 6))));
    rig.put(SegmentClass::kRaw, big, i);
    used_max = std::max(used_max, rig.ring->use(SegmentClass::kRaw).used);
  }
  CHECK(used_max <= rig.ring->use(SegmentClass::kRaw).quota);
  REQUIRE_FALSE(evicted.empty());
  CHECK(evicted.front() == first.generation);
  CHECK(rig.ring->read(first).error().code() == ErrorCode::kNotFound);
  CHECK(std::is_sorted(evicted.begin(), evicted.end()));
}

// Shares have changed and no segment is free, so two classes want the same one: here the second
// asks while the owner is being told, as another thread may.
TEST_CASE("a segment that was taken while its owner was told is not taken twice") {
  Rig rig;
  const std::string big(40'000, 'x');  // one to a segment
  const auto put_sealed = [&](SegmentClass cls, const std::string& text) {
    REQUIRE(rig.ring->seal(cls, {}));
    return rig.put(cls, text);
  };
  rig.options.parts = {120, 680, 0, 0, 120, 80};
  rig.open();
  for (const SegmentClass cls : {SegmentClass::kJournal, SegmentClass::kRaw, SegmentClass::kLogs,
                                 SegmentClass::kLogJournal}) {
    while (rig.ring->use(cls).used < rig.ring->use(cls).quota) put_sealed(cls, big);
  }
  rig.options.parts = {120, 280, 280, 0, 240, 80};
  rig.open();
  REQUIRE(rig.ring->use(SegmentClass::kT5m).quota >= 2);
  for (const SegmentClass other : {SegmentClass::kT5m, SegmentClass::kLogs}) {
    CAPTURE(to_string(other));
    std::optional<Location> between;
    std::vector<std::uint64_t> told;
    rig.ring->on_evict(SegmentClass::kRaw, [&](const SegmentInfo& info) {
      told.push_back(info.generation);
      if (told.size() == 1) between = put_sealed(other, "between");
    });
    const Location after = put_sealed(SegmentClass::kRaw, "after");
    REQUIRE(between);
    CHECK(told.size() == 3);  // the same one twice: whoever was first had it
    CHECK(after.segment != between->segment);
    CHECK(text_of(*rig.ring->read(after)) == "after");
    const auto read = rig.ring->read(*between);
    REQUIRE_MESSAGE(read, read.error().what());
    CHECK(text_of(*read) == "between");
    rig.ring->on_evict(SegmentClass::kRaw, nullptr);
  }
  REQUIRE(rig.ring->sync(SegmentClass::kRaw));
  REQUIRE(rig.ring->sync(SegmentClass::kT5m));
  rig.crash();
  CHECK(rig.all(SegmentClass::kRaw).back() == "after");
  CHECK(rig.all(SegmentClass::kT5m) == std::vector<std::string>{"between"});
  CHECK(rig.holes == 0);
}

TEST_CASE("a frame of a segment's earlier life never validates") {
  Rig rig(9);
  const std::string big(9'000, 'a');
  std::vector<Location> old;
  for (int life = 0; life < 5; ++life) {
    for (int i = 0; i < 24; ++i) {
      if (rig.ring->room(SegmentClass::kRaw) < big.size() + 100)
        REQUIRE(rig.ring->seal(SegmentClass::kRaw, {}));
      old.push_back(rig.put(SegmentClass::kRaw, big));
    }
  }
  REQUIRE(rig.ring->seal(SegmentClass::kRaw, {}));
  rig.put(SegmentClass::kRaw, "new");
  REQUIRE(rig.ring->sync(SegmentClass::kRaw));
  rig.crash();
  const auto segments = rig.ring->segments(SegmentClass::kRaw);
  REQUIRE_FALSE(segments.empty());
  // The newest segment holds one frame, though its file is full of an older life's.
  std::size_t frames = 0;
  REQUIRE(
      rig.ring->scan(segments.back().segment, segments.back().generation, [&](const Frame& frame) {
        ++frames;
        CHECK(frame.payload.size() == 3);
        return true;
      }));
  CHECK(frames == 1);
  CHECK(rig.ring->read(old.front()).error().code() == ErrorCode::kNotFound);
}

TEST_CASE("damage in the middle is a hole, damage at the end is where writing stopped") {
  Rig rig;
  std::vector<Location> places;
  for (int i = 0; i < 5; ++i)
    places.push_back(rig.put(SegmentClass::kRaw, "frame " + std::to_string(i)));
  REQUIRE(rig.ring->sync(SegmentClass::kRaw));
  rig.ring.reset();
  rig.fs.flip_bit(rig.file(places[2]), places[2].offset + 25, 3);
  rig.open();
  CHECK(rig.all(SegmentClass::kRaw) ==
        std::vector<std::string>{"frame 0", "frame 1", "frame 3", "frame 4"});
  CHECK(rig.holes == 1);
  CHECK(rig.ring->read(places[2]).error().code() == ErrorCode::kCorrupt);
  rig.ring.reset();
  rig.fs.flip_bit(rig.file(places[4]), places[4].offset + 25, 3);
  rig.open();
  rig.holes = 0;
  CHECK(rig.all(SegmentClass::kRaw) == std::vector<std::string>{"frame 0", "frame 1", "frame 3"});
  CHECK(rig.holes == 1);
}

TEST_CASE("a failed sync abandons the segment; the next append opens another") {
  Rig rig;
  const Location before = rig.put(SegmentClass::kRaw, "before");
  REQUIRE(rig.ring->sync(SegmentClass::kRaw));
  rig.put(SegmentClass::kRaw, "doubtful");
  rig.fs.fail_nth(1);
  CHECK(rig.ring->sync(SegmentClass::kRaw).error().code() == ErrorCode::kIo);
  const Location after = rig.put(SegmentClass::kRaw, "after");
  CHECK(after.segment != before.segment);
  REQUIRE(rig.ring->sync(SegmentClass::kRaw));
  rig.crash();
  const auto all = rig.all(SegmentClass::kRaw);
  CHECK(all.front() == "before");
  CHECK(all.back() == "after");
}

TEST_CASE("released segments are free again; the open one cannot be released") {
  Rig rig;
  const Location a = rig.put(SegmentClass::kJournal, "rows");
  CHECK(rig.ring->release(a.segment, a.generation).error().code() == ErrorCode::kInvalid);
  REQUIRE(rig.ring->seal(SegmentClass::kJournal, {}));
  REQUIRE(rig.ring->release(a.segment, a.generation));
  CHECK(rig.ring->segments(SegmentClass::kJournal).empty());
  rig.put(SegmentClass::kJournal, "newer rows");
  rig.open();
  CHECK(rig.all(SegmentClass::kJournal) == std::vector<std::string>{"newer rows"});
}

TEST_CASE("a full segment can be sealed, without the footer it has no room for") {
  Rig rig;
  const std::string fits(rig.ring->frame_max() - 8, 'x');
  rig.put(SegmentClass::kRaw, fits);
  CHECK(rig.ring->append(SegmentClass::kRaw, {1, 0, 0}, std::as_bytes(std::span("more", 4)))
            .error()
            .code() == ErrorCode::kLimit);
  REQUIRE(rig.ring->seal(SegmentClass::kRaw, std::as_bytes(std::span("footer", 6))));
  rig.put(SegmentClass::kRaw, "next");
  REQUIRE(rig.ring->sync(SegmentClass::kRaw));
  rig.crash();
  CHECK(rig.all(SegmentClass::kRaw) == std::vector<std::string>{fits, "next"});
}

TEST_CASE("a disk that is too small is refused with what is free, and nothing is left behind") {
  MemFs fs;
  REQUIRE(fs.make_dirs("/data"));
  fs.set_capacity(1u << 20);
  const SimClock clock{from_millis(0)};
  const auto log = make_null_log();
  RingOptions options;
  options.path = "/data";
  options.segment_bytes = kSegment;
  options.bytes = 64ULL * kSegment + 8192;
  const auto refused = Ring::open(options, fs, clock, *log);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kLimit);
  CHECK(refused.error().what().find("1 MiB are free") != std::string::npos);
  CHECK(fs.list("/data")->empty());
  options.bytes = 1ULL << 52;  // four petabytes: said at once, not after looking at every segment
  CHECK(Ring::open(options, fs, clock, *log).error().code() == ErrorCode::kLimit);
  fs.set_capacity(64ULL * kSegment + 8192 + (1u << 20));
  options.bytes = 64ULL * kSegment + 8192;
  CHECK(Ring::open(options, fs, clock, *log));
}

TEST_CASE("one damaged superblock is survived, two are refused while segments hold data") {
  Rig rig;
  rig.put(SegmentClass::kRaw, "data");
  REQUIRE(rig.ring->seal(SegmentClass::kRaw, {}));
  rig.ring.reset();
  rig.fs.flip_bit("/data/super", 20, 0);
  rig.open();
  CHECK(rig.all(SegmentClass::kRaw) == std::vector<std::string>{"data"});
  rig.ring.reset();
  for (const std::uint64_t offset : {20U, 21U, 4096U + 20, 4096U + 21})
    rig.fs.flip_bit("/data/super", offset, 1);
  const auto refused = Ring::open(rig.options, rig.fs, rig.clock, *rig.log);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kCorrupt);
}

TEST_CASE("a ring of another format is refused by its number, and left as it is") {
  Rig rig;
  rig.put(SegmentClass::kRaw, "data");
  rig.ring.reset();
  const auto file = *rig.fs.open("/data/super", OpenMode::kReadWrite);
  HeaderBytes old{};
  REQUIRE(file->pread(0, old));
  old[8] = std::byte{1};
  const std::uint32_t crc = crc32c(std::span(old).first(old.size() - 4));
  std::memcpy(old.data() + old.size() - 4, &crc, 4);
  REQUIRE(file->pwrite(0, old));
  const auto refused = Ring::open(rig.options, rig.fs, rig.clock, *rig.log);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kInvalid);
  CHECK(refused.error().what().find("holds a ring of format 1, and this nines reads and writes "
                                    "format 2: start it with another folder") != std::string::npos);
  HeaderBytes still{};
  REQUIRE(file->pread(0, still));
  CHECK(still == old);
}

TEST_CASE("a frame larger than any segment is refused by name of its limit") {
  Rig rig;
  const std::string too_big(rig.ring->frame_max() + 1, 'x');
  CHECK(rig.ring->append(SegmentClass::kRaw, {1, 0, 0}, std::as_bytes(std::span(too_big)))
            .error()
            .code() == ErrorCode::kLimit);
  const std::string fits(rig.ring->frame_max(), 'x');
  CHECK(rig.ring->append(SegmentClass::kRaw, {1, 0, 0}, std::as_bytes(std::span(fits))));
}

TEST_CASE("every failing operation leaves a ring that opens and keeps what was synced") {
  for (std::uint64_t nth = 1; nth < 60; ++nth) {
    Rig rig(9);
    rig.put(SegmentClass::kRaw, "synced");
    REQUIRE(rig.ring->sync(SegmentClass::kRaw));
    rig.fs.fail_nth(nth);
    for (int i = 0; i < 4; ++i) {
      const std::string big(20'000, 'y');
      (void)rig.ring->append(SegmentClass::kRaw, {1, 0, 0}, std::as_bytes(std::span(big)));
      (void)rig.ring->sync(SegmentClass::kRaw);
      if (rig.ring->room(SegmentClass::kRaw) < 21'000) (void)rig.ring->seal(SegmentClass::kRaw, {});
    }
    rig.fs.fail_nth(0);
    rig.crash();
    const auto all = rig.all(SegmentClass::kRaw);
    CAPTURE(nth);
    REQUIRE_FALSE(all.empty());
    CHECK(all.front() == "synced");
  }
}

}  // namespace
}  // namespace nines::storage::ring
