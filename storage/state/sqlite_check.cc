#include "storage/state/sqlite_check.h"

#include <filesystem>
#include <memory>
#include <utility>

#include <sqlite3.h>

namespace nines::storage {
namespace {

struct CloseConnection {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
struct FinishStatement {
  void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
};
using Query = std::unique_ptr<sqlite3_stmt, FinishStatement>;

Error failed(sqlite3* db, int rc, const std::string& path, const char* purpose) {
  const int primary = rc & 0xFF;
  const ErrorCode code = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? ErrorCode::kCorrupt
                         : primary == SQLITE_BUSY || primary == SQLITE_LOCKED
                             ? ErrorCode::kUnavailable
                             : ErrorCode::kIo;
  return Error(code, path + ": cannot " + purpose + ": " +
                         (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(rc)));
}

std::string uri(const std::string& path) {
  std::string out = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr char kHex[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

// Without a WAL beside it nobody has the file open, and it is read as it lies there: then SQLite
// neither needs to write beside it nor leaves anything there.
Result<Connection> open_to_read(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Error(ErrorCode::kNotFound, path + " is missing");
  const bool alone = !std::filesystem::exists(path + "-wal", ignored);
  const std::string name = uri(path) + (alone ? "?immutable=1" : "");
  sqlite3* handle = nullptr;
  const int rc = sqlite3_open_v2(
      name.c_str(), &handle,
      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE,
      nullptr);
  Connection db(handle);
  if (rc != SQLITE_OK) return failed(handle, rc, path, "open the database");
  constexpr int kBusyMillis = 5'000;
  sqlite3_busy_timeout(handle, kBusyMillis);
  return db;
}

Result<Query> prepare(sqlite3* db, const std::string& path, const char* sql) {
  sqlite3_stmt* stmt = nullptr;
  const int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, nullptr);
  Query query(stmt);
  if (rc != SQLITE_OK) return failed(db, rc, path, "read the database");
  return query;
}

std::string text_of(sqlite3_stmt* stmt) {
  const unsigned char* bytes = sqlite3_column_text(stmt, 0);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(stmt, 0))};
}

}  // namespace

Result<std::vector<std::string>> check_sqlite_state(const std::string& path) {
  NINES_TRY(const Connection db, open_to_read(path));
  NINES_TRY(const Query query, prepare(db.get(), path, "PRAGMA integrity_check(100)"));
  std::vector<std::string> problems;
  int rc = SQLITE_OK;
  while ((rc = sqlite3_step(query.get())) == SQLITE_ROW) {
    std::string line = text_of(query.get());
    if (line != "ok") problems.push_back(std::move(line));
  }
  if (rc != SQLITE_DONE) return failed(db.get(), rc, path, "check the database");
  return problems;
}

}  // namespace nines::storage
