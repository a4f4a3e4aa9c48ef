#include "rules/alerts/alert.h"

#include "base/text/text.h"

namespace nines::alerts {

const char* to_string(AlertState state) noexcept {
  switch (state) {
    case AlertState::kInactive:
      return "inactive";
    case AlertState::kPending:
      return "pending";
    case AlertState::kFiring:
      return "firing";
  }
  return "unknown";
}

std::string Alert::episode() const {
  return hex(fingerprint()) + "-" + hex(static_cast<std::uint64_t>(to_millis(active_at)));
}

}  // namespace nines::alerts
