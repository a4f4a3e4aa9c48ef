#include "storage/state/internal/ledger.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "storage/api/minute_block.h"

namespace nines::storage::state {
namespace {

constexpr std::int64_t kLooseMinutes = 1'440;  // the newest of each SLO stay rows

constexpr const char* kReading = "read the SLO ledger";

// Both ascending; where both have a minute, `others` has the word.
std::vector<LedgerMinute> merged(std::vector<LedgerMinute> rows,
                                 const std::vector<LedgerMinute>& others) {
  if (others.empty()) return rows;
  if (rows.empty() || rows.back().minute < others.front().minute) {
    rows.insert(rows.end(), others.begin(), others.end());
    return rows;
  }
  std::vector<LedgerMinute> out;
  out.reserve(rows.size() + others.size());
  auto left = rows.begin();
  for (const LedgerMinute& row : others) {
    while (left != rows.end() && left->minute < row.minute) out.push_back(*left++);
    if (left != rows.end() && left->minute == row.minute) ++left;
    out.push_back(row);
  }
  out.insert(out.end(), left, rows.end());
  return out;
}

}  // namespace

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
    put.bind(id).bind(m.minute).bind(m.good).bind(m.valid).bind(m.kept_excluded());
    if (auto r = put.run(); !r) return r;
  }
  return {};
}

// Rows that no block has yet.
Result<std::vector<LedgerMinute>> LedgerTable::loose(const std::string& slo, std::int64_t from,
                                                     std::int64_t to) {
  Statement rows = db_.statement(kReading,
                                 "SELECT minute, good, valid, excluded FROM ledger "
                                 "WHERE slo = (SELECT id FROM slos WHERE name = ?) "
                                 "AND minute >= ? AND minute < ? ORDER BY minute");
  rows.bind(slo).bind(from).bind(to);
  std::vector<LedgerMinute> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    LedgerMinute& minute =
        out.emplace_back(LedgerMinute{rows.integer(0), rows.real(1), rows.real(2)});
    minute.set_excluded(rows.real(3));
  }
}

// All rows of the blocks that have minutes in [from, to).
Result<std::vector<LedgerMinute>> LedgerTable::packed(const std::string& slo, std::int64_t from,
                                                      std::int64_t to) {
  Statement rows = db_.statement(kReading,
                                 "SELECT first, last, packed FROM ledger_blocks "
                                 "WHERE slo = (SELECT id FROM slos WHERE name = ?) "
                                 "AND last >= ? AND first < ? ORDER BY last");
  rows.bind(slo).bind(from).bind(to);
  std::vector<LedgerMinute> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    NINES_TRY(const MinuteBlock block,
              MinuteBlock::decode(rows.integer(0), rows.integer(1), rows.blob(2)));
    block.unpack(out);
  }
}

Result<std::vector<LedgerMinute>> LedgerTable::read(const std::string& slo, std::int64_t from,
                                                    std::int64_t to) {
  const MutexLock lock(db_.mutex);
  NINES_TRY(std::vector<LedgerMinute> blocks, packed(slo, from, to));
  std::erase_if(blocks,
                [&](const LedgerMinute& row) { return row.minute < from || row.minute >= to; });
  NINES_TRY(std::vector<LedgerMinute> rows, loose(slo, from, to));
  return merged(std::move(blocks), rows);
}

// What is older than a day.
Result<void> LedgerTable::pack(const std::string& slo) {
  constexpr const char* kPurpose = "pack the SLO ledger";
  NINES_TRY(const std::optional<std::int64_t> newest, newest_minute(slo));
  if (!newest) return {};
  const std::int64_t before = *newest - kLooseMinutes;
  NINES_TRY(const std::vector<LedgerMinute> rows, loose(slo, INT64_MIN, before));
  if (rows.empty()) return {};
  const std::int64_t from = rows.front().minute;
  const std::int64_t to = rows.back().minute + 1;
  Transaction change(db_, kPurpose);
  if (auto r = change.begin(); !r) return r;
  // Minutes that were packed already and counted again: their blocks are made anew.
  NINES_TRY(std::vector<LedgerMinute> blocks, packed(slo, from, to));
  const std::vector<LedgerMinute> all = merged(std::move(blocks), rows);
  {
    Statement old = db_.statement(kPurpose,
                                  "DELETE FROM ledger_blocks WHERE slo = (SELECT id FROM slos "
                                  "WHERE name = ?) AND last >= ? AND first < ?");
    if (auto r = old.bind(slo).bind(from).bind(to).run(); !r) return r;
    Statement gone = db_.statement(kPurpose,
                                   "DELETE FROM ledger WHERE minute < ? AND "
                                   "slo = (SELECT id FROM slos WHERE name = ?)");
    if (auto r = gone.bind(before).bind(slo).run(); !r) return r;
    Statement put = db_.statement(kPurpose,
                                  "INSERT INTO ledger_blocks SELECT id, ?, ?, ? FROM slos "
                                  "WHERE name = ?");
    for (std::size_t at = 0; at < all.size(); at += MinuteBlock::kRows) {
      const std::size_t count = std::min(MinuteBlock::kRows, all.size() - at);
      const MinuteBlock block(std::span<const LedgerMinute>(&all[at], count));
      put.rewind();
      put.bind(block.last_minute()).bind(block.first_minute()).bind_blob(block.encode()).bind(slo);
      if (auto r = put.run(); !r) return r;
    }
  }
  return change.commit();
}

Result<std::optional<std::int64_t>> LedgerTable::newest_minute(const std::string& slo) {
  std::optional<std::int64_t> newest;
  for (const char* sql : {"SELECT max(minute) FROM ledger "
                          "WHERE slo = (SELECT id FROM slos WHERE name = ?)",
                          "SELECT max(last) FROM ledger_blocks "
                          "WHERE slo = (SELECT id FROM slos WHERE name = ?)"}) {
    Statement row = db_.statement(kReading, sql);
    NINES_TRY(const bool there, row.bind(slo).step());
    if (there && !row.is_null(0)) newest = std::max(newest.value_or(INT64_MIN), row.integer(0));
  }
  return newest;
}

Result<std::int64_t> LedgerTable::last(const std::string& slo) {
  const MutexLock lock(db_.mutex);
  NINES_TRY(const std::optional<std::int64_t> newest, newest_minute(slo));
  if (!newest) return Error(ErrorCode::kNotFound, "the ledger has no minute of SLO " + slo);
  return *newest;
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
    Statement blocks = db_.statement(kPurpose,
                                     "DELETE FROM ledger_blocks WHERE last < ? AND "
                                     "slo = (SELECT id FROM slos WHERE name = ?)");
    if (auto r = blocks.bind(before).bind(slo).run(); !r) return r;
    Statement gone = db_.statement(
        kPurpose,
        "DELETE FROM slos WHERE name = ? AND NOT EXISTS (SELECT 1 FROM ledger WHERE slo = id) "
        "AND NOT EXISTS (SELECT 1 FROM ledger_blocks WHERE slo = id)");
    if (auto r = gone.bind(slo).run(); !r) return r;
  }
  if (auto r = change.commit(); !r) return r;
  return pack(slo);
}

}  // namespace nines::storage::state
