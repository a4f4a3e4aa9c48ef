#pragma once
// SQLite's part of the budget, held on the disk whether it is used or not, so that a disk filled by
// somebody else stops neither a start nor a page.

#include <cstdint>
#include <string>

#include "base/fs/fs.h"
#include "base/log/log.h"
#include "storage/state/sqlite_state.h"

namespace nines::storage {

// state.db has its size from the start (StateLimits::bytes_max). Its WAL has it while nines runs;
// while it does not, SQLite removes the WAL and its index, and `state.reserve` keeps their room.
class StateRoom {
 public:
  StateRoom(Fs& fs, Log& log, std::string folder, std::uint64_t reserve_bytes);

  StateLimits limits() const;
  void before_open();  // gives the reserve to SQLite
  void after_open();   // takes the WAL's room
  void after_close();  // takes the reserve again
 private:
  Fs& fs_;
  Log& log_;
  const std::string folder_;
  const std::uint64_t wal_bytes_;
  const std::uint64_t bytes_max_;
};

}  // namespace nines::storage
