// A check names each damaged place, and nothing else.
#include "storage/ring/check.h"

#include <string>

#include <doctest/doctest.h>

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

}  // namespace
}  // namespace nines::storage::ring
