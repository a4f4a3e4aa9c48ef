#include <string>

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "base/fs/fs.h"
#include "tests/support/temp_dir.h"

namespace nines {
namespace {

using testing::TempDir;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST_CASE("what was written is read back, short only at the end") {
  const TempDir dir;
  const auto fs = make_posix_fs();
  auto file = fs->open(dir / "a", OpenMode::kCreate);
  REQUIRE(file);
  REQUIRE((*file)->pwrite(3, bytes("hello")));
  REQUIRE((*file)->sync());
  std::string out(10, '?');
  const auto n = (*file)->pread(4, std::as_writable_bytes(std::span(out)));
  REQUIRE(n);
  CHECK(*n == 4);
  CHECK(out.substr(0, 4) == "ello");
  CHECK((*file)->info()->size == 8);
  CHECK(*(*file)->pread(8, std::as_writable_bytes(std::span(out))) == 0);
}

TEST_CASE("a missing file is kNotFound and says so in the kernel's words") {
  const TempDir dir;
  const auto fs = make_posix_fs();
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
    const auto file = fs->open(dir / "no", mode);
    REQUIRE_FALSE(file);
    CHECK(file.error().code() == ErrorCode::kNotFound);
    CHECK(file.error().what() == "open " + (dir / "no") + ": No such file or directory");
  }
  CHECK(fs->info(dir / "no").error().code() == ErrorCode::kNotFound);
  CHECK(fs->list(dir / "no").error().code() == ErrorCode::kNotFound);
  CHECK(fs->remove(dir / "no").error().code() == ErrorCode::kNotFound);
}

TEST_CASE("allocate reserves blocks and sets the length; truncate gives them back") {
  const TempDir dir;
  const auto fs = make_posix_fs();
  auto file = fs->open(dir / "ring", OpenMode::kCreate);
  REQUIRE(file);
  REQUIRE((*file)->allocate(1u << 20));
  CHECK((*file)->info()->size == 1u << 20);
  CHECK((*file)->info()->allocated >= 1u << 20);
  REQUIRE((*file)->truncate(0));
  CHECK((*file)->info()->allocated == 0);
}

TEST_CASE("more than the disk has is kLimit and leaves nothing reserved") {
  const TempDir dir;
  const auto fs = make_posix_fs();
  auto file = fs->open(dir / "ring", OpenMode::kCreate);
  REQUIRE(file);
  const auto space = fs->space(dir.path());
  REQUIRE(space);
  const auto refused = (*file)->allocate(space->free + (std::uint64_t{64} << 30));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kLimit);
  CHECK((*file)->info()->size == 0);
  CHECK((*file)->info()->allocated == 0);
}

TEST_CASE("a lock is held by one at a time and freed with its object") {
  const TempDir dir;
  const auto fs = make_posix_fs();
  auto first = fs->lock(dir / "LOCK");
  REQUIRE(first);
  CHECK(fs->lock(dir / "LOCK").error().code() == ErrorCode::kUnavailable);
  first->reset();
  CHECK(fs->lock(dir / "LOCK"));
}

TEST_CASE("folders are made with their parents, listed in order, and may exist already") {
  const TempDir dir;
  const auto fs = make_posix_fs();
  REQUIRE(fs->make_dirs(dir / "a/b/c"));
  REQUIRE(fs->make_dirs(dir / "a/b/c"));
  REQUIRE(fs->make_dirs(dir / "a/b/a"));
  CHECK(*fs->list(dir / "a/b") == std::vector<std::string>{"a", "c"});
  CHECK(fs->info(dir / "a/b")->is_directory);
  REQUIRE(write_file_atomically(*fs, dir / "a/file", "x"));
  CHECK_FALSE(fs->make_dirs(dir / "a/file/b"));
  CHECK_FALSE(fs->make_dirs(dir / "a/file"));
}

TEST_CASE("opening a named pipe does not hang, reading it is an error") {
  const TempDir dir;
  const auto fs = make_posix_fs();
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK_FALSE(read_file(*fs, dir / "pipe"));
}

TEST_CASE("files of /proc, which claim to be empty, are read whole") {
  const auto fs = make_posix_fs();
  const auto text = read_file(*fs, "/proc/self/status");
  REQUIRE(text);
  CHECK(text->starts_with("Name:"));
}

}  // namespace
}  // namespace nines
