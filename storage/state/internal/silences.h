#pragma once
// The table of silences.

#include <vector>

#include "storage/api/silences.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class SilenceTable {
 public:
  explicit SilenceTable(Database& db) : db_(db) {}
  Result<std::vector<Silence>> load();
  Result<void> save(const Silence& silence);
  Result<void> remove(const std::string& id);

 private:
  Database& db_;
};

}  // namespace nines::storage::state
