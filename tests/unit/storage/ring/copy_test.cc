// A copy is a ring of its own: whole, short, and honest about what it could not get.
#include "storage/ring/copy.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "storage/ring/crc32c.h"
#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::storage::ring {
namespace {

constexpr std::uint32_t kSegmentBytes = 64u << 10;

struct Rig {
  testing::MemFs fs;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Ring> ring;
  std::map<SegmentClass, int> appended;

  explicit Rig(std::uint64_t segments = 24) {
    REQUIRE(fs.make_dirs("/data"));
    REQUIRE(fs.make_dirs("/copy"));
    ring = open("/data", segments);
  }
  std::unique_ptr<Ring> open(const std::string& path, std::uint64_t segments = 24) {
    RingOptions options;
    options.path = path;
    options.segment_bytes = kSegmentBytes;
    options.bytes = segments * kSegmentBytes + 8192;
    auto opened = Ring::open(options, fs, clock, *log);
    REQUIRE_MESSAGE(opened, opened.error().what());
    return *std::move(opened);
  }
  // A frame with its own number in it.
  Location put(SegmentClass cls, std::size_t size = 3000) {
    std::string text = std::to_string(appended[cls]++) + " ";
    text.resize(size, static_cast<char>('a' + appended[cls] % 26));
    const TimeBounds times{appended[cls], appended[cls]};
    for (int tries = 0; tries < 2; ++tries) {
      const auto at = ring->append(cls, {1, 0, 7}, std::as_bytes(std::span(text)), times);
      if (at) return *at;
      REQUIRE(at.error().code() == ErrorCode::kLimit);
      REQUIRE(ring->seal(cls, std::as_bytes(std::span("footer", 6))));
    }
    FAIL("no room in a fresh segment");
    return {};
  }
  void put_many(SegmentClass cls, int n) {
    for (int i = 0; i < n; ++i) put(cls);
  }
};

std::vector<std::string> frames(Ring& ring, SegmentClass cls) {
  std::vector<std::string> out;
  for (const SegmentInfo& segment : ring.segments(cls)) {
    REQUIRE(ring.scan(segment.segment, segment.generation, [&out](const Frame& frame) {
      if (frame.head.type != kFooterFrame)
        out.emplace_back(reinterpret_cast<const char*>(frame.payload.data()),
                         frame.payload.size());
      return true;
    }));
  }
  return out;
}

TEST_CASE("a copy opens as a ring with the same frames, and is no larger than its data") {
  Rig rig;
  rig.put_many(SegmentClass::kRaw, 70);
  rig.put_many(SegmentClass::kLogs, 30);
  rig.put_many(SegmentClass::kJournal, 5);
  rig.put_many(SegmentClass::kLogJournal, 5);
  const auto copied = copy_ring(rig.fs, "/data", "/copy", {});
  REQUIRE_MESSAGE(copied, copied.error().what());
  CHECK(copied->damage.empty());
  CHECK(copied->segments == 24);
  CHECK(copied->files.back().name == "super");
  std::uint64_t bytes = 0;
  for (const CopiedFile& file : copied->files) {
    const std::string text = rig.fs.text("/copy/" + file.name);
    CHECK(text.size() == file.bytes);
    CHECK(crc32c(std::as_bytes(std::span(text))) == file.crc);
    bytes += file.bytes;
  }
  CHECK(bytes < 110 * 3100 + copied->files.size() * 9000);
  CHECK(bytes <= *copy_bytes_max(rig.fs, "/data"));
  const auto restored = rig.open("/copy");
  for (const SegmentClass cls : {SegmentClass::kRaw, SegmentClass::kLogs, SegmentClass::kJournal,
                                 SegmentClass::kLogJournal}) {
    CHECK(frames(*restored, cls) == frames(*rig.ring, cls));
    CHECK(restored->segments(cls).size() == rig.ring->segments(cls).size());
  }
  CHECK(check_ring(rig.fs, "/copy", {}, {})->damage.empty());
}

TEST_CASE("a copy is made without writing to the folder or locking it") {
  Rig rig;
  rig.put_many(SegmentClass::kRaw, 40);
  const std::string before = rig.fs.text("/data/seg-00000") + rig.fs.text("/data/super");
  const std::uint64_t first = rig.fs.operations();
  REQUIRE(copy_ring(rig.fs, "/data", "/copy", {}));
  CHECK(rig.fs.text("/data/seg-00000") + rig.fs.text("/data/super") == before);
  const auto trace = rig.fs.trace();
  const std::uint64_t seen = std::min<std::uint64_t>(rig.fs.operations() - first, trace.size());
  for (std::size_t i = trace.size() - seen; i < trace.size(); ++i) {
    const bool writes = trace[i].rfind("pwrite /data", 0) == 0 || trace[i].rfind("lock", 0) == 0;
    CHECK_MESSAGE(!writes, trace[i]);
  }
}

TEST_CASE("a segment the writer uses again before it was copied ends the copy, by name") {
  Rig rig;
  rig.put_many(SegmentClass::kRaw, 200);  // every segment of the class is in use
  int steps = 0;
  const auto copied = copy_ring(rig.fs, "/data", "/copy", [&](const std::string&) -> Result<void> {
    if (++steps == 3) rig.put_many(SegmentClass::kRaw, 400);  // twice round
    return {};
  });
  REQUIRE_FALSE(copied);
  CHECK(copied.error().code() == ErrorCode::kUnavailable);
  CHECK(copied.error().what().find("seg-") == 0);
  CHECK(copied.error().what().find("budget") != std::string::npos);
  CHECK_FALSE(rig.fs.exists("/copy/super"));
}

TEST_CASE("a segment that is used again after it was copied is no concern of the copy") {
  Rig rig;
  rig.put_many(SegmentClass::kRaw, 200);
  const auto before = frames(*rig.ring, SegmentClass::kRaw);
  std::size_t segments = rig.ring->segments(SegmentClass::kRaw).size();
  std::size_t steps = 0;
  const auto copied = copy_ring(rig.fs, "/data", "/copy", [&](const std::string&) -> Result<void> {
    if (++steps == segments) rig.put_many(SegmentClass::kRaw, 30);
    return {};
  });
  REQUIRE_MESSAGE(copied, copied.error().what());
  const auto restored = rig.open("/copy");
  const auto after = frames(*restored, SegmentClass::kRaw);
  REQUIRE(after.size() >= before.size());
  CHECK(std::equal(before.begin(), before.end(), after.begin()));
}

TEST_CASE("a journal segment that is given back meanwhile is left out: its rows are in pages") {
  Rig rig;
  rig.put_many(SegmentClass::kJournal, 45);
  const auto journal = rig.ring->segments(SegmentClass::kJournal);
  REQUIRE(journal.size() >= 2);
  bool given_back = false;
  const auto copied = copy_ring(rig.fs, "/data", "/copy", [&](const std::string&) -> Result<void> {
    if (std::exchange(given_back, true)) return {};
    REQUIRE(rig.ring->release(journal[0].segment, journal[0].generation));
    rig.put(SegmentClass::kRaw);  // its rows, as a page
    return {};
  });
  REQUIRE_MESSAGE(copied, copied.error().what());
  CHECK_FALSE(rig.fs.exists("/copy/" + segment_name(journal[0].segment)));
  const auto restored = rig.open("/copy");
  CHECK(restored->segments(SegmentClass::kJournal).size() == journal.size() - 1);
  CHECK(frames(*restored, SegmentClass::kRaw).size() == 1);
}

TEST_CASE("generations given before the copy are never given again in it") {
  Rig rig;
  rig.put_many(SegmentClass::kRaw, 10);
  rig.put_many(SegmentClass::kJournal, 45);
  for (const SegmentInfo& segment : rig.ring->segments(SegmentClass::kJournal)) {
    if (!segment.open) REQUIRE(rig.ring->release(segment.segment, segment.generation));
  }
  REQUIRE(rig.ring->seal(SegmentClass::kJournal, {}));
  const SegmentInfo last = rig.ring->segments(SegmentClass::kJournal).back();
  REQUIRE(rig.ring->release(last.segment, last.generation));
  const auto copied = copy_ring(rig.fs, "/data", "/copy", {});
  REQUIRE(copied);
  CHECK(copied->generation == last.generation);
  auto restored = rig.open("/copy");
  for (int start = 0; start < 2; ++start) {
    const auto at = restored->append(SegmentClass::kJournal, {1, 0, 1}, {});
    REQUIRE(at);
    CHECK(at->generation > last.generation);
    restored.reset();
    restored = rig.open("/copy");
  }
}

TEST_CASE("damage is copied as it is, and named; the rest of the segment comes along") {
  Rig rig;
  std::vector<Location> all;
  for (int i = 0; i < 10; ++i) all.push_back(rig.put(SegmentClass::kRaw));
  rig.fs.flip_bit("/data/" + segment_name(all[4].segment), all[4].offset + 100, 2);
  const auto copied = copy_ring(rig.fs, "/data", "/copy", {});
  REQUIRE(copied);
  REQUIRE(copied->damage.size() == 1);
  CHECK(copied->damage[0].offset == all[4].offset);
  const auto restored = rig.open("/copy");
  CHECK(frames(*restored, SegmentClass::kRaw).size() == 9);
}

TEST_CASE("every file call that fails ends the copy with an error") {
  Rig rig;
  rig.put_many(SegmentClass::kRaw, 25);
  rig.put_many(SegmentClass::kJournal, 3);
  std::uint64_t failures = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    rig.fs.fail_nth(nth);
    const auto copied = copy_ring(rig.fs, "/data", "/copy", {});
    rig.fs.fail_nth(0);
    if (copied) {
      if (copied->damage.empty()) break;
      continue;
    }
    ++failures;
    CHECK(copied.error().code() == ErrorCode::kIo);
    REQUIRE(nth < 2000);
  }
  CHECK(failures > 20);
  rig.open("/copy");
}

TEST_CASE("what is no ring cannot be copied") {
  Rig rig;
  CHECK(copy_ring(rig.fs, "/copy", "/data", {}).error().code() == ErrorCode::kNotFound);
  CHECK(copy_bytes_max(rig.fs, "/copy").error().code() == ErrorCode::kNotFound);
  const auto stopped = copy_ring(rig.fs, "/data", "/copy", {});
  CHECK(stopped);
  rig.put(SegmentClass::kRaw);
  const auto ended = copy_ring(rig.fs, "/data", "/copy", [](const std::string&) -> Result<void> {
    return Error(ErrorCode::kUnavailable, "enough");
  });
  REQUIRE_FALSE(ended);
  CHECK(ended.error().what() == "enough");
}

}  // namespace
}  // namespace nines::storage::ring
