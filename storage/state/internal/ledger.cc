#include "storage/state/internal/ledger.h"

#include <algorithm>

namespace nines::storage::state {

// Rows hold the SLO's number, not its name: a year of minutes is half a million rows per SLO.
Result<void> LedgerTable::write(const std::vector<LedgerRows>& all) {
  constexpr const char* kPurpose = "write the SLO ledger";
  if (std::all_of(all.begin(), all.end(), [](const auto& one) { return one.minutes.empty(); }))
    return {};
  const MutexLock lock(db_.mutex);
  if (auto room = db_.room_for_history(); !room) return room;
  Transaction change(db_, kPurpose);
  if (auto r = change.begin(); !r) return r;
  for (const LedgerRows& one : all) {
    if (auto r = write_one(one); !r) return r;
  }
  return change.commit();
}

Result<void> LedgerTable::write_one(const LedgerRows& one) {
  constexpr const char* kPurpose = "write the SLO ledger";
  if (one.minutes.empty()) return {};
  std::int64_t id = 0;
  for (const bool again : {false, true}) {
    Statement find = db_.statement(kPurpose, "SELECT id FROM slos WHERE name = ?");
    NINES_TRY(const bool known, find.bind(one.slo).step());
    if (known) {
      id = find.integer(0);
      break;
    }
    if (again)
      return Error(ErrorCode::kCorrupt, "cannot write the SLO ledger: no number for " + one.slo);
    Statement add = db_.statement(kPurpose, "INSERT INTO slos(name) VALUES(?)");
    if (auto r = add.bind(one.slo).run(); !r) return r;
  }
  Statement put = db_.statement(kPurpose, "INSERT OR REPLACE INTO ledger VALUES(?, ?, ?, ?, ?)");
  for (const LedgerMinute& m : one.minutes) {
    put.rewind();
    put.bind(id).bind(m.minute).bind(m.good).bind(m.valid).bind(m.excluded);
    if (auto r = put.run(); !r) return r;
  }
  return {};
}

Result<std::vector<LedgerMinute>> LedgerTable::read(const std::string& slo, std::int64_t from,
                                                    std::int64_t to) {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("read the SLO ledger",
                                 "SELECT minute, good, valid, excluded FROM ledger "
                                 "WHERE slo = (SELECT id FROM slos WHERE name = ?) "
                                 "AND minute >= ? AND minute < ? ORDER BY minute");
  rows.bind(slo).bind(from).bind(to);
  std::vector<LedgerMinute> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    out.push_back({rows.integer(0), rows.real(1), rows.real(2), rows.real(3)});
  }
}

Result<std::int64_t> LedgerTable::last(const std::string& slo) {
  const MutexLock lock(db_.mutex);
  Statement row = db_.statement("read the SLO ledger",
                                "SELECT minute FROM ledger "
                                "WHERE slo = (SELECT id FROM slos WHERE name = ?) "
                                "ORDER BY minute DESC LIMIT 1");
  row.bind(slo);
  NINES_TRY(const bool there, row.step());
  if (!there) return Error(ErrorCode::kNotFound, "the ledger has no minute of SLO " + slo);
  return row.integer(0);
}

Result<std::vector<std::string>> LedgerTable::names() {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("read the SLO ledger", "SELECT name FROM slos ORDER BY name");
  std::vector<std::string> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    out.push_back(rows.text(0));
  }
}

// A name without minutes goes too: groups come and go.
Result<void> LedgerTable::prune(const std::string& slo, std::int64_t before) {
  constexpr const char* kPurpose = "prune the SLO ledger";
  const MutexLock lock(db_.mutex);
  Transaction change(db_, kPurpose);
  if (auto r = change.begin(); !r) return r;
  {
    Statement old = db_.statement(kPurpose,
                                  "DELETE FROM ledger WHERE minute < ? AND "
                                  "slo = (SELECT id FROM slos WHERE name = ?)");
    if (auto r = old.bind(before).bind(slo).run(); !r) return r;
    Statement gone = db_.statement(
        kPurpose,
        "DELETE FROM slos WHERE name = ? AND NOT EXISTS (SELECT 1 FROM ledger WHERE slo = id)");
    if (auto r = gone.bind(slo).run(); !r) return r;
  }
  return change.commit();
}

}  // namespace nines::storage::state
