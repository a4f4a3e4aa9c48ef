#pragma once
// A state database as a file: checked without being opened as a store.

#include <string>
#include <vector>

#include "base/core/result.h"

namespace nines::storage {

// Every problem SQLite's own integrity check finds, at most 100; none: the file is sound. kNotFound,
// kCorrupt (not a database), kIo.
Result<std::vector<std::string>> check_sqlite_state(const std::string& path);

}  // namespace nines::storage
