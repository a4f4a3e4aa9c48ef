#include "storage/state/internal/database.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include <sqlite3.h>

namespace nines::storage::state {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

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
  std::string text =
      "PRAGMA page_size=4096;"
      "PRAGMA journal_mode=WAL;"
      "PRAGMA synchronous=FULL;"
      "PRAGMA foreign_keys=ON;"
      "PRAGMA mmap_size=0;"
      "PRAGMA trusted_schema=OFF;"
      "PRAGMA cell_size_check=ON;"
      "PRAGMA temp_store=MEMORY;";
  text +=
      "PRAGMA wal_autocheckpoint=" + std::to_string(limits.wal_bytes_max / 2 / kPageBytes) + ";";
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

Statement& Statement::bind_blob(std::string_view v) {
  if (rc_ == SQLITE_OK)
    rc_ = sqlite3_bind_blob64(stmt_, ++bound_, v.data(), v.size(), SQLITE_TRANSIENT);
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

std::string_view Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(stmt_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(stmt_, column) == SQLITE_NULL;
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
  db->bytes_max_ = limits.bytes_max;
  if (limits.bytes_max > 0) {
    if (auto reserved = db->reserve(path); !reserved) db->reserve_error_ = reserved.error().what();
  }
  return db;
}

// The file takes its whole size from the disk now. SQLite does so in chunks; with a chunk as large
// as the file may become, its checkpoints do not give the end back either.
Result<void> Database::reserve(const std::string& path) {
  auto chunk = static_cast<int>(std::min<std::uint64_t>(bytes_max_, 1u << 30));
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
  NINES_TRY(const std::uint64_t used, bytes_used());
  const auto size = static_cast<std::uint64_t>(chunk);
  const std::uint64_t wanted = (std::max<std::uint64_t>(used, 1) + size - 1) / size * size;
  std::error_code failed;
  const std::uint64_t now = std::filesystem::file_size(path, failed);
  if (!failed && now > wanted) {  // reserved for a larger budget
    std::filesystem::resize_file(path, wanted, failed);
  } else if (!failed) {
    auto hint = static_cast<sqlite3_int64>(wanted);
    const int rc = sqlite3_file_control(db_, "main", SQLITE_FCNTL_SIZE_HINT, &hint);
    if (rc != SQLITE_OK) return sqlite_error(nullptr, rc, "reserve the database's size");
  }
  if (failed) return Error(ErrorCode::kIo, "state: " + failed.message());
  return {};
}

Result<std::uint64_t> Database::bytes_used() {
  std::uint64_t pages = 0;
  {
    Statement count = statement("count pages", "PRAGMA page_count");
    NINES_TRY(const bool row, count.step());
    if (row) pages = static_cast<std::uint64_t>(count.integer(0));
  }
  Statement free = statement("count pages", "PRAGMA freelist_count");
  NINES_TRY(const bool row, free.step());
  if (row) pages_free_ = static_cast<std::uint64_t>(free.integer(0));
  return pages * kPageBytes;
}

Result<void> Database::room_for_history() {
  if (bytes_max_ == 0) return {};
  NINES_TRY(const std::uint64_t bytes, bytes_used());
  const std::uint64_t used = bytes - pages_free_ * kPageBytes;
  if (used < bytes_max_ / 10 * 9) return {};
  return Error(ErrorCode::kLimit,
               "state: " + std::to_string(used >> 10) + " KiB of the " +
                   std::to_string(bytes_max_ >> 10) +
                   " KiB state.db may take are used, and the rest is kept for alerts and "
                   "notifications: raise [storage] budget");
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
