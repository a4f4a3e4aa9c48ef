#pragma once
// The StateStore over one SQLite database file.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/log/log.h"
#include "storage/api/state_store.h"

namespace nines::storage {

struct StateLimits {
  // Of the database file, without its WAL; taken from the disk when it is opened, so that a full
  // disk does not stop it. 0: no cap, and it grows as it is used.
  std::uint64_t bytes_max = 0;
  std::uint64_t wal_bytes_max = 4u << 20;  // the WAL is folded back into the file at half of this
  std::size_t incidents_max = 20'000;      // the oldest resolved ones go first, with their events
  std::size_t runs_max = 20'000;           // of the remediation journal; unfinished runs never go
  Duration busy_timeout{5'000};            // another process (a backup) may hold the file this long
};

// Opens `path`, made when missing, and brings its schema up to date. Every call that changes
// something is one transaction, on disk (WAL, synchronous=FULL) when it returns. One connection and
// one mutex: calls from many threads queue up. `clock` and `log` must outlive the store.
//
// Above nine tenths of bytes_max, ledger minutes and events of incidents are refused (kLimit): what
// is left is for alerts, notifications and remediation. A disk that does not give bytes_max is
// logged.
//
// kCorrupt: not a database, or a damaged one. kInvalid: written by a newer nines. kUnavailable:
// another process holds it. kIo.
Result<std::unique_ptr<StateStore>> open_sqlite_state(const std::string& path, const Clock& clock,
                                                      Log& log);
Result<std::unique_ptr<StateStore>> open_sqlite_state(const std::string& path, const Clock& clock,
                                                      Log& log, const StateLimits& limits);

}  // namespace nines::storage
