#pragma once
// Aggregation groups: the alerts of one route that share their group labels, and when to speak of
// them.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/scheduler.h"
#include "rules/alerts/alert.h"
#include "rules/notify/internal/route_tree.h"
#include "storage/api/outbox.h"

namespace nines::notify {

struct HeldAlert {
  alerts::Alert alert;
  LabelSet labels;      // with external labels: what routes, silences and inhibition look at
  Timestamp told_at{};  // when the rule last spoke of it
};

struct Group {
  const RouteNode* route = nullptr;
  LabelSet labels;
  std::string key;                            // route key ":" labels
  std::map<std::uint64_t, HeldAlert> alerts;  // by fingerprint
  bool scheduled = false;
  TimerId timer = TimerId::kNone;
};

// Alertmanager's deduplication: whether a receiver must be told, given what it was told last.
// `firing` and `resolved` are instance ids, sorted. Without firing alerts there must be one to take
// back: an alert that is merely silent, or not yet told after a restart, is not over.
bool needs_notification(const std::optional<storage::NotificationLogEntry>& last,
                        const std::vector<std::uint64_t>& firing,
                        const std::vector<std::uint64_t>& resolved, bool send_resolved,
                        Duration repeat_interval, Timestamp now);

// Ids that `last` knows as firing and that the group holds in no state (`held` sorted): their rules
// have not spoken since the start, so what the receiver knows of them stays as it is.
std::vector<std::uint64_t> still_unheard(const storage::NotificationLogEntry& last,
                                         const std::vector<std::uint64_t>& held);

}  // namespace nines::notify
