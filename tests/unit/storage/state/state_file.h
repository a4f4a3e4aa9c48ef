#pragma once
// A state database in a folder of its own, for the tests of this room.

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "storage/state/sqlite_state.h"
#include "tests/support/sim_clock.h"
#include "tests/support/temp_dir.h"

namespace nines::storage {

// The folder goes with it.
class StateFile {
 public:
  std::string path() const { return folder_ / "state.db"; }
  Result<std::unique_ptr<StateStore>> try_open(const StateLimits& limits = {}) {
    return open_sqlite_state(path(), clock, *log_, limits);
  }
  std::unique_ptr<StateStore> open(const StateLimits& limits = {}) {
    auto store = try_open(limits);
    REQUIRE_MESSAGE(store, (store ? "" : store.error().what()));
    return *std::move(store);
  }
  testing::SimClock clock{from_millis(1'000'000)};

 private:
  testing::TempDir folder_;
  std::unique_ptr<Log> log_ = make_null_log();
};

}  // namespace nines::storage
