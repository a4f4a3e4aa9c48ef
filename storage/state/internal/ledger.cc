#include "storage/state/internal/ledger.h"

namespace nines::storage::state {

// Rows hold the SLO's number, not its name: a year of minutes is half a million rows per SLO.
Result<void> LedgerTable::write(const std::string& slo, const std::vector<LedgerMinute>& minutes) {
  constexpr const char* kPurpose = "write the SLO ledger";
  if (minutes.empty()) return {};
  const MutexLock lock(db_.mutex);
  if (auto room = db_.room_for_history(); !room) return room;
  Transaction change(db_, kPurpose);
  if (auto r = change.begin(); !r) return r;
  if (auto r =
          db_.statement(kPurpose, "INSERT OR IGNORE INTO slos(name) VALUES(?)").bind(slo).run();
      !r) {
    return r;
  }
  {
    Statement put = db_.statement(kPurpose,
                                  "INSERT OR REPLACE INTO ledger SELECT id, ?, ?, ?, ? "
                                  "FROM slos WHERE name = ?");
    for (const LedgerMinute& m : minutes) {
      put.rewind();
      put.bind(m.minute).bind(m.good).bind(m.valid).bind(m.excluded).bind(slo);
      if (auto r = put.run(); !r) return r;
    }
  }
  return change.commit();
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

Result<void> LedgerTable::prune(const std::string& slo, std::int64_t before) {
  const MutexLock lock(db_.mutex);
  Statement old = db_.statement("prune the SLO ledger",
                                "DELETE FROM ledger WHERE minute < ? AND "
                                "slo = (SELECT id FROM slos WHERE name = ?)");
  return old.bind(before).bind(slo).run();
}

}  // namespace nines::storage::state
