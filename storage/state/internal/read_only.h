#pragma once
// A database file that is only read, by whoever may have it open.

#include <memory>
#include <string>

#include <sqlite3.h>

#include "base/core/result.h"

namespace nines::storage::state {

struct CloseConnection {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
struct FinishStatement {
  void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
};
using Query = std::unique_ptr<sqlite3_stmt, FinishStatement>;

// "PATH: cannot PURPOSE: what SQLite says".
Error file_error(sqlite3* db, int rc, const std::string& path, const char* purpose);

// Without a WAL beside it nobody has the file open, and it is read as it lies there: then SQLite
// neither needs to write beside it nor leaves anything there. kNotFound, kCorrupt, kIo.
Result<Connection> open_to_read(const std::string& path);

Result<Query> prepare(sqlite3* db, const std::string& path, const char* sql);

// A column of the row the query stands on.
std::string column_text(sqlite3_stmt* stmt, int column);

}  // namespace nines::storage::state
