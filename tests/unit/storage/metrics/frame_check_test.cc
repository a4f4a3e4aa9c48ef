// A frame whose checksum holds but whose content does not read is named by its place.
#include "storage/metrics/frame_check.h"

#include <map>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

constexpr std::int64_t kStart = 1'700'000'000'000;

// Two groups: one in pages, one in the journal alone.
void fill(StoreRig& rig) {
  const auto paged = rig.group("paged");
  const auto open = rig.group("open");
  const auto a = paged->slot(LabelSet{{"__name__", "a"}});
  const auto b = open->slot(LabelSet{{"__name__", "b"}});
  REQUIRE(a);
  REQUIRE(b);
  for (int i = 0; i < 100; ++i) {
    const Row r = row(*a, i * 1.5);
    REQUIRE(paged->append(from_millis(kStart - 200'000 + i * 1000), std::span(&r, 1)));
  }
  REQUIRE(rig.store->flush());
  for (int i = 0; i < 10; ++i) {
    const Row r = row(*b, i);
    REQUIRE(open->append(from_millis(kStart - 90'000 + i * 1000), std::span(&r, 1)));
  }
  REQUIRE(rig.store->sync());
}

struct Found {
  ring::RingCheck check;
  std::uint64_t pages = 0;
  std::map<std::pair<SegmentClass, std::uint8_t>, ring::FrameHead> kinds;  // of frame, seen
};

Found look(StoreRig& rig) {
  Found out;
  auto checked = ring::check_ring(rig.fs, "/data", {}, [&out](SegmentClass cls) {
    return [&out, cls, inner = make_metric_frame_check(cls, out.pages)](const ring::Frame& frame) {
      out.kinds.emplace(std::pair(cls, frame.head.type), frame.head);
      return inner(frame);
    };
  });
  REQUIRE(checked);
  out.check = *std::move(checked);
  return out;
}

TEST_CASE("what the store wrote reads, and its times are those of the samples") {
  StoreRig rig;
  fill(rig);
  const Found found = look(rig);
  CHECK(found.check.damage.empty());
  CHECK(found.pages > 0);
  ring::TimeBounds raw, journal;
  for (const ring::CheckedSegment& segment : found.check.segments) {
    if (segment.state == ring::SegmentState::kFree) continue;
    (segment.cls == SegmentClass::kRaw ? raw : journal).include(segment.times);
  }
  CHECK(raw.min == kStart - 200'000);
  CHECK(raw.max >= kStart - 200'000 + 99'000);
  CHECK(journal.max == kStart - 90'000 + 9'000);
}

TEST_CASE("content that does not read is damage, at the place of its frame") {
  StoreRig rig;
  fill(rig);
  const Found before = look(rig);
  REQUIRE(before.kinds.size() >= 4);  // definitions and rows, layouts and pages
  const std::string garbage(40, '\xff');
  std::size_t named = 0;
  for (const auto& [kind, head] : before.kinds) {
    const auto cls = kind.first;
    const auto type = kind.second;
    CAPTURE(ring::to_string(cls));
    CAPTURE(int{type});
    const auto at = rig.ring->append(cls, head, std::as_bytes(std::span(garbage)));
    REQUIRE(at);
    const Found after = look(rig);
    REQUIRE(after.check.damage.size() == ++named);
    bool seen = false;
    for (const ring::Damage& damage : after.check.damage) {
      if (damage.offset != at->offset || damage.file != ring::segment_name(at->segment)) continue;
      seen = true;
      CHECK(damage.cls == cls);
      CHECK(damage.what.find("does not read") != std::string::npos);
    }
    CHECK(seen);
    CHECK(after.check.segments[at->segment].damaged > 0);
  }
}

TEST_CASE("frames of other stores, and kinds nobody knows yet, pass unread") {
  std::uint64_t pages = 0;
  const std::string garbage(40, '\xff');
  ring::Frame frame;
  frame.head.type = 200;
  frame.payload = std::as_bytes(std::span(garbage));
  for (const SegmentClass cls : {SegmentClass::kJournal, SegmentClass::kRaw, SegmentClass::kLogs,
                                 SegmentClass::kLogJournal, SegmentClass::kT5m}) {
    const auto times = make_metric_frame_check(cls, pages)(frame);
    REQUIRE(times);
    CHECK(times->empty());
  }
  CHECK(pages == 0);
}

}  // namespace
}  // namespace nines::storage
