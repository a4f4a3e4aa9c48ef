#pragma once
// One SQLite connection, its kept statements, and transactions that roll back when left early.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/result.h"
#include "storage/state/sqlite_state.h"

struct sqlite3;
struct sqlite3_stmt;

namespace nines::storage::state {

// A statement in use: bound, stepped, read; given back clean to the Database when it dies. The
// first error (of preparing or binding) is kept and comes out of step().
class Statement {
 public:
  Statement(sqlite3* db, sqlite3_stmt* stmt, const char* purpose, int rc)
      : db_(db), stmt_(stmt), purpose_(purpose), rc_(rc) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // The next parameter, from left to right. Text is copied.
  Statement& bind(std::int64_t v);
  Statement& bind(int v) { return bind(static_cast<std::int64_t>(v)); }
  Statement& bind(bool v) { return bind(static_cast<std::int64_t>(v ? 1 : 0)); }
  Statement& bind(double v);  // NaN becomes NULL, and NULL reads as NaN
  Statement& bind(std::string_view v);
  Statement& bind_blob(std::string_view v);
  Statement& bind(Timestamp v) { return bind(to_millis(v)); }
  template <typename Enum>
  requires std::is_enum_v<Enum> Statement& bind(Enum v) {
    return bind(static_cast<std::int64_t>(v));
  }

  Result<bool> step();  // true: a row is there
  Result<void> run();   // a statement that gives no rows
  void rewind();        // ready for other parameters

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::string_view blob(int column) const;  // until the next step
  bool is_null(int column) const;
  Timestamp time(int column) const { return from_millis(integer(column)); }
  bool flag(int column) const { return integer(column) != 0; }

 private:
  sqlite3* db_;
  sqlite3_stmt* stmt_;
  const char* purpose_;
  int rc_;
  int bound_ = 0;
};

class Database {
 public:
  // Opens the file, sets the pragmas and checks that they took.
  static Result<std::unique_ptr<Database>> open(const std::string& path, const StateLimits& limits);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Held by every public call of the store, from its first statement to its last.
  Mutex mutex;

  // `purpose` reads after "cannot ": "save alerts". `sql` must be a literal: it is the key under
  // which the prepared statement is kept.
  Statement statement(const char* purpose, const char* sql) NINES_REQUIRES(mutex);
  Result<void> execute(const char* purpose, const std::string& script) NINES_REQUIRES(mutex);
  // kLimit when what is left of the file's cap is for what pages and acts.
  Result<void> room_for_history() NINES_REQUIRES(mutex);
  // Why the file's size could not be reserved; empty: it is.
  const std::string& reserve_error() const { return reserve_error_; }
  std::int64_t last_id() const NINES_REQUIRES(mutex);
  std::int64_t changes() const NINES_REQUIRES(mutex);

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  Result<void> reserve(const std::string& path) NINES_REQUIRES(mutex);
  Result<std::uint64_t> bytes_used() NINES_REQUIRES(mutex);  // free pages within included

  sqlite3* db_;
  std::uint64_t bytes_max_ = 0;
  std::uint64_t pages_free_ = 0;
  std::string reserve_error_;
  std::map<std::string_view, sqlite3_stmt*> kept_ NINES_GUARDED_BY(mutex);
};

// Rolls back unless committed. Lives while its maker holds the database's mutex, which clang's
// analysis cannot follow into the object.
class Transaction {
 public:
  Transaction(Database& db, const char* purpose) NINES_REQUIRES(db.mutex)
      : db_(db), purpose_(purpose) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Result<void> begin() NINES_TSA(no_thread_safety_analysis);
  Result<void> commit() NINES_TSA(no_thread_safety_analysis);

 private:
  Database& db_;
  const char* purpose_;
  bool open_ = false;
};

}  // namespace nines::storage::state
