#include "storage/state/internal/silences.h"

#include <utility>

#include "storage/state/internal/encode.h"

namespace nines::storage::state {

Result<std::vector<Silence>> SilenceTable::load() {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("load silences",
                                 "SELECT id, matchers, starts_at, ends_at, updated_at, "
                                 "created_by, comment FROM silences ORDER BY id");
  std::vector<Silence> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    Silence silence;
    silence.id = rows.text(0);
    NINES_TRY(silence.matchers, decode_matchers(rows.text(1)));
    silence.starts_at = rows.time(2);
    silence.ends_at = rows.time(3);
    silence.updated_at = rows.time(4);
    silence.created_by = rows.text(5);
    silence.comment = rows.text(6);
    out.push_back(std::move(silence));
  }
}

Result<void> SilenceTable::save(const Silence& silence) {
  const MutexLock lock(db_.mutex);
  Statement put = db_.statement("save a silence",
                                "INSERT OR REPLACE INTO silences VALUES(?, ?, ?, ?, ?, ?, ?)");
  put.bind(silence.id).bind(encode_matchers(silence.matchers)).bind(silence.starts_at);
  put.bind(silence.ends_at).bind(silence.updated_at).bind(silence.created_by);
  put.bind(silence.comment);
  return put.run();
}

Result<void> SilenceTable::remove(const std::string& id) {
  const MutexLock lock(db_.mutex);
  return db_.statement("remove a silence", "DELETE FROM silences WHERE id = ?").bind(id).run();
}

}  // namespace nines::storage::state
