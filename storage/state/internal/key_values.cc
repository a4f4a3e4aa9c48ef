#include "storage/state/internal/key_values.h"

namespace nines::storage::state {

Result<std::optional<std::string>> KeyValueTable::get(const std::string& key) {
  const MutexLock lock(db_.mutex);
  Statement row = db_.statement("read a value", "SELECT value FROM key_values WHERE key = ?");
  row.bind(key);
  NINES_TRY(const bool there, row.step());
  if (!there) return std::optional<std::string>();
  return std::optional<std::string>(row.text(0));
}

Result<void> KeyValueTable::set(const std::string& key, const std::string& value) {
  const MutexLock lock(db_.mutex);
  Statement put = db_.statement("write a value", "INSERT OR REPLACE INTO key_values VALUES(?, ?)");
  return put.bind(key).bind(value).run();
}

}  // namespace nines::storage::state
