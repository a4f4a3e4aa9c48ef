#pragma once
// The table of pending and firing alerts.

#include <string>
#include <vector>

#include "storage/api/alert_state.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class AlertTable {
 public:
  explicit AlertTable(Database& db) : db_(db) {}
  Result<std::vector<StoredAlert>> load();
  Result<void> save(const std::string& rule, const std::vector<StoredAlert>& alerts);

 private:
  Database& db_;
};

}  // namespace nines::storage::state
