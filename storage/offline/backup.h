#pragma once
// A data folder into a backup while nines runs, and out of it again.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/fs/fs.h"

namespace nines::storage {

// Called after so many bytes of the ring were copied; whoever wants a slow copy waits in it.
using BackupPace = std::function<void(std::uint64_t bytes)>;

// Called before each file; an error ends the work with it.
using BackupStep = std::function<Result<void>(const std::string& file)>;

struct BackupOptions {
  std::string data;     // the folder to copy
  std::string to;       // must not exist; it appears whole or not at all
  std::string version;  // of this nines, for whoever reads the backup later
  BackupPace pace = {};
};

struct BackupReport {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  bool live = false;                // a nines was running on the folder
  Timestamp taken_at{};             // everything visible before is in it
  std::vector<std::string> damage;  // of the folder, copied as it is
};

// Copies what the folder holds into `to`: the state first, so that nothing it says is done (lines
// read, minutes counted) is missing from the rest; then journals, pages and blocks; the list of
// files with their checksums last. All of it is on disk before `to` gets its name; until then it is
// called `to`.partial. A running nines never waits; a stopped one cannot start meanwhile.
//
// kInvalid: `to` exists. kLimit: not enough room there (the text says how much is needed and free).
// kUnavailable: the ring turned faster than the copy, or another backup writes there. kNotFound,
// kCorrupt: the folder holds no ring. kIo. After an error nothing is left behind.
Result<BackupReport> back_up(Fs& fs, const Clock& clock, const BackupOptions& options,
                             const BackupStep& step = {});

struct RestoreOptions {
  std::string from;    // a backup
  std::string data;    // made when missing; holds nothing, unless `force`
  bool force = false;  // what nines keeps in `data` is removed first
};

struct RestoreReport {
  std::uint64_t files = 0;
  std::uint64_t ring_bytes = 0;  // of the ring, at its full size
  Timestamp taken_at{};
  std::vector<std::string> damage;  // that the backup was taken with
};

// Reads the whole backup and compares its checksums before anything is changed; then makes the
// files at their full size, the superblock last, so that a folder that was restored in part does
// not pass for a whole one.
//
// kNotFound: no backup there. kCorrupt: the text names the file that differs. kInvalid: `data` is
// not empty, or the backup is of another format. kUnavailable: a nines runs on `data`. kLimit: not
// enough room. kIo. After an error what was made is removed again.
Result<RestoreReport> restore(Fs& fs, const RestoreOptions& options, const BackupStep& step = {});

// The first part of it alone: reads the whole backup and compares its checksums.
Result<RestoreReport> check_backup(Fs& fs, const std::string& folder);
// Whether the folder has a backup's list of files, sound or not.
bool is_backup(Fs& fs, const std::string& folder);

}  // namespace nines::storage
