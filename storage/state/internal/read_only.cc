#include "storage/state/internal/read_only.h"

#include <filesystem>
#include <utility>

namespace nines::storage::state {
namespace {

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

}  // namespace

Error file_error(sqlite3* db, int rc, const std::string& path, const char* purpose) {
  const int primary = rc & 0xFF;
  const ErrorCode code = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? ErrorCode::kCorrupt
                         : primary == SQLITE_BUSY || primary == SQLITE_LOCKED
                             ? ErrorCode::kUnavailable
                             : ErrorCode::kIo;
  return Error(code, path + ": cannot " + purpose + ": " +
                         (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(rc)));
}

Result<Connection> open_to_read(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) 
    return Error(ErrorCode::kNotFound, path + " is missing");
  const bool alone = !std::filesystem::exists(path + "-wal", ignored);
  const std::string name = uri(path) + (alone ? "?immutable=1" : "");
  sqlite3* handle = nullptr;
  const int rc = sqlite3_open_v2(
      name.c_str(), &handle,
      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE,
      nullptr);
  Connection db(handle);
  if (rc != SQLITE_OK) return file_error(handle, rc, path, "open the database");
  constexpr int kBusyMillis = 5'000;
  sqlite3_busy_timeout(handle, kBusyMillis);
  return db;
}

Result<Query> prepare(sqlite3* db, const std::string& path, const char* sql) {
  sqlite3_stmt* stmt = nullptr;
  const int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, nullptr);
  Query query(stmt);
  if (rc != SQLITE_OK) return file_error(db, rc, path, "read the database");
  return query;
}

std::string column_text(sqlite3_stmt* stmt, int column) {
  const unsigned char* bytes = sqlite3_column_text(stmt, column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(stmt, column))};
}

}  // namespace nines::storage::state
