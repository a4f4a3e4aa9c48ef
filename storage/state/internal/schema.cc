#include "storage/state/internal/schema.h"

#include <array>
#include <string>
#include <utility>

namespace nines::storage::state {
namespace {

// Times are milliseconds since the epoch, 0 for "never". Label sets are JSON objects. A migration
// that was released is never edited: changes are appended.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE alerts(
  rule TEXT NOT NULL, labels TEXT NOT NULL, annotations TEXT NOT NULL, value REAL,
  firing INTEGER NOT NULL, active_at INTEGER NOT NULL, fired_at INTEGER NOT NULL,
  resolved_at INTEGER NOT NULL, keep_firing_since INTEGER NOT NULL, last_sent_at INTEGER NOT NULL,
  PRIMARY KEY(rule, labels)) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries(
  id INTEGER PRIMARY KEY AUTOINCREMENT, idempotency_key TEXT NOT NULL UNIQUE,
  receiver TEXT NOT NULL, group_key TEXT NOT NULL, payload TEXT NOT NULL, episodes TEXT NOT NULL,
  resolved INTEGER NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL,
  queued_at INTEGER NOT NULL, next_attempt_at INTEGER NOT NULL, delivered_at INTEGER NOT NULL,
  last_error TEXT NOT NULL) STRICT;
CREATE INDEX deliveries_queued ON deliveries(id) WHERE state = 0;

CREATE TABLE notifications(
  receiver TEXT NOT NULL, group_key TEXT NOT NULL, firing TEXT NOT NULL, resolved TEXT NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY(receiver, group_key)) STRICT, WITHOUT ROWID;

CREATE TABLE silences(
  id TEXT PRIMARY KEY, matchers TEXT NOT NULL, starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT NOT NULL,
  comment TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE incidents(
  episode TEXT PRIMARY KEY, labels TEXT NOT NULL, annotations TEXT NOT NULL,
  started_at INTEGER NOT NULL, fired_at INTEGER NOT NULL, resolved_at INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE INDEX incidents_started ON incidents(started_at);

CREATE TABLE incident_events(
  id INTEGER PRIMARY KEY AUTOINCREMENT, episode TEXT NOT NULL, at INTEGER NOT NULL,
  kind TEXT NOT NULL, text TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE INDEX incident_events_episode ON incident_events(episode, at, id);

CREATE TABLE remediation_runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT, remediation TEXT NOT NULL, episode TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE, target TEXT NOT NULL, state INTEGER NOT NULL,
  intent_at INTEGER NOT NULL, acted_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,
  action_status INTEGER NOT NULL, output TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE INDEX remediation_runs_since ON remediation_runs(remediation, intent_at);
CREATE INDEX remediation_runs_unfinished ON remediation_runs(id) WHERE state IN (0, 1);

CREATE TABLE kill_switch(
  one INTEGER PRIMARY KEY CHECK(one = 1), stopped INTEGER NOT NULL, by TEXT NOT NULL,
  at INTEGER NOT NULL) STRICT;

CREATE TABLE slos(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE ledger(
  slo INTEGER NOT NULL REFERENCES slos(id), minute INTEGER NOT NULL, good REAL, valid REAL,
  excluded REAL, PRIMARY KEY(slo, minute)) STRICT, WITHOUT ROWID;

CREATE TABLE key_values(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
)sql";

// Old minutes of the ledger, packed: docs/formats/ledger.md.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE ledger_blocks(
  slo INTEGER NOT NULL REFERENCES slos(id), last INTEGER NOT NULL, first INTEGER NOT NULL,
  packed BLOB NOT NULL, PRIMARY KEY(slo, last)) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kVersion3 = "ALTER TABLE alerts ADD COLUMN flaps INTEGER NOT NULL DEFAULT 0;";

constexpr std::array kMigrations = {kVersion1, kVersion2, kVersion3};

}  // namespace

Result<void> migrate(Database& db, Log& log) {
  std::int64_t version = 0;
  {
    Statement read = db.statement("read the schema version", "PRAGMA user_version");
    NINES_TRY(const bool row, read.step());
    if (row) version = read.integer(0);
  }
  const auto newest = static_cast<std::int64_t>(kMigrations.size());
  if (version < 0 || version > newest) {
    return Error(ErrorCode::kInvalid, "state: schema version " + std::to_string(version) +
                                          " is newer than this nines, which knows " +
                                          std::to_string(newest));
  }
  for (; version < newest; ++version) {
    Transaction change(db, "change the schema");
    if (auto r = change.begin(); !r) return r;
    if (auto r = db.execute("change the schema", kMigrations[static_cast<std::size_t>(version)]);
        !r) {
      return r;
    }
    const std::string number = std::to_string(version + 1);
    if (auto r = db.execute("record the schema version", "PRAGMA user_version=" + number); !r) {
      return r;
    }
    if (auto r = change.commit(); !r) return r;
    log.info("state", "schema is now version {}", version + 1);
  }
  return {};
}

}  // namespace nines::storage::state
