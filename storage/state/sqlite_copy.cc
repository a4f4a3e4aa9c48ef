#include "storage/state/sqlite_copy.h"

#include <utility>

#include "storage/state/internal/read_only.h"

namespace nines::storage {

Result<void> copy_sqlite_state(const std::string& from, const std::string& to) {
  NINES_TRY(const state::Connection source, state::open_to_read(from));
  sqlite3* handle = nullptr;
  int rc = sqlite3_open_v2(
      to.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE,
      nullptr);
  const state::Connection target(handle);
  if (rc != SQLITE_OK) return state::file_error(handle, rc, to, "make the database");
  rc = sqlite3_exec(handle, "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return state::file_error(handle, rc, to, "set up the connection");
  sqlite3_backup* copy = sqlite3_backup_init(handle, "main", source.get(), "main");
  if (copy == nullptr)
    return state::file_error(handle, sqlite3_errcode(handle), to, "begin the copy");
  // All pages in one step: they are of one instant, and the reader's hold on the WAL is short.
  rc = sqlite3_backup_step(copy, -1);
  const int finished = sqlite3_backup_finish(copy);
  if (rc == SQLITE_DONE) rc = finished;
  if (rc != SQLITE_OK) {
    // The text of the connection may be of an earlier call: the code says which end failed.
    return state::file_error(nullptr, rc, from, "copy the database");
  }
  return {};
}

Result<std::map<std::string, std::string>> read_key_values(const std::string& path) {
  NINES_TRY(const state::Connection db, state::open_to_read(path));
  NINES_TRY(const state::Query query,
            state::prepare(db.get(), path, "SELECT key, value FROM key_values"));
  std::map<std::string, std::string> out;
  int rc = SQLITE_OK;
  while ((rc = sqlite3_step(query.get())) == SQLITE_ROW)
    out[state::column_text(query.get(), 0)] = state::column_text(query.get(), 1);
  if (rc != SQLITE_DONE) return state::file_error(db.get(), rc, path, "read the database");
  return out;
}

}  // namespace nines::storage
