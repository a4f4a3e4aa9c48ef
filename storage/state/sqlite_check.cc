#include "storage/state/sqlite_check.h"

#include <utility>

#include "storage/state/internal/read_only.h"

namespace nines::storage {

Result<std::vector<std::string>> check_sqlite_state(const std::string& path) {
  NINES_TRY(const state::Connection db, state::open_to_read(path));
  NINES_TRY(const state::Query query, state::prepare(db.get(), path, "PRAGMA integrity_check(100)"));
  std::vector<std::string> problems;
  int rc = SQLITE_OK;
  while ((rc = sqlite3_step(query.get())) == SQLITE_ROW) {
    std::string line = state::column_text(query.get(), 0);
    if (line != "ok") problems.push_back(std::move(line));
  }
  if (rc != SQLITE_DONE) return state::file_error(db.get(), rc, path, "check the database");
  return problems;
}

}  // namespace nines::storage
