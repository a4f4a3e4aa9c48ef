#include "rules/notify/internal/groups.h"

#include <algorithm>

namespace nines::notify {

bool needs_notification(const std::optional<storage::NotificationLogEntry>& last,
                        const std::vector<std::uint64_t>& firing,
                        const std::vector<std::uint64_t>& resolved, bool send_resolved,
                        Duration repeat_interval, Timestamp now) {
  if (!last) return !firing.empty();  // what nobody was told of need not be taken back
  std::vector<std::uint64_t> known = last->firing;
  std::sort(known.begin(), known.end());
  if (!std::includes(known.begin(), known.end(), firing.begin(), firing.end())) return true;
  if (send_resolved) {
    // Only alerts that this receiver knows as firing are worth a "resolved".
    std::vector<std::uint64_t> taken_back = last->resolved;
    std::sort(taken_back.begin(), taken_back.end());
    for (const std::uint64_t id : resolved) {
      const bool told_firing = std::binary_search(known.begin(), known.end(), id);
      if (told_firing && !std::binary_search(taken_back.begin(), taken_back.end(), id)) return true;
    }
  }
  return !firing.empty() && now - last->at >= repeat_interval;
}

std::vector<std::uint64_t> still_unheard(const storage::NotificationLogEntry& last,
                                         const std::vector<std::uint64_t>& held) {
  std::vector<std::uint64_t> out;
  for (const std::uint64_t id : last.firing) {
    if (!std::binary_search(held.begin(), held.end(), id)) out.push_back(id);
  }
  return out;
}

}  // namespace nines::notify
