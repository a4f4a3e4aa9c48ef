#pragma once
// The tables of deliveries and of what each receiver was last told.

#include <optional>
#include <string>
#include <vector>

#include "storage/api/outbox.h"
#include "storage/state/internal/database.h"

namespace nines::storage::state {

class OutboxTable {
 public:
  explicit OutboxTable(Database& db) : db_(db) {}
  Result<std::int64_t> enqueue(const Delivery& delivery, const NotificationLogEntry& entry);
  Result<void> update(const Delivery& delivery);
  Result<std::vector<Delivery>> queued();
  Result<std::vector<Delivery>> recent(std::size_t limit);
  Result<std::optional<NotificationLogEntry>> last_notification(const std::string& receiver,
                                                                const std::string& group_key);
  Result<void> prune(Timestamp older_than);

 private:
  Database& db_;
};

}  // namespace nines::storage::state
