#pragma once
// What must survive a restart of rule evaluation: which alerts are pending or firing since when.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/labels.h"

namespace nines::storage {

struct StoredAlert {
  std::string rule;  // group file, group name and rule name: unique per rule
  LabelSet labels;   // with alertname, after templates
  LabelSet annotations;
  double value = 0;
  bool firing = false;  // else pending
  Timestamp active_at{};
  Timestamp fired_at{};     // zero while pending
  Timestamp resolved_at{};  // zero until resolved
  Timestamp keep_firing_since{};
  Timestamp last_sent_at{};
  std::uint32_t flaps = 0;  // what flap detection remembers of it, in its own bits
};

class AlertStateStore {
 public:
  virtual ~AlertStateStore() = default;
  virtual Result<std::vector<StoredAlert>> load_alerts() = 0;
  // Replaces all alerts of one rule, in one transaction; on disk when it returns. Thread-safe.
  virtual Result<void> save_alerts(const std::string& rule,
                                   const std::vector<StoredAlert>& alerts) = 0;
};

}  // namespace nines::storage
