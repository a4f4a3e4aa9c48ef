// Whatever is written through the overlay is read back from it, and never reaches the disk.
#include "storage/offline/internal/overlay_fs.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/mem_fs.h"
#include "tests/support/sim_clock.h"

namespace nines::storage {
namespace {

std::string read(const File& file, std::uint64_t at, std::size_t n) {
  std::string text(n, '?');
  const auto got = file.pread(at, std::as_writable_bytes(std::span(text.data(), n)));
  REQUIRE(got);
  text.resize(*got);
  return text;
}
void write(File& file, std::uint64_t at, std::string_view text) {
  REQUIRE(file.pwrite(at, std::as_bytes(std::span(text))));
}

TEST_CASE("reads go through, writes stay, and two handles see the same file") {
  testing::MemFs disk;
  const std::string before(10'000, 'd');
  disk.put("/data/a", before);
  OverlayFs fs(disk);
  const auto file = fs.open("/data/a", OpenMode::kReadWrite);
  const auto other = fs.open("/data/a", OpenMode::kRead);
  REQUIRE(file);
  REQUIRE(other);
  CHECK(fs.bytes_held() == 0);
  write(**file, 4090, "0123456789");
  CHECK(fs.bytes_held() == 2 * 4096);
  std::string expected = before;
  expected.replace(4090, 10, "0123456789");
  CHECK(read(**other, 0, 20'000) == expected);
  CHECK(read(**other, 4092, 3) == "234");
  CHECK(disk.text("/data/a") == before);
}

TEST_CASE("random writes and cuts read as they would on a disk") {
  testing::MemFs disk;
  std::string model(60'000, '\0');
  testing::SeededRng rng(7);
  for (char& c : model) c = static_cast<char>(rng.next() % 250);
  disk.put("/f", model);
  const std::string untouched = model;
  OverlayFs fs(disk);
  const auto file = *fs.open("/f", OpenMode::kReadWrite);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t what = rng.next() % 100;
    const std::uint64_t at = rng.next() % 70'000;
    const std::size_t n = rng.next() % 9'000;
    if (what < 50) {
      const std::string text(n, static_cast<char>('a' + i % 26));
      if (n == 0) continue;
      write(*file, at, text);
      if (model.size() < at + n) model.resize(at + n, '\0');
      model.replace(at, n, text);
    } else if (what < 53) {
      REQUIRE(file->truncate(at));
      model.resize(at, '\0');
    } else {
      const std::string expected = at >= model.size() ? "" : model.substr(at, n);
      const bool same = read(*file, at, n) == expected;
      REQUIRE(same);
    }
  }
  CHECK(file->info()->size == model.size());
  CHECK(disk.text("/f") == untouched);
}

TEST_CASE("room, new files, removed and renamed ones exist in the overlay alone") {
  testing::MemFs disk;
  disk.set_capacity(1 << 20);
  disk.put("/data/a", "a");
  disk.put("/data/b", "b");
  OverlayFs fs(disk);
  REQUIRE(fs.open("/data/big", OpenMode::kCreate));
  REQUIRE((*fs.open("/data/big", OpenMode::kCreate))->allocate(1ULL << 40));
  CHECK(fs.info("/data/big")->size == 1ULL << 40);
  CHECK(read(**fs.open("/data/big", OpenMode::kRead), 1ULL << 39, 3) == std::string(3, '\0'));
  CHECK(fs.bytes_held() == 0);
  CHECK(fs.space("/data")->free > 1ULL << 50);
  REQUIRE(fs.remove("/data/a"));
  CHECK(fs.open("/data/a", OpenMode::kRead).error().code() == ErrorCode::kNotFound);
  CHECK(fs.info("/data/a").error().code() == ErrorCode::kNotFound);
  CHECK_FALSE(fs.remove("/data/a"));
  REQUIRE(fs.rename("/data/b", "/data/c"));
  CHECK(read(**fs.open("/data/c", OpenMode::kRead), 0, 9) == "b");
  CHECK_FALSE(fs.rename("/data/b", "/data/d"));
  CHECK(*fs.list("/data") == std::vector<std::string>{"big", "c"});
  CHECK(fs.open("/data/a", OpenMode::kCreate));
  CHECK(read(**fs.open("/data/a", OpenMode::kRead), 0, 9).empty());
  CHECK(fs.lock("/data/lock"));
  CHECK(fs.make_dirs("/data/x"));
  CHECK(fs.sync_dir("/data"));
  CHECK_FALSE(fs.open("/nowhere", OpenMode::kReadWrite));
  CHECK(*disk.list("/data") == std::vector<std::string>{"a", "b"});
  CHECK(disk.text("/data/a") == "a");
}

TEST_CASE("an error of the disk comes through") {
  testing::MemFs disk;
  disk.put("/f", std::string(9'000, 'x'));
  OverlayFs fs(disk);
  const auto file = *fs.open("/f", OpenMode::kReadWrite);
  disk.fail_nth(1, true);
  std::string text(10, ' ');
  CHECK(file->pread(0, std::as_writable_bytes(std::span(text))).error().code() == ErrorCode::kIo);
  CHECK(file->pwrite(0, std::as_bytes(std::span("x", 1))).error().code() == ErrorCode::kIo);
  CHECK(fs.open("/g", OpenMode::kCreate).error().code() == ErrorCode::kIo);
}

}  // namespace
}  // namespace nines::storage
