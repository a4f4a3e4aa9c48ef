// A state database looked at as a file: closed, in use, damaged, not one at all.
#include "storage/state/sqlite_check.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "storage/state/sqlite_state.h"
#include "tests/support/sim_clock.h"
#include "tests/support/temp_dir.h"

namespace nines::storage {
namespace {

struct Room {
  testing::TempDir dir;
  testing::SimClock clock{from_millis(1'000'000)};
  std::unique_ptr<Log> log = make_null_log();

  std::unique_ptr<StateStore> open(const std::string& name = "state.db") {
    auto store = open_sqlite_state(dir / name, clock, *log);
    REQUIRE_MESSAGE(store, (store ? "" : store.error().what()));
    return *std::move(store);
  }
  // Enough rows for many pages of the file.
  void fill(StateStore& store) {
    for (int i = 0; i < 200; ++i)
      REQUIRE(store.set_value("key " + std::to_string(i), std::string(1000, 'x')));
  }
  void overwrite(const std::string& name, std::streamoff at, const std::string& bytes) {
    std::fstream file(dir / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(file.good());
  }
};

TEST_CASE("a sound database has no problems, while it is open too") {
  Room room;
  {
    const auto store = room.open();
    room.fill(*store);
    const auto live = check_sqlite_state(room.dir / "state.db");
    REQUIRE_MESSAGE(live, live.error().what());
    CHECK(live->empty());
    CHECK(store->set_value("after", "the check"));
  }
  const auto closed = check_sqlite_state(room.dir / "state.db");
  REQUIRE(closed);
  CHECK(closed->empty());
  // Nothing was left beside it.
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(room.dir.path()))
    names.push_back(entry.path().filename().string());
  CHECK(names == std::vector<std::string>{"state.db"});
}

TEST_CASE("damage inside the file is named") {
  Room room;
  room.fill(*room.open());
  room.overwrite("state.db", 8 * 4096, std::string(2 * 4096, '\xa5'));
  const auto problems = check_sqlite_state(room.dir / "state.db");
  const bool found = problems ? !problems->empty() : problems.error().code() == ErrorCode::kCorrupt;
  CHECK(found);
}

TEST_CASE("a file that is no database, and none at all, are errors that name it") {
  Room room;
  std::ofstream(room.dir / "state.db") << std::string(8192, 'z');
  const auto other = check_sqlite_state(room.dir / "state.db");
  REQUIRE_FALSE(other);
  CHECK(other.error().code() == ErrorCode::kCorrupt);
  CHECK(other.error().what().find("state.db") != std::string::npos);
  const auto none = check_sqlite_state(room.dir / "missing.db");
  REQUIRE_FALSE(none);
  CHECK(none.error().code() == ErrorCode::kNotFound);
  CHECK(none.error().what().find("missing.db") != std::string::npos);
}

TEST_CASE("characters that mean something in a URI are part of the name") {
  Room room;
  for (const std::string name : {"a?b#c%20d.db", "spaces and ünicode.db"}) {
    CAPTURE(name);
    room.fill(*room.open(name));
    const auto checked = check_sqlite_state(room.dir / name);
    REQUIRE_MESSAGE(checked, checked.error().what());
    CHECK(checked->empty());
  }
}

}  // namespace
}  // namespace nines::storage
