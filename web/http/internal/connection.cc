#include "web/http/internal/connection.h"

#include <algorithm>

namespace nines::web {

void Deadlines::arm(Connection& connection, Wait wait, Instant now, Duration span) {
  disarm(connection);
  connection.wait = wait;
  connection.deadline = now + span;
  std::list<Connection*>& queue = queues_[static_cast<std::size_t>(wait)];
  connection.place = queue.insert(queue.end(), &connection);
}

void Deadlines::disarm(Connection& connection) {
  if (connection.wait == Wait::kNone) return;
  queues_[static_cast<std::size_t>(connection.wait)].erase(connection.place);
  connection.wait = Wait::kNone;
}

std::optional<Instant> Deadlines::earliest() const {
  std::optional<Instant> first;
  for (const auto& queue : queues_) {
    if (queue.empty()) continue;
    if (!first || queue.front()->deadline < *first) first = queue.front()->deadline;
  }
  return first;
}

Connection* Deadlines::expired(Instant now) const {
  for (const auto& queue : queues_) {
    if (!queue.empty() && queue.front()->deadline <= now) return queue.front();
  }
  return nullptr;
}

Connection* Deadlines::oldest_idle() const {
  const auto& idle = queues_[static_cast<std::size_t>(Wait::kIdle)];
  return idle.empty() ? nullptr : idle.front();
}

}  // namespace nines::web
