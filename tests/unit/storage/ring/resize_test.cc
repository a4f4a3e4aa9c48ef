// A ring takes another size at a start: nothing that fits is lost, whenever it is interrupted.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "storage/ring/internal/quotas.h"
#include "storage/ring/internal/shrink.h"
#include "storage/ring/ring.h"
#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::storage::ring {
namespace {

using testing::MemFs;
using testing::SimClock;

constexpr std::uint32_t kSegment = 64u << 10;
constexpr std::size_t kBig = 18'000;  // three to a segment

struct Rig {
  MemFs fs;
  SimClock clock{from_millis(1'700'000'000'000)};
  std::unique_ptr<Log> log = make_null_log();
  RingOptions options;
  std::unique_ptr<Ring> ring;
  int count = 0;

  explicit Rig(std::uint64_t segments) {
    REQUIRE(fs.make_dirs("/data"));
    options.path = "/data";
    options.segment_bytes = kSegment;
    options.parts = {120, 530, 0, 0, 270, 80};
    size(segments);
    open();
  }
  void size(std::uint64_t segments) { options.bytes = segments * kSegment + 8192; }
  Result<void> try_open() {
    ring.reset();
    auto opened = Ring::open(options, fs, clock, *log);
    if (!opened) return std::move(opened).error();
    ring = *std::move(opened);
    return {};
  }
  void open() {
    const auto opened = try_open();
    REQUIRE_MESSAGE(opened, opened.error().what());
  }
  // `n` frames of a third of a segment each; their text begins with their number.
  void fill(SegmentClass cls, int n) {
    for (int i = 0; i < n; ++i) {
      std::string text = std::to_string(++count) + " ";
      text.resize(kBig, 'x');
      if (ring->room(cls) < text.size()) REQUIRE(ring->seal(cls, {}));
      REQUIRE(ring->append(cls, {1, 0, 7}, std::as_bytes(std::span(text))));
    }
    REQUIRE(ring->sync(cls));
  }
  // The numbers of a class, in order.
  std::vector<int> numbers(SegmentClass cls) {
    std::vector<int> out;
    for (const SegmentInfo& segment : ring->segments(cls)) {
      const auto report = ring->scan(segment.segment, segment.generation, [&](const Frame& frame) {
        if (frame.head.type != kFooterFrame)
          out.push_back(std::atoi(reinterpret_cast<const char*>(frame.payload.data())));
        return true;
      });
      REQUIRE(report);
      CHECK(report->holes == 0);
    }
    return out;
  }
  std::uint64_t bytes_on_disk() {
    std::uint64_t bytes = 0;
    const auto names = fs.list("/data");
    REQUIRE(names);
    for (const std::string& name : *names) bytes += fs.info("/data/" + name)->size;
    return bytes;
  }
};

std::vector<int> last_of(const std::vector<int>& all, std::size_t n) {
  REQUIRE(all.size() >= n);
  return {all.end() - static_cast<std::ptrdiff_t>(n), all.end()};
}

TEST_CASE("a larger budget adds segments; what is there stays") {
  Rig rig(16);
  rig.fill(SegmentClass::kRaw, 10);
  const auto before = rig.numbers(SegmentClass::kRaw);
  rig.size(40);
  rig.open();
  CHECK(rig.numbers(SegmentClass::kRaw) == before);
  CHECK(rig.bytes_on_disk() == rig.options.bytes);
  CHECK(rig.ring->use(SegmentClass::kRaw).quota > 16);
}

TEST_CASE("a smaller budget loses nothing while the data fits") {
  Rig rig(40);
  rig.fill(SegmentClass::kJournal, 3);
  rig.fill(SegmentClass::kRaw, 10);  // four segments
  rig.fill(SegmentClass::kLogs, 3);
  const auto raw = rig.numbers(SegmentClass::kRaw);
  rig.size(12);
  rig.open();
  CHECK(rig.numbers(SegmentClass::kRaw) == raw);
  CHECK(rig.numbers(SegmentClass::kJournal).size() == 3);
  CHECK(rig.numbers(SegmentClass::kLogs).size() == 3);
  CHECK(rig.bytes_on_disk() == rig.options.bytes);
  rig.fill(SegmentClass::kRaw, 100);  // and it goes round in its new size
  CHECK(rig.bytes_on_disk() == rig.options.bytes);
  CHECK(rig.numbers(SegmentClass::kJournal).size() == 3);
}

TEST_CASE("a smaller budget gives up the oldest of the classes above their share") {
  Rig rig(40);
  rig.fill(SegmentClass::kLogs, 6);  // two segments: within the new share
  rig.fill(SegmentClass::kJournal, 9);
  rig.fill(SegmentClass::kRaw, 63);  // 21 segments
  rig.fill(SegmentClass::kJournal, 1);
  const auto raw = rig.numbers(SegmentClass::kRaw);
  REQUIRE(raw.size() == 63);
  rig.size(16);
  rig.open();
  CHECK(rig.numbers(SegmentClass::kLogs).size() == 6);
  CHECK(rig.numbers(SegmentClass::kJournal).size() ==
        10);  // four segments, above its share of three
  CHECK(rig.numbers(SegmentClass::kRaw) == last_of(raw, 30));  // the other ten segments
  CHECK(rig.bytes_on_disk() == rig.options.bytes);
  // The journal is not robbed when the others need room.
  rig.fill(SegmentClass::kRaw, 60);
  rig.fill(SegmentClass::kLogs, 30);
  CHECK(rig.numbers(SegmentClass::kJournal).size() == 10);
  rig.size(40);
  rig.open();
  rig.fill(SegmentClass::kRaw, 30);
  CHECK(rig.bytes_on_disk() == rig.options.bytes);
}

TEST_CASE("a budget the folder's segments do not fit is refused with the least that is") {
  Rig rig(16);
  rig.fill(SegmentClass::kRaw, 3);
  rig.size(9);
  rig.open();
  rig.size(16);
  rig.open();
  rig.options.segment_bytes = kSegment;
  rig.options.bytes = 9ULL * kSegment + 8191;
  const auto refused = rig.try_open();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kInvalid);
  rig.size(16);
  rig.open();
  CHECK(rig.numbers(SegmentClass::kRaw).size() == 3);
}

TEST_CASE("the newest generation is not given twice, though its segment holds nothing") {
  Rig rig(40);
  rig.fill(SegmentClass::kRaw, 3);
  for (int i = 0; i < 30; ++i) {  // far from the beginning of the files
    rig.fill(SegmentClass::kJournal, 1);
    REQUIRE(rig.ring->seal(SegmentClass::kJournal, {}));
    for (const SegmentInfo& info : rig.ring->segments(SegmentClass::kJournal))
      REQUIRE(rig.ring->release(info.segment, info.generation));
  }
  rig.fill(SegmentClass::kJournal, 1);
  REQUIRE(rig.ring->seal(SegmentClass::kJournal, {}));
  const SegmentInfo newest = rig.ring->segments(SegmentClass::kJournal).back();
  REQUIRE(rig.ring->release(newest.segment, newest.generation));
  rig.size(9);
  rig.open();
  rig.fill(SegmentClass::kJournal, 1);
  CHECK(rig.ring->segments(SegmentClass::kJournal).back().generation > newest.generation);
}

// Interrupted at every operation, by a failing disk or a power cut, it opens in either size and
// keeps what an undisturbed start would have kept.
TEST_CASE("a start that becomes smaller may be interrupted anywhere") {
  const auto make = [] {
    auto rig = std::make_unique<Rig>(24);
    rig->fill(SegmentClass::kJournal, 4);
    rig->fill(SegmentClass::kRaw, 33);
    rig->fill(SegmentClass::kLogs, 15);
    rig->fill(SegmentClass::kJournal, 4);
    return rig;
  };
  const auto kept_of = [](Rig& rig) {
    std::map<SegmentClass, std::vector<int>> kept;
    for (const auto cls : {SegmentClass::kJournal, SegmentClass::kRaw, SegmentClass::kLogs})
      kept[cls] = rig.numbers(cls);
    return kept;
  };
  auto undisturbed = make();
  undisturbed->size(12);
  undisturbed->open();
  const auto expected = kept_of(*undisturbed);
  std::uint64_t interrupted = 0;
  for (const bool power : {false, true}) {
    for (const std::uint64_t then : {12U, 24U, 30U}) {
      for (std::uint64_t nth = 1;; ++nth) {
        auto rig = make();
        rig->size(12);
        rig->ring.reset();
        rig->fs.fail_nth(nth, true);
        const bool done = rig->try_open().has_value();
        rig->fs.fail_nth(0);
        if (done) break;
        ++interrupted;
        if (power) rig->fs.crash();
        rig->size(then);
        rig->open();
        CAPTURE(nth);
        CAPTURE(then);
        CHECK(rig->bytes_on_disk() == rig->options.bytes);
        for (auto& [cls, numbers] : kept_of(*rig)) {
          const auto& least = expected.at(cls);
          CHECK(last_of(numbers, least.size()) == least);
          if (then == 12) CHECK(numbers == least);
        }
        rig->fill(SegmentClass::kRaw, 40);
        rig->fill(SegmentClass::kLogs, 40);
        CHECK(rig->bytes_on_disk() == rig->options.bytes);
      }
    }
  }
  CHECK(interrupted > 100);
}

TEST_CASE("a plan keeps exactly as many as there is room for, under low numbers") {
  std::uint64_t state = 7;
  const auto dice = [&](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % n;
  };
  const Parts parts = {120, 530, 0, 0, 270, 80};
  for (int round = 0; round < 3000; ++round) {
    const auto before = static_cast<std::uint32_t>(10 + dice(60));
    const auto after = static_cast<std::uint32_t>(9 + dice(before - 9));
    std::vector<HeldSegment> held;
    std::map<std::uint64_t, std::uint32_t> generations;
    for (std::uint32_t i = 0; i < before; ++i) {
      if (dice(12) == 0) continue;  // missing
      HeldSegment segment{i, dice(3) != 0, SegmentClass::kRaw, 1 + dice(1'000'000)};
      constexpr SegmentClass kAll[] = {SegmentClass::kJournal, SegmentClass::kRaw,
                                       SegmentClass::kLogs, SegmentClass::kLogJournal};
      segment.cls = kAll[dice(4)];
      if (!segment.live && dice(2) == 0) segment.generation = 0;
      held.push_back(segment);
    }
    const ShrinkPlan plan = plan_shrink(held, parts, after);
    std::map<std::uint32_t, HeldSegment> disk;
    std::uint64_t newest = 0;
    for (const HeldSegment& segment : held) {
      disk[segment.number] = segment;
      newest = std::max(newest, segment.generation);
    }
    for (const auto& move : plan.moves) {
      REQUIRE(disk.contains(move.from));
      REQUIRE(move.to < after);
      disk[move.to] = disk[move.from];
      disk.erase(move.from);
    }
    for (const std::uint32_t gone : plan.removed) REQUIRE(disk.erase(gone) == 1);
    std::uint64_t newest_left = 0;
    std::size_t live_before = 0;
    std::size_t live_after = 0;
    for (const HeldSegment& segment : held) live_before += segment.live ? 1 : 0;
    for (const auto& [number, segment] : disk) {
      CHECK(number < after);
      newest_left = std::max(newest_left, segment.generation);
      live_after += segment.live ? 1 : 0;
    }
    CHECK(newest_left == newest);
    CHECK(disk.size() == std::min<std::size_t>(after, held.size()));
    CHECK(live_before - live_after == plan.given_up.size());
    // A segment is given up only when there is no room for it.
    if (!plan.given_up.empty()) CHECK(live_after + 1 >= std::min<std::size_t>(after, live_before));
  }
}

}  // namespace
}  // namespace nines::storage::ring
