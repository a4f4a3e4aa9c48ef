#include "storage/state/internal/outbox.h"

#include <utility>

#include "storage/state/internal/encode.h"

namespace nines::storage::state {
namespace {

#define NINES_DELIVERY_COLUMNS                                                               \
  "id, idempotency_key, receiver, group_key, payload, episodes, resolved, state, attempts, " \
  "queued_at, next_attempt_at, delivered_at, last_error"

Result<std::vector<Delivery>> read_deliveries(Statement& rows) {
  std::vector<Delivery> out;
  for (;;) {
    NINES_TRY(const bool row, rows.step());
    if (!row) return out;
    Delivery d;
    d.id = rows.integer(0);
    d.idempotency_key = rows.text(1);
    d.receiver = rows.text(2);
    d.group_key = rows.text(3);
    d.payload = rows.text(4);
    d.episodes_json = rows.text(5);
    d.resolved = rows.flag(6);
    d.state = static_cast<DeliveryState>(rows.integer(7));
    d.attempts = static_cast<int>(rows.integer(8));
    d.queued_at = rows.time(9);
    d.next_attempt_at = rows.time(10);
    d.delivered_at = rows.time(11);
    d.last_error = rows.text(12);
    out.push_back(std::move(d));
  }
}

}  // namespace

Result<std::int64_t> OutboxTable::enqueue(const Delivery& d, const NotificationLogEntry& entry) {
  constexpr const char* kPurpose = "queue a notification";
  const MutexLock lock(db_.mutex);
  Transaction change(db_, kPurpose);
  if (auto r = change.begin(); !r) return std::move(r).error();
  {
    Statement find = db_.statement(kPurpose, "SELECT id FROM deliveries WHERE idempotency_key = ?");
    find.bind(d.idempotency_key);
    NINES_TRY(const bool there, find.step());
    if (there) return find.integer(0);
  }
  Statement insert = db_.statement(
      kPurpose, "INSERT INTO deliveries VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(d.idempotency_key).bind(d.receiver).bind(d.group_key).bind(d.payload);
  insert.bind(d.episodes_json).bind(d.resolved).bind(d.state).bind(d.attempts);
  insert.bind(d.queued_at).bind(d.next_attempt_at).bind(d.delivered_at).bind(d.last_error);
  if (auto r = insert.run(); !r) return std::move(r).error();
  const std::int64_t id = db_.last_id();
  Statement log =
      db_.statement(kPurpose, "INSERT OR REPLACE INTO notifications VALUES(?, ?, ?, ?, ?)");
  log.bind(entry.receiver).bind(entry.group_key).bind(encode_fingerprints(entry.firing));
  log.bind(encode_fingerprints(entry.resolved)).bind(entry.at);
  if (auto r = log.run(); !r) return std::move(r).error();
  if (auto r = change.commit(); !r) return std::move(r).error();
  return id;
}

Result<void> OutboxTable::update(const Delivery& d) {
  const MutexLock lock(db_.mutex);
  Statement change = db_.statement("update a notification",
                                   "UPDATE deliveries SET state = ?, attempts = ?, "
                                   "next_attempt_at = ?, delivered_at = ?, last_error = ? "
                                   "WHERE id = ?");
  change.bind(d.state).bind(d.attempts).bind(d.next_attempt_at).bind(d.delivered_at);
  change.bind(d.last_error).bind(d.id);
  if (auto r = change.run(); !r) return r;
  if (db_.changes() == 0) {
    return Error(ErrorCode::kNotFound, "state: no delivery " + std::to_string(d.id));
  }
  return {};
}

Result<std::vector<Delivery>> OutboxTable::queued() {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("list queued notifications", "SELECT " NINES_DELIVERY_COLUMNS
                                                              " FROM deliveries WHERE state = 0 "
                                                              "ORDER BY id");
  return read_deliveries(rows);
}

Result<std::vector<Delivery>> OutboxTable::recent(std::size_t limit) {
  const MutexLock lock(db_.mutex);
  Statement rows = db_.statement("list notifications", "SELECT " NINES_DELIVERY_COLUMNS
                                                       " FROM deliveries ORDER BY id DESC LIMIT ?");
  rows.bind(static_cast<std::int64_t>(limit));
  return read_deliveries(rows);
}

#undef NINES_DELIVERY_COLUMNS

Result<std::optional<NotificationLogEntry>> OutboxTable::last_notification(
    const std::string& receiver, const std::string& group_key) {
  const MutexLock lock(db_.mutex);
  Statement row = db_.statement("read the notification log",
                                "SELECT firing, resolved, at FROM notifications "
                                "WHERE receiver = ? AND group_key = ?");
  row.bind(receiver).bind(group_key);
  NINES_TRY(const bool there, row.step());
  if (!there) return std::optional<NotificationLogEntry>();
  NotificationLogEntry entry;
  entry.receiver = receiver;
  entry.group_key = group_key;
  NINES_TRY(entry.firing, decode_fingerprints(row.text(0)));
  NINES_TRY(entry.resolved, decode_fingerprints(row.text(1)));
  entry.at = row.time(2);
  return std::optional<NotificationLogEntry>(std::move(entry));
}

Result<void> OutboxTable::prune(Timestamp older_than) {
  constexpr const char* kPurpose = "prune notifications";
  const MutexLock lock(db_.mutex);
  Transaction change(db_, kPurpose);
  if (auto r = change.begin(); !r) return r;
  if (auto r = db_.statement(kPurpose, "DELETE FROM deliveries WHERE state != 0 AND queued_at < ?")
                   .bind(older_than)
                   .run();
      !r) {
    return r;
  }
  if (auto r =
          db_.statement(kPurpose, "DELETE FROM notifications WHERE at < ?").bind(older_than).run();
      !r) {
    return r;
  }
  return change.commit();
}

}  // namespace nines::storage::state
