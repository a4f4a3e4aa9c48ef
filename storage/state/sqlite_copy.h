#pragma once
// A state database as a file, read without being opened as a store: its copy, and its facts.

#include <map>
#include <string>

#include "base/core/result.h"

namespace nines::storage {

// Copies the database `from` as it is at one instant into the new file `to`, which is on disk when
// this returns. The process that has it open may go on writing and never waits. kNotFound, kCorrupt
// (not a database), kIo, kUnavailable (SQLite found it locked for longer than 5 s).
Result<void> copy_sqlite_state(const std::string& from, const std::string& to);

// What key_values.h keeps in it, by key. Errors as above.
Result<std::map<std::string, std::string>> read_key_values(const std::string& path);

}  // namespace nines::storage
