#include "storage/state/internal/database.h"

#include <cmath>
#include <limits>
#include <utility>

#include <sqlite3.h>

namespace nines::storage::state {
namespace {

Error sqlite_error(sqlite3* db, int rc, const char* purpose) {
  ErrorCode code = ErrorCode::kIo;
  const int primary = rc & 0xFF;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) code = ErrorCode::kCorrupt;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) code = ErrorCode::kUnavailable;
  const char* message = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
  return Error(code, std::string("state: cannot ") + purpose + ": " + message);
}

// The pragmas of one connection. WAL with synchronous=FULL: a commit is on disk when it returns.
// The last four keep a damaged or hostile file from doing more than failing.
std::string pragmas(const StateLimits& limits) {
  constexpr std::uint64_t kPageBytes = 4096;
  std::string text =
      "PRAGMA page_size=4096;"
      "PRAGMA journal_mode=WAL;"
      "PRAGMA synchronous=FULL;"
      "PRAGMA foreign_keys=ON;"
      "PRAGMA mmap_size=0;"
      "PRAGMA trusted_schema=OFF;"
      "PRAGMA cell_size_check=ON;"
      "PRAGMA temp_store=MEMORY;";
  text += "PRAGMA wal_autocheckpoint=" + std::to_string(limits.wal_bytes_max / kPageBytes) + ";";
  text += "PRAGMA journal_size_limit=" + std::to_string(limits.wal_bytes_max) + ";";
  if (limits.bytes_max > 0) {
    text += "PRAGMA max_page_count=" + std::to_string(limits.bytes_max / kPageBytes) + ";";
  }
  return text;
}

}  // namespace

Statement::~Statement() {
  if (stmt_ == nullptr) return;
  sqlite3_reset(stmt_);
  sqlite3_clear_bindings(stmt_);
}

Statement& Statement::bind(std::int64_t v) {
  if (rc_ == SQLITE_OK) rc_ = sqlite3_bind_int64(stmt_, ++bound_, v);
  return *this;
}

Statement& Statement::bind(double v) {
  if (rc_ == SQLITE_OK) rc_ = sqlite3_bind_double(stmt_, ++bound_, v);
  return *this;
}

Statement& Statement::bind(std::string_view v) {
  if (rc_ == SQLITE_OK) {
    // A null pointer would bind NULL, but an empty text is meant.
    rc_ = sqlite3_bind_text64(stmt_, ++bound_, v.data() != nullptr ? v.data() : "", v.size(),
                              SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  return *this;
}

Result<bool> Statement::step() {
  if (rc_ == SQLITE_OK) {
    const int rc = sqlite3_step(stmt_);
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    rc_ = rc;
  }
  return sqlite_error(db_, rc_, purpose_);
}

Result<void> Statement::run() {
  const auto row = step();
  if (!row) return row.error();
  return {};
}

void Statement::rewind() {
  if (stmt_ != nullptr) sqlite3_reset(stmt_);
  bound_ = 0;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(stmt_, column);
}

double Statement::real(int column) const {
  if (sqlite3_column_type(stmt_, column) == SQLITE_NULL) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return sqlite3_column_double(stmt_, column);
}

std::string Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(stmt_, column);
  if (bytes == nullptr) return {};
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column));
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                 const StateLimits& limits) {
  sqlite3* handle = nullptr;
  // NOMUTEX: our own mutex guards the connection and its statements alike.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  const int rc = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Database> db(new Database(handle));
  if (rc != SQLITE_OK) return sqlite_error(handle, rc, "open the database").in(path);
  sqlite3_busy_timeout(handle, static_cast<int>(limits.busy_timeout.count()));
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  const MutexLock lock(db->mutex);
  if (auto set = db->execute("set up the connection", pragmas(limits)); !set) {
    return std::move(set).error().in(path);
  }
  Statement mode = db->statement("read the journal mode", "PRAGMA journal_mode");
  NINES_TRY(const bool row, mode.step());
  if (!row || mode.text(0) != "wal") {
    return Error(ErrorCode::kIo,
                 path + ": state: the file system does not allow SQLite's WAL mode");
  }
  return db;
}

Database::~Database() {
  for (const auto& [sql, stmt] : kept_) sqlite3_finalize(stmt);
  sqlite3_close_v2(db_);  // folds the WAL back into the file
}

Statement Database::statement(const char* purpose, const char* sql) {
  const auto it = kept_.find(sql);
  if (it != kept_.end()) return Statement(db_, it->second, purpose, SQLITE_OK);
  sqlite3_stmt* stmt = nullptr;
  const int rc = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, nullptr);
  if (rc == SQLITE_OK) kept_.emplace(sql, stmt);
  return Statement(db_, stmt, purpose, rc);
}

Result<void> Database::execute(const char* purpose, const std::string& script) {
  const int rc = sqlite3_exec(db_, script.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return sqlite_error(db_, rc, purpose);
  return {};
}

std::int64_t Database::last_id() const {
  return sqlite3_last_insert_rowid(db_);
}
std::int64_t Database::changes() const {
  return sqlite3_changes64(db_);
}

Result<void> Transaction::begin() {
  auto begun = db_.statement(purpose_, "BEGIN IMMEDIATE").run();
  open_ = begun.has_value();
  return begun;
}

Result<void> Transaction::commit() {
  auto done = db_.statement(purpose_, "COMMIT").run();
  if (done) open_ = false;
  return done;
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself (disk full); then this fails, and nothing is lost by it.
  if (open_) static_cast<void>(db_.statement(purpose_, "ROLLBACK").run());
}

}  // namespace nines::storage::state
