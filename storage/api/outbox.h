#pragma once
// The durable outbox of notifications: written before the first attempt, so that no page is lost;
// and the log of what each receiver was last told, so that none is sent twice.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"

namespace nines::storage {

enum class DeliveryState : std::uint8_t { kQueued, kDelivered, kGivenUp };

struct Delivery {
  std::int64_t id = 0;          // given by the store
  std::string idempotency_key;  // unique; the same content is never queued twice
  std::string receiver;         // receiver name "/" integration index, e.g. "oncall/webhook/0"
  std::string group_key;        // Alertmanager's groupKey
  std::string payload;          // the body as it will be sent
  std::string episodes_json;    // JSON array of the episodes (incidents) it speaks of
  bool resolved = false;        // the group status it carries
  DeliveryState state = DeliveryState::kQueued;
  int attempts = 0;
  Timestamp queued_at{};
  Timestamp next_attempt_at{};
  Timestamp delivered_at{};
  std::string last_error;
};

// What a receiver was last told about a group (Alertmanager's notification log).
struct NotificationLogEntry {
  std::string receiver;
  std::string group_key;
  std::vector<std::uint64_t> firing;  // alert fingerprints
  std::vector<std::uint64_t> resolved;
  Timestamp at{};
};

class OutboxStore {
 public:
  virtual ~OutboxStore() = default;
  // Queues and writes the notification log entry in one transaction, on disk when it returns. A key
  // that is there already changes nothing and returns the old id.
  virtual Result<std::int64_t> enqueue(const Delivery& delivery,
                                       const NotificationLogEntry& entry) = 0;
  virtual Result<void> update(
      const Delivery& delivery) = 0;                   // state, attempts, times, error, by id
  virtual Result<std::vector<Delivery>> queued() = 0;  // oldest first
  virtual Result<std::vector<Delivery>> recent(std::size_t limit) = 0;  // newest first, any state
  virtual Result<std::optional<NotificationLogEntry>> last_notification(
      const std::string& receiver, const std::string& group_key) = 0;
  virtual Result<void> prune(Timestamp older_than) = 0;  // finished deliveries and old log entries
};

}  // namespace nines::storage
