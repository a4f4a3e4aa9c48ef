// Each place that can be damaged is named, once; what a running nines has not finished is not.
#include "storage/offline/verify.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/storage/offline/folder_rig.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

void fill(FolderRig& rig) {
  rig.add_samples(1500);
  rig.add_lines(3000);
  REQUIRE(rig.metrics->flush());
  rig.add_samples(10);
  rig.add_lines(10);
}

FolderCheck check(FolderRig& rig, bool live = false) {
  auto checked = check_folder(*rig.fs, rig.path, live);
  REQUIRE_MESSAGE(checked, checked.error().what());
  return *std::move(checked);
}

// XORs one byte of a file.
void damage(const std::string& file, std::uint64_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const int byte = stream.get();
  REQUIRE(byte >= 0);
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(byte ^ 0x10));
  REQUIRE(stream.good());
}

struct Place {
  std::string file;
  std::uint64_t offset = 0;
};

// Where a frame of the class begins; footers when asked for.
Place frame_of(FolderRig& rig, SegmentClass cls, bool footer = false) {
  std::optional<Place> place;
  const auto checked = ring::check_ring(*rig.fs, rig.path, {}, [&](SegmentClass of) {
    return [&, of](const ring::Frame& frame) {
      if (of == cls && !footer && !place)
        place = Place{ring::segment_name(frame.location.segment), frame.location.offset};
      return ring::TimeBounds{};
    };
  });
  REQUIRE(checked);
  if (footer) {
    for (const ring::SegmentInfo& segment : rig.ring->segments(cls)) {
      if (segment.sealed && segment.footer.length > 0)
        place = Place{ring::segment_name(segment.segment), segment.footer.offset};
    }
  }
  REQUIRE(place);
  return *place;
}

TEST_CASE("a sound folder has no damage; pages, blocks and frames were read") {
  FolderRig rig;
  fill(rig);
  rig.close();
  const FolderCheck found = check(rig);
  CHECK(found.damaged() == 0);
  CHECK(found.pages > 0);
  CHECK(found.blocks > 0);
  CHECK(found.ring.frames > found.pages + found.blocks);
}

TEST_CASE("one damaged frame of any class is named by file, offset and class") {
  FolderRig rig;
  fill(rig);
  for (const SegmentClass cls : {SegmentClass::kJournal, SegmentClass::kRaw, SegmentClass::kLogs,
                                 SegmentClass::kLogJournal}) {
    CAPTURE(ring::to_string(cls));
    const Place place = frame_of(rig, cls);
    damage(rig.path + "/" + place.file, place.offset + 25);
    const FolderCheck found = check(rig);
    damage(rig.path + "/" + place.file, place.offset + 25);
    // What needs the frame, such as the pages of a layout, may be named as well.
    const auto hit = std::find_if(
        found.ring.damage.begin(), found.ring.damage.end(),
        [&](const ring::Damage& d) { return d.file == place.file && d.offset == place.offset; });
    REQUIRE(hit != found.ring.damage.end());
    CHECK(hit->cls == cls);
    CHECK(check(rig).damaged() == 0);
  }
}

TEST_CASE("damaged indexes, headers and superblocks are named") {
  FolderRig rig;
  fill(rig);
  const Place footer = frame_of(rig, SegmentClass::kRaw, true);
  rig.close();
  const auto only = [&](const std::string& file, std::uint64_t at) {
    damage(rig.path + "/" + file, at);
    const FolderCheck found = check(rig);
    damage(rig.path + "/" + file, at);
    CHECK(found.damaged() == 1);
    REQUIRE(found.ring.damage.size() == 1);
    CHECK(found.ring.damage[0].file == file);
    return found.ring.damage[0];
  };
  CHECK(only(footer.file, footer.offset + 30).offset == footer.offset);
  CHECK(only(footer.file, 20).what.find("header") != std::string::npos);
  CHECK(only(footer.file, 4096 + 20).offset == 4096);
  CHECK(only("super", 4096 + 40).what.find("superblock") != std::string::npos);
}

TEST_CASE("a missing segment file and a damaged state database are damage") {
  FolderRig rig;
  fill(rig);
  rig.close();
  REQUIRE(rig.fs->rename(rig.path + "/seg-00003", rig.path + "/elsewhere"));
  FolderCheck found = check(rig);
  REQUIRE(found.ring.damage.size() == 1);
  CHECK(found.ring.damage[0].file == "seg-00003");
  CHECK(found.ring.damage[0].what.find("missing") != std::string::npos);
  REQUIRE(rig.fs->rename(rig.path + "/elsewhere", rig.path + "/seg-00003"));

  std::fstream(rig.path + "/state.db", std::ios::in | std::ios::out | std::ios::binary)
      << std::string(6000, 'z');
  found = check(rig);
  CHECK(found.ring.damage.empty());
  REQUIRE(found.state_problems.size() >= 1);
  CHECK(found.damaged() == found.state_problems.size());
}

TEST_CASE("a folder that is written to meanwhile has no damage for that") {
  FolderRig rig;
  fill(rig);
  CHECK_FALSE(hold_folder(*rig.fs, rig.path).holder.empty());
  for (int i = 0; i < 30; ++i) {
    rig.add_samples(40);
    rig.add_lines(100);
    const FolderCheck found = check(rig, true);
    CHECK(found.damaged() == 0);
  }
  rig.close();
  CHECK(check(rig).damaged() == 0);
}

TEST_CASE("half a frame at the end is the writer's affair in a live folder, else damage") {
  FolderRig rig;
  fill(rig);
  const ring::SegmentInfo open = rig.ring->segments(SegmentClass::kJournal).back();
  REQUIRE(open.open);
  const std::string file = rig.path + "/" + ring::segment_name(open.segment);
  // The header of a frame whose payload has not come yet.
  std::string head(24, '\0');
  head[0] = 100;
  const std::uint64_t sequence = rig.ring->last_sequence(SegmentClass::kJournal) + 1;
  for (std::size_t i = 0; i < 8; ++i) head[8 + i] = static_cast<char>(sequence >> (8 * i));
  {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(open.data_end);
    stream << head;
  }
  CHECK(check(rig, true).damaged() == 0);
  const FolderCheck found = check(rig);
  REQUIRE(found.ring.damage.size() == 1);
  CHECK(found.ring.damage[0].offset == open.data_end);
  CHECK(found.ring.damage[0].what.find("cut off") != std::string::npos);
}

TEST_CASE("a stopped folder is held while it is looked at") {
  FolderRig rig;
  rig.close();
  FolderHold hold = hold_folder(*rig.fs, rig.path);
  CHECK(hold.holder.empty());
  REQUIRE(hold.lock);
  CHECK_FALSE(rig.fs->lock(rig.path + "/lock"));
  hold.lock.reset();
  CHECK(rig.fs->lock(rig.path + "/lock"));
  CHECK_FALSE(hold_folder(*rig.fs, rig.dir / "nowhere").lock);
  CHECK_FALSE(rig.fs->info(rig.dir / "nowhere"));
}

TEST_CASE("who runs in a folder is told without taking its lock") {
  FolderRig rig;
  CHECK(folder_holder(*rig.fs, rig.path).find("(pid ") != std::string::npos);
  rig.close();
  CHECK(folder_holder(*rig.fs, rig.path).empty());
  CHECK(folder_holder(*rig.fs, rig.dir / "nowhere").empty());
  CHECK_FALSE(rig.fs->info(rig.dir / "nowhere"));
}

TEST_CASE("a folder without a ring is not found; one without a superblock is corrupt") {
  FolderRig rig;
  rig.close();
  CHECK(check_folder(*rig.fs, rig.dir / "nowhere", false).error().code() == ErrorCode::kNotFound);
  damage(rig.path + "/super", 10);
  damage(rig.path + "/super", 4096 + 10);
  CHECK(check_folder(*rig.fs, rig.path, false).error().code() == ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace nines::storage
