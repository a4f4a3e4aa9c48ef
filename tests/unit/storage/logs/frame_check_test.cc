// Batches and blocks of log lines, checked without the store.
#include "storage/logs/frame_check.h"

#include <map>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "storage/logs/log_store.h"
#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

constexpr std::int64_t kStartNs = 1'700'000'000'000'000'000;

struct Rig {
  testing::MemFs fs;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  std::unique_ptr<ring::Ring> ring;
  std::unique_ptr<LogStore> store;

  // Lines in blocks, and lines in the journal alone.
  Rig() {
    REQUIRE(fs.make_dirs("/data"));
    ring::RingOptions ring_options;
    ring_options.path = "/data";
    ring_options.segment_bytes = 256u << 10;
    ring_options.bytes = 32 * ring_options.segment_bytes + 8192;
    auto opened = ring::Ring::open(ring_options, fs, clock, *log);
    REQUIRE(opened);
    ring = *std::move(opened);
    LogOptions options;
    options.block_bytes = 16u << 10;
    options.sync_interval = Duration(0);
    auto made = LogStore::open(*ring, options, {clock, scheduler, *log, *telemetry});
    REQUIRE(made);
    store = *std::move(made);
    for (int i = 0; i < 2000; ++i) put(i);
    REQUIRE(store->cut());
    for (int i = 2000; i < 2010; ++i) put(i);
  }
  void put(int i) {
    const std::string text = "GET /cart/" + std::to_string(i) + " 200";
    const LogLine line{LogTime(std::chrono::nanoseconds(kStartNs + i)), text};
    REQUIRE(store->append(LabelSet{{"app", i % 2 == 0 ? "shop" : "db"}}, std::span(&line, 1)));
  }
};

struct Found {
  ring::RingCheck check;
  std::uint64_t blocks = 0;
  std::map<SegmentClass, ring::FrameHead> kinds;
};

Found look(Rig& rig) {
  Found out;
  auto checked = ring::check_ring(rig.fs, "/data", {}, [&out](SegmentClass cls) {
    return [&out, cls, inner = make_log_frame_check(cls, out.blocks)](const ring::Frame& frame) {
      out.kinds.emplace(cls, frame.head);
      return inner(frame);
    };
  });
  REQUIRE(checked);
  out.check = *std::move(checked);
  return out;
}

TEST_CASE("what the log store wrote reads, and its times are those of the lines") {
  Rig rig;
  const Found found = look(rig);
  CHECK(found.check.damage.empty());
  CHECK(found.blocks > 0);
  for (const ring::CheckedSegment& segment : found.check.segments) {
    if (segment.state == ring::SegmentState::kFree) continue;
    if (segment.cls == SegmentClass::kLogs) CHECK(segment.times.min == kStartNs);
    if (segment.cls == SegmentClass::kLogJournal) CHECK(segment.times.max == kStartNs + 2009);
  }
}

TEST_CASE("a batch and a block that do not read are damage, at the place of their frame") {
  Rig rig;
  const Found before = look(rig);
  REQUIRE(before.kinds.size() == 2);
  const std::string garbage(40, '\xff');
  std::size_t named = 0;
  for (const auto& row : before.kinds) {
    const auto& cls = row.first;
    const auto& head = row.second;
    CAPTURE(ring::to_string(cls));
    const auto at = rig.ring->append(cls, head, std::as_bytes(std::span(garbage)));
    REQUIRE(at);
    const Found after = look(rig);
    REQUIRE(after.check.damage.size() == ++named);
    const auto hit = [&](const ring::Damage& damage) {
      return damage.cls == cls && damage.offset == at->offset &&
             damage.file == ring::segment_name(at->segment) &&
             damage.what.find("does not read") != std::string::npos;
    };
    CHECK(std::count_if(after.check.damage.begin(), after.check.damage.end(), hit) == 1);
  }
}

TEST_CASE("frames of the metric store pass the log store's check unread") {
  std::uint64_t blocks = 0;
  const std::string garbage(40, '\xff');
  ring::Frame frame;
  frame.payload = std::as_bytes(std::span(garbage));
  for (int type = 0; type < 255; ++type) {
    frame.head.type = static_cast<std::uint8_t>(type);
    for (const SegmentClass cls : {SegmentClass::kJournal, SegmentClass::kRaw}) {
      const auto times = make_log_frame_check(cls, blocks)(frame);
      REQUIRE(times);
      CHECK(times->empty());
    }
  }
  CHECK(blocks == 0);
}

}  // namespace
}  // namespace nines::storage
