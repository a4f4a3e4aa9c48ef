#pragma once
// Saves the alerts of several rules at once.

#include <span>
#include <string>
#include <vector>

#include "storage/api/alert_state.h"

namespace nines::storage {

struct RuleAlerts {
  std::string rule;
  std::vector<StoredAlert> alerts;
};

// An AlertStateStore may be one too; who saves many rules looks whether it is.
class AlertBatches {
 public:
  virtual ~AlertBatches() = default;
  // Replaces all alerts of each of the rules, in one transaction: after a crash either all are as
  // given or all as before. On disk when it returns. Thread-safe. Errors as save_alerts(): then
  // nothing has changed.
  virtual Result<void> save_alerts_of(std::span<const RuleAlerts> rules) = 0;
};

}  // namespace nines::storage
