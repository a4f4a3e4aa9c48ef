// The test's own file system must be right about what a crash keeps.
#include "tests/support/mem_fs.h"

#include <doctest/doctest.h>

#include "tests/support/sim_clock.h"

namespace nines::testing {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST_CASE("a crash keeps synced bytes under durable names and forgets the rest") {
  MemFs fs;
  REQUIRE(fs.make_dirs("/d"));
  {
    auto a = *fs.open("/d/a", OpenMode::kCreate);
    REQUIRE(a->pwrite(0, bytes("kept")));
    REQUIRE(a->sync());
    auto nameless = *fs.open("/d/b", OpenMode::kCreate);
    REQUIRE(fs.sync_dir("/d"));
    REQUIRE(a->pwrite(4, bytes("lost")));
    auto late = *fs.open("/d/c", OpenMode::kCreate);
    REQUIRE(late->pwrite(0, bytes("x")));
    REQUIRE(late->sync());  // bytes without a name
  }
  CHECK(fs.text("/d/a") == "keptlost");
  fs.crash();
  CHECK(fs.text("/d/a") == "kept");
  CHECK(fs.exists("/d/b"));
  CHECK_FALSE(fs.exists("/d/c"));
}

TEST_CASE("a removed file is back after a crash unless its folder was synced") {
  MemFs fs;
  fs.put("/d/a", "x");
  REQUIRE(fs.remove("/d/a"));
  CHECK_FALSE(fs.exists("/d/a"));
  fs.crash();
  CHECK(fs.text("/d/a") == "x");
  REQUIRE(fs.remove("/d/a"));
  REQUIRE(fs.sync_dir("/d"));
  fs.crash();
  CHECK_FALSE(fs.exists("/d/a"));
}

TEST_CASE("the nth operation fails, once or from then on") {
  MemFs fs;
  fs.put("/a", "x");
  fs.fail_nth(2);
  CHECK(fs.open("/a", OpenMode::kRead));
  CHECK(fs.open("/a", OpenMode::kRead).error().code() == ErrorCode::kIo);
  CHECK(fs.open("/a", OpenMode::kRead));
  fs.fail_nth(1, true);
  CHECK_FALSE(fs.open("/a", OpenMode::kRead));
  CHECK_FALSE(fs.list("/"));
  CHECK(fs.trace().back() == "list /");
}

TEST_CASE("what a failed sync dropped is not saved by the next one") {
  MemFs fs;
  fs.put("/a", "old!");
  auto file = *fs.open("/a", OpenMode::kReadWrite);
  REQUIRE(file->pwrite(0, bytes("new!")));
  fs.fail_nth(1);
  CHECK_FALSE(file->sync());
  CHECK(file->sync());
  CHECK(fs.text("/a") == "new!");
  fs.crash();
  CHECK(fs.text("/a") == "old!");
}

TEST_CASE("a torn crash keeps some unsynced pages and never harms synced ones") {
  int kept = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    MemFs fs;
    fs.put("/a", std::string(8 * 4096, 'o'));
    auto file = *fs.open("/a", OpenMode::kReadWrite);
    REQUIRE(file->pwrite(4096, bytes(std::string(4 * 4096, 'n'))));
    SeededRng dice(seed);
    fs.crash(dice);
    const std::string text = fs.text("/a");
    REQUIRE(text.size() == 8 * 4096);
    for (const std::size_t page : {0u, 5u, 6u, 7u}) CHECK(text[page * 4096] == 'o');
    for (const std::size_t page : {1u, 2u, 3u, 4u}) kept += text[page * 4096] == 'n' ? 1 : 0;
  }
  CHECK(kept > 20);
  CHECK(kept < 60);
}

TEST_CASE("the capacity is a limit for reserving and for writing") {
  MemFs fs;
  fs.set_capacity(1u << 20);
  auto file = *fs.open("/a", OpenMode::kCreate);
  CHECK(file->allocate((1u << 20) + 1).error().code() == ErrorCode::kLimit);
  CHECK(file->info()->size == 0);
  REQUIRE(file->allocate(1u << 20));
  CHECK(file->pwrite(0, bytes("fits")));
  auto other = *fs.open("/b", OpenMode::kCreate);
  CHECK(other->pwrite(0, bytes("x")).error().code() == ErrorCode::kIo);
  CHECK(fs.space("/")->free == 0);
}

TEST_CASE("shrinking and growing again shows zeros, not the old bytes") {
  MemFs fs;
  fs.put("/a", std::string(10'000, 'x'));
  auto file = *fs.open("/a", OpenMode::kReadWrite);
  REQUIRE(file->truncate(5000));
  REQUIRE(file->truncate(10'000));
  CHECK(fs.text("/a") == std::string(5000, 'x') + std::string(5000, '\0'));
  fs.crash();
  CHECK(fs.text("/a") == std::string(10'000, 'x'));
}

TEST_CASE("renaming a folder takes its files along, for good") {
  MemFs fs;
  fs.put("/a/x/f", "1");
  REQUIRE(fs.make_dirs("/b"));
  REQUIRE(fs.rename("/a/x", "/b/y"));
  CHECK(fs.text("/b/y/f") == "1");
  fs.crash();
  CHECK(fs.text("/b/y/f") == "1");
  CHECK_FALSE(fs.exists("/a/x/f"));
}

TEST_CASE("a lock dies with its holder") {
  MemFs fs;
  auto first = fs.lock("/LOCK");
  REQUIRE(first);
  CHECK(fs.lock("/LOCK").error().code() == ErrorCode::kUnavailable);
  first->reset();
  CHECK(fs.lock("/LOCK"));
}

}  // namespace
}  // namespace nines::testing
