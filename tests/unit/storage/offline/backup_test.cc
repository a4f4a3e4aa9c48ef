// A backup of a folder in use gives back what was in it; what is damaged or in the way is refused.
#include "storage/offline/backup.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/offline/internal/manifest.h"
#include "storage/offline/verify.h"
#include "tests/unit/storage/offline/folder_rig.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

struct Room : FolderRig {
  std::string to = dir / "backup";
  std::string restored = dir / "restored";

  Room() { fill(); }
  void fill() {
    add_samples(900);
    add_lines(2000);
    REQUIRE(metrics->flush());
    add_samples(30);
    add_lines(20);
    StoredAlert alert;
    alert.rule = "r";
    alert.labels = LabelSet{{"alertname", "Down"}};
    alert.firing = true;
    REQUIRE(state->save_alerts("r", {alert}));
    REQUIRE(state->write_minutes("slo", {{28'333'333, 9, 10, 0}}));
  }
  Result<BackupReport> try_back_up(const BackupStep& step = {}) {
    return back_up(*fs, clock, {path, to, "test"}, step);
  }
  BackupReport must_back_up(const BackupStep& step = {}) {
    auto report = try_back_up(step);
    REQUIRE_MESSAGE(report, report.error().what());
    return *std::move(report);
  }
  Result<RestoreReport> try_restore(bool force = false) {
    return restore(*fs, {to, restored, force});
  }
  std::vector<std::string> names(const std::string& folder) {
    auto listed = fs->list(folder);
    return listed ? *listed : std::vector<std::string>{};
  }
};

void flip(const std::string& file, std::streamoff at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(at);
  const int byte = stream.get();
  REQUIRE(byte >= 0);
  stream.seekp(at);
  stream.put(static_cast<char>(byte ^ 1));
}

TEST_CASE("a folder in use is backed up and restored: samples, lines and state are the same") {
  Room room;
  const std::size_t samples = FolderRig::count_samples(*room.metrics);
  const std::size_t lines = FolderRig::count_lines(*room.logs);
  const BackupReport report = room.must_back_up();
  CHECK(report.live);
  CHECK(report.damage.empty());
  CHECK(report.taken_at == room.clock.now());
  CHECK(room.names(room.to).size() == report.files);
  CHECK(report.bytes < 2u << 20);  // the ring is 3 MiB
  CHECK_FALSE(room.fs->info(room.to + ".partial"));
  room.add_samples(10);  // not in it
  const auto restored = room.try_restore();
  REQUIRE_MESSAGE(restored, restored.error().what());
  CHECK(restored->ring_bytes == room.ring_options.bytes);
  CHECK(restored->taken_at == report.taken_at);
  CHECK(check_folder(*room.fs, room.restored, false)->damaged() == 0);
  room.close();
  room.open(room.restored);
  CHECK(FolderRig::count_samples(*room.metrics) == samples);
  CHECK(FolderRig::count_lines(*room.logs) == lines);
  REQUIRE(room.state->load_alerts()->size() == 1);
  CHECK(room.state->read_minutes("slo", 0, INT64_MAX / 2)->at(0).valid == 10);
  // And it goes on: through a kill and a start.
  room.add_samples(20);
  room.add_lines(5);
  room.close();
  room.open(room.restored);
  CHECK(FolderRig::count_samples(*room.metrics) == samples + 200);
  CHECK(FolderRig::count_lines(*room.logs) == lines + 5);
}

TEST_CASE("what is appended, paged and cut while a backup runs loses nothing that was there before") {
  Room room;
  const std::size_t samples = FolderRig::count_samples(*room.metrics);
  const std::size_t lines = FolderRig::count_lines(*room.logs);
  int steps = 0;
  room.must_back_up([&](const std::string&) -> Result<void> {
    room.add_samples(20);
    room.add_lines(30);
    if (++steps % 3 == 0) {
      REQUIRE(room.metrics->flush());  // journal segments are given back
      REQUIRE(room.logs->cut());
    }
    return {};
  });
  const std::size_t samples_after = FolderRig::count_samples(*room.metrics);
  REQUIRE(room.try_restore());
  room.close();
  room.open(room.restored);
  const std::size_t kept = FolderRig::count_samples(*room.metrics);
  CHECK(kept >= samples);
  CHECK(kept <= samples_after);
  CHECK(FolderRig::count_lines(*room.logs) >= lines);
  // New rows are not taken for rows that pages of the backup already hold.
  room.writer.reset();
  room.next_ms += 1'000'000;
  room.clock.advance(Duration(1'000'000));
  room.add_samples(25);
  room.add_lines(7);
  const std::size_t now = FolderRig::count_samples(*room.metrics);
  const std::size_t lines_now = FolderRig::count_lines(*room.logs);
  CHECK(now == kept + 250);
  room.close();
  room.open(room.restored);
  CHECK(FolderRig::count_samples(*room.metrics) == now);
  CHECK(FolderRig::count_lines(*room.logs) == lines_now);
}

TEST_CASE("a ring that turns faster than the backup ends it; the folder and the disk are as before") {
  Room room;
  room.add_samples(16'000);  // every segment of raw pages is in use
  const auto before = room.names(room.dir.path());
  int steps = 0;
  const auto report = room.try_back_up([&](const std::string& file) -> Result<void> {
    if (file.rfind("seg-", 0) == 0 && ++steps == 6) room.add_samples(16'000);
    return {};
  });
  REQUIRE_FALSE(report);
  CHECK(report.error().code() == ErrorCode::kUnavailable);
  CHECK(report.error().what().find("used again by the running nines") != std::string::npos);
  CHECK(room.names(room.dir.path()) == before);
  CHECK(check_folder(*room.fs, room.path, true)->damaged() == 0);
}

TEST_CASE("a backup does not overwrite, nor leave anything when it is ended") {
  Room room;
  room.must_back_up();
  const auto again = room.try_back_up();
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == ErrorCode::kInvalid);
  CHECK(again.error().what().find("exists") != std::string::npos);
  room.to = room.dir / "other/";
  const auto ended = room.try_back_up([](const std::string& file) -> Result<void> {
    if (file == "state.db") return {};
    return Error(ErrorCode::kUnavailable, "enough");
  });
  CHECK_FALSE(ended);
  CHECK(room.names(room.dir.path()) == std::vector<std::string>{"backup", "data"});
  // What a killed one left is taken over.
  std::filesystem::create_directories(room.dir / "other.partial");
  std::ofstream(room.dir / "other.partial/seg-00099") << "left";
  room.must_back_up();
  CHECK_FALSE(room.fs->info(room.dir / "other/seg-00099"));
  CHECK_FALSE(room.fs->info(room.dir / "other/lock"));
  const auto lock = room.fs->make_dirs(room.dir / "third.partial");
  const auto held = room.fs->lock(room.dir / "third.partial/lock");
  room.to = room.dir / "third";
  CHECK(room.try_back_up().error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("a folder without a ring is refused before anything is made") {
  Room room;
  room.path = room.dir / "nowhere";
  CHECK(room.try_back_up().error().code() == ErrorCode::kNotFound);
  CHECK(room.names(room.dir.path()) == std::vector<std::string>{"data"});
}

TEST_CASE("every damaged, short or missing file of a backup is refused by name") {
  Room room;
  room.must_back_up();
  for (const std::string& name : room.names(room.to)) {
    CAPTURE(name);
    const std::string file = room.to + "/" + name;
    for (const std::streamoff at : {std::streamoff{40}, std::streamoff{4100}}) {
      if (static_cast<std::uint64_t>(at) >= room.fs->info(file)->size) continue;
      flip(file, at);
      const auto refused = room.try_restore();
      CHECK_FALSE(check_backup(*room.fs, room.to));
      flip(file, at);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == ErrorCode::kCorrupt);
      CHECK(refused.error().what().find(name) != std::string::npos);
    }
    std::filesystem::rename(file, file + ".away");
    const auto missing = room.try_restore();
    REQUIRE_FALSE(missing);
    CHECK(missing.error().what().find(name) != std::string::npos);
    std::filesystem::rename(file + ".away", file);
    const std::uintmax_t size = std::filesystem::file_size(file);
    std::filesystem::copy(file, file + ".away");
    std::filesystem::resize_file(file, size - 1);
    const auto cut = room.try_restore();
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code() == ErrorCode::kCorrupt);
    std::filesystem::rename(file + ".away", file);
  }
  CHECK_FALSE(room.fs->info(room.restored));
  CHECK(is_backup(*room.fs, room.to));
  CHECK_FALSE(is_backup(*room.fs, room.path));
  CHECK(check_backup(*room.fs, room.to)->files + 1 == room.names(room.to).size());
  CHECK(room.try_restore());
}

TEST_CASE("a folder in use or with something in it is not restored over; force replaces our files") {
  Room room;
  room.must_back_up();
  CHECK(restore(*room.fs, {room.to, room.path, true}).error().code() == ErrorCode::kUnavailable);
  std::filesystem::create_directories(room.restored);
  std::ofstream(room.restored + "/notes.txt") << "mine";
  std::ofstream(room.restored + "/seg-00000") << "old";
  std::ofstream(room.restored + "/state.db-wal") << "old";
  std::ofstream(room.restored + "/state.reserve") << "old";
  const auto refused = room.try_restore();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kInvalid);
  CHECK(refused.error().what().find("--force") != std::string::npos);
  const auto forced = room.try_restore(true);
  REQUIRE_MESSAGE(forced, forced.error().what());
  CHECK(room.fs->info(room.restored + "/notes.txt"));
  CHECK_FALSE(room.fs->info(room.restored + "/state.db-wal"));
  CHECK_FALSE(room.fs->info(room.restored + "/state.reserve"));
  CHECK(check_folder(*room.fs, room.restored, false)->damaged() == 0);
  CHECK(restore(*room.fs, {room.dir / "nowhere", room.restored, true}).error().code() ==
        ErrorCode::kNotFound);
}

TEST_CASE("a restore that is ended removes what it made; the backup stays good") {
  Room room;
  room.must_back_up();
  const BackupStep stop = [](const std::string& what) -> Result<void> {
    if (what == "seg-00005") return Error(ErrorCode::kUnavailable, "enough");
    return {};
  };
  CHECK_FALSE(restore(*room.fs, {room.to, room.restored, false}, stop));
  CHECK_FALSE(room.fs->info(room.restored));
  CHECK(room.try_restore());
}

TEST_CASE("a restored ring opens with another budget") {
  Room room;
  const std::size_t samples = FolderRig::count_samples(*room.metrics);
  room.must_back_up();
  REQUIRE(room.try_restore());
  room.close();
  room.ring_options.bytes += 10 * std::uint64_t{room.ring_options.segment_bytes};
  room.open(room.restored);
  CHECK(FolderRig::count_samples(*room.metrics) == samples);
}

TEST_CASE("a manifest reads back, and refuses what was cut off, changed or names other files") {
  Manifest manifest;
  manifest.nines = "1.2.3";
  manifest.taken_at = from_millis(1'700'000'000'123);
  manifest.uuid = "00ff";
  manifest.segment_bytes = 65'536;
  manifest.segments = 20;
  manifest.generation = 77;
  manifest.files = {{"state.db", 10, 0xdeadbeef, "", 0}, {"seg-00019", 65'536, 1, "raw", 76}};
  manifest.damage = {"a \"quoted\" line"};
  const std::string text = write_manifest(manifest);
  const auto read = read_manifest(text);
  REQUIRE_MESSAGE(read, read.error().what());
  CHECK(read->taken_at == manifest.taken_at);
  CHECK(read->generation == 77);
  REQUIRE(read->files.size() == 2);
  CHECK(read->files[0].crc == 0xdeadbeef);
  CHECK(read->files[1].cls == "raw");
  CHECK(read->damage == manifest.damage);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(read_manifest(changed));
    CHECK_FALSE(read_manifest(text.substr(0, i)));
  }
  for (const std::string name : {"../evil", "seg-00020", "seg-1", "seg-", "notes.txt", "", "seg-0000x"}) {
    CAPTURE(name);
    manifest.files = {{name, 10, 1, "", 0}};
    CHECK_FALSE(read_manifest(write_manifest(manifest)));
  }
  manifest.files = {{"seg-00001", 65'537, 1, "raw", 1}};
  CHECK_FALSE(read_manifest(write_manifest(manifest)));
}

}  // namespace
}  // namespace nines::storage
