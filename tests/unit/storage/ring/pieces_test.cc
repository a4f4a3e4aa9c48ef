// Many frames are read as pieces of segments, in the order they lie in.
#include "storage/ring/pieces.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/ring/internal/layout.h"
#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::storage::ring {
namespace {

constexpr auto kHead = static_cast<std::uint32_t>(kFrameHeaderBytes);

Location at(std::uint32_t segment, std::uint32_t offset, std::uint32_t length,
            std::uint64_t generation = 5) {
  return {.segment = segment, .offset = offset, .generation = generation, .length = length};
}

// segment:offset of each frame, a bar between pieces.
std::string text(std::vector<Location> frames, const PieceLimits& limits = {}) {
  std::string out;
  for (const std::span<const Location> piece : pieces_of(frames, limits)) {
    if (!out.empty()) out += "| ";
    for (const Location& frame : piece)
      out += std::to_string(frame.segment) + ":" + std::to_string(frame.offset) + " ";
  }
  return out;
}

TEST_CASE("frames in any order are put in order, each once") {
  CHECK(text({}).empty());
  CHECK(text({at(1, 8192, 100), at(0, 9000, 50), at(0, 8192, 100), at(0, 9000, 50)}) ==
        "0:8192 0:9000 | 1:8192 ");
}

TEST_CASE("frames are one piece as long as the gap is not larger than the limit") {
  const std::uint32_t end = 8192 + kHead + 100;
  CHECK(text({at(0, end + 10, 7), at(0, 8192, 100)}, {.gap = 10}).find('|') == std::string::npos);
  CHECK(text({at(0, end + 11, 7), at(0, 8192, 100)}, {.gap = 10}).find('|') != std::string::npos);
}

TEST_CASE("a piece ends before it is larger than the limit; one frame is always a piece") {
  const PieceLimits limits{.gap = 1000, .bytes = 2 * (kHead + 100)};
  const std::uint32_t second = 8192 + kHead + 100;
  CHECK(text({at(0, 8192, 100), at(0, second, 100)}, limits) ==
        "0:8192 0:" + std::to_string(second) + " ");
  CHECK(text({at(0, 8192, 100), at(0, second, 101)}, limits) ==
        "0:8192 | 0:" + std::to_string(second) + " ");
  CHECK(text({at(0, 8192, 100'000)}, limits) == "0:8192 ");
}

TEST_CASE("frames of another segment, or of another life of it, are another piece") {
  CHECK(text({at(0, 8192, 100), at(1, 8192, 100)}) == "0:8192 | 1:8192 ");
  CHECK(text({at(0, 8192, 100, 6), at(0, 8192, 100, 5)}) == "0:8192 | 0:8192 ");
}

struct Rig {
  testing::MemFs fs;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Ring> ring;
  std::vector<Location> frames;  // of "frame 0", "frame 1", ...
  const PieceReader* reader = nullptr;

  Rig() {
    REQUIRE(fs.make_dirs("/data"));
    RingOptions options;
    options.path = "/data";
    options.segment_bytes = 256u << 10;
    options.bytes = 16 * options.segment_bytes + 8192;
    auto opened = Ring::open(options, fs, clock, *log);
    REQUIRE(opened);
    ring = *std::move(opened);
    reader = dynamic_cast<const PieceReader*>(ring.get());
    REQUIRE(reader != nullptr);
    for (int i = 0; i < 5; ++i) {
      const std::string payload = "frame " + std::to_string(i);
      auto done = ring->append(SegmentClass::kRaw, {1, 0, 7}, std::as_bytes(std::span(payload)));
      REQUIRE(done);
      frames.push_back(*done);
    }
  }
  std::string read(const std::vector<Location>& piece) {
    std::string out;
    reader->read_piece(piece, room, [&](const Frame& frame) {
      CHECK(frame.head.tag == 7);
      out.append(reinterpret_cast<const char*>(frame.payload.data()), frame.payload.size());
      out += " at " + std::to_string(frame.location.offset) + "; ";
    });
    return out;
  }
  std::string frame(std::size_t i) const {
    return "frame " + std::to_string(i) + " at " + std::to_string(frames[i].offset) + "; ";
  }
  std::size_t preads() const {
    std::size_t n = 0;
    for (const std::string& call : fs.trace()) n += call.starts_with("pread ") ? 1 : 0;
    return n;
  }

  std::vector<std::byte> room;
};

TEST_CASE("one read brings the frames of a piece, in order, and only those") {
  Rig rig;
  const std::size_t before = rig.preads();
  CHECK(rig.read({rig.frames[0], rig.frames[2], rig.frames[3]}) ==
        rig.frame(0) + rig.frame(2) + rig.frame(3));
  CHECK(rig.preads() == before + 1);
  CHECK(rig.read({rig.frames[4]}) == rig.frame(4));  // into the same room
}

TEST_CASE("what is damaged or says another length is left out, the others are visited") {
  Rig rig;
  rig.fs.flip_bit("/data/" + segment_name(rig.frames[1].segment), rig.frames[1].offset + kHead, 3);
  CHECK(rig.read(rig.frames) == rig.frame(0) + rig.frame(2) + rig.frame(3) + rig.frame(4));
  std::vector<Location> wrong = rig.frames;
  wrong[3].length -= 1;
  CHECK(rig.read(wrong) == rig.frame(0) + rig.frame(2) + rig.frame(4));
  // Past the end of the file.
  wrong = {rig.frames[0], rig.frames[4]};
  wrong[1].offset = (256u << 10) - 8;
  CHECK(rig.read(wrong) == rig.frame(0));
}

TEST_CASE("of a segment's other life nothing is read; a disk that fails shows nothing") {
  Rig rig;
  std::vector<Location> gone = rig.frames;
  for (Location& frame : gone) frame.generation += 100;
  CHECK(rig.read(gone).empty());
  rig.reader->will_read(gone);
  rig.fs.fail_nth(1);
  CHECK(rig.read(rig.frames).empty());
  CHECK(rig.read(rig.frames).size() > 0);
}

TEST_CASE("a file is told of the whole piece") {
  Rig rig;
  rig.reader->will_read(std::span(rig.frames).subspan(1, 3));
  const Location& last = rig.frames[3];
  const std::uint32_t length = last.offset + kHead + last.length - rig.frames[1].offset;
  CHECK(rig.fs.trace().back() == "will_read /data/" + segment_name(last.segment) + " " +
                                     std::to_string(rig.frames[1].offset) + " " +
                                     std::to_string(length));
}

}  // namespace
}  // namespace nines::storage::ring
