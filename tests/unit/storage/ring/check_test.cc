// A check names each damaged place, and nothing else.
#include "storage/ring/check.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/ring/crc32c.h"
#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::storage::ring {
namespace {

TEST_CASE("a sound ring has no damage; a flipped bit is named by segment, offset and class") {
  testing::MemFs fs;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  const auto log = make_null_log();
  REQUIRE(fs.make_dirs("/data"));
  RingOptions options;
  options.path = "/data";
  options.segment_bytes = 64u << 10;
  options.bytes = 16 * options.segment_bytes + 8192;
  Location first, last;
  {
    auto ring = Ring::open(options, fs, clock, *log);
    REQUIRE(ring);
    const std::string text(100, 'x');
    const auto put = [&] {
      return *(*ring)->append(SegmentClass::kRaw, {1, 0, 7}, std::as_bytes(std::span(text)));
    };
    first = put();
    put();
    last = put();
  }
  auto check = check_ring(fs, "/data", {}, {});
  REQUIRE(check);
  CHECK(check->damage.empty());
  CHECK(check->frames == 3);
  CHECK(check->segments[first.segment].state == SegmentState::kOpen);

  for (const Location& hit : {first, last}) {
    fs.flip_bit("/data/" + segment_name(hit.segment), hit.offset + 30, 3);
    check = check_ring(fs, "/data", {}, {});
    REQUIRE(check);
    REQUIRE(check->damage.size() == 1);
    CHECK(check->damage[0].file == segment_name(hit.segment));
    CHECK(check->damage[0].offset == hit.offset);
    CHECK(check->damage[0].cls == SegmentClass::kRaw);
    CHECK(check->segments[hit.segment].damaged == 1);
    fs.flip_bit("/data/" + segment_name(hit.segment), hit.offset + 30, 3);
  }
  CHECK(check_ring(fs, "/elsewhere", {}, {}).error().code() == ErrorCode::kNotFound);
}

TEST_CASE("a ring of another format is named as such, not as damage; lives are told by headers") {
  testing::MemFs fs;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  const auto log = make_null_log();
  REQUIRE(fs.make_dirs("/data"));
  RingOptions options;
  options.path = "/data";
  options.segment_bytes = 64u << 10;
  options.bytes = 16 * options.segment_bytes + 8192;
  auto ring = Ring::open(options, fs, clock, *log);
  REQUIRE(ring);
  CHECK(segment_lives(fs, "/data")->empty());
  const auto raw = (*ring)->append(SegmentClass::kRaw, {1, 0, 7}, {});
  const auto journal = (*ring)->append(SegmentClass::kJournal, {1, 0, 7}, {});
  REQUIRE(raw);
  REQUIRE(journal);
  const std::vector<SegmentLife> expected = {{0, 1, SegmentClass::kRaw},
                                             {1, 2, SegmentClass::kJournal}};
  CHECK(*segment_lives(fs, "/data") == expected);
  REQUIRE((*ring)->seal(SegmentClass::kJournal, {}));
  REQUIRE((*ring)->release(journal->segment, journal->generation));
  CHECK(segment_lives(fs, "/data")->size() == 1);
  ring->reset();

  std::string text = fs.text("/data/super");
  for (const std::size_t slot : {std::size_t{0}, std::size_t{4096}}) {
    text[slot + 8] = 99;
    const std::uint32_t crc = crc32c(std::as_bytes(std::span(text)).subspan(slot, 508));
    for (std::size_t i = 0; i < 4; ++i) text[slot + 508 + i] = static_cast<char>(crc >> (8 * i));
  }
  fs.put("/data/super", text);
  const auto refused = check_ring(fs, "/data", {}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kInvalid);
  CHECK(refused.error().what().find("format 99") != std::string::npos);
}

}  // namespace
}  // namespace nines::storage::ring
