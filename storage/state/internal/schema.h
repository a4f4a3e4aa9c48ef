#pragma once
// The tables, as a list of migrations.

#include "base/core/result.h"
#include "base/log/log.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

// Applies what is missing, each step in its own transaction, and records it in user_version.
// kInvalid when the file was written by a newer nines.
Result<void> migrate(Database& db, Log& log) NINES_REQUIRES(db.mutex);

}  // namespace nines::storage::state
