// A copy of the state of one instant, taken beside a store that goes on writing.
#include "storage/state/sqlite_copy.h"

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "storage/state/sqlite_check.h"
#include "storage/state/sqlite_state.h"
#include "tests/support/sim_clock.h"
#include "tests/support/temp_dir.h"

namespace nines::storage {
namespace {

struct Room {
  testing::TempDir dir;
  testing::SimClock clock{from_millis(1'000'000)};
  std::unique_ptr<Log> log = make_null_log();

  std::unique_ptr<StateStore> open(const std::string& name) {
    auto store = open_sqlite_state(dir / name, clock, *log);
    REQUIRE_MESSAGE(store, (store ? "" : store.error().what()));
    return *std::move(store);
  }
};

TEST_CASE("a copy of a database in use has what was committed, the WAL's part too") {
  Room room;
  const auto store = room.open("state.db");
  for (int i = 0; i < 50; ++i) REQUIRE(store->set_value("k" + std::to_string(i), "v"));
  StoredAlert alert;
  alert.rule = "r";
  alert.labels = LabelSet{{"alertname", "Down"}};
  alert.firing = true;
  REQUIRE(store->save_alerts("r", {alert}));
  const auto copied = copy_sqlite_state(room.dir / "state.db", room.dir / "copy.db");
  REQUIRE_MESSAGE(copied, copied.error().what());
  REQUIRE(store->set_value("later", "not in the copy"));
  CHECK(check_sqlite_state(room.dir / "copy.db")->empty());
  const auto values = read_key_values(room.dir / "copy.db");
  REQUIRE(values);
  CHECK(values->size() == 50);
  const auto opened = room.open("copy.db");
  REQUIRE(opened->load_alerts()->size() == 1);
  CHECK(opened->load_alerts()->front().firing);
  CHECK_FALSE(*opened->get_value("later"));
  CHECK(read_key_values(room.dir / "state.db")->count("later") == 1);
}

TEST_CASE("copies taken while another thread writes are each of one instant") {
  Room room;
  const auto store = room.open("state.db");
  REQUIRE(store->set_value("n", "0"));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 1; !stop && i < 100'000; ++i) {
      if (!store->set_value("n", std::to_string(i))) return;
    }
  });
  int last = -1;
  for (int i = 0; i < 20; ++i) {
    const std::string to = room.dir / ("copy" + std::to_string(i));
    const auto copied = copy_sqlite_state(room.dir / "state.db", to);
    CHECK_MESSAGE(copied, copied.error().what());
    const auto values = read_key_values(to);
    if (!values) continue;
    const int n = std::stoi(values->at("n"));
    CHECK(n >= last);
    last = n;
  }
  stop = true;
  writer.join();
}

TEST_CASE("what cannot be copied says why, and names the file") {
  Room room;
  const auto missing = copy_sqlite_state(room.dir / "none.db", room.dir / "copy.db");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == ErrorCode::kNotFound);
  std::ofstream(room.dir / "text.db") << std::string(8192, 'z');
  const auto other = copy_sqlite_state(room.dir / "text.db", room.dir / "copy.db");
  REQUIRE_FALSE(other);
  CHECK(other.error().code() == ErrorCode::kCorrupt);
  CHECK(other.error().what().find("text.db") != std::string::npos);
  { room.open("state.db"); }
  const auto nowhere = copy_sqlite_state(room.dir / "state.db", room.dir / "no/such/copy.db");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().what().find("no/such") != std::string::npos);
}

}  // namespace
}  // namespace nines::storage
