#pragma once
// The table of pending and firing alerts.

#include <span>
#include <vector>

#include "storage/api/alert_batch.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class AlertTable {
 public:
  explicit AlertTable(Database& db) : db_(db) {}
  Result<std::vector<StoredAlert>> load();
  // In one transaction.
  Result<void> save(std::span<const RuleAlerts> rules);

 private:
  Result<void> replace(const RuleAlerts& rule) NINES_REQUIRES(db_.mutex);

  Database& db_;
};

}  // namespace nines::storage::state
