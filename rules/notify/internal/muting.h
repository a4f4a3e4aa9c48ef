#pragma once
// Who must not be told: silences and inhibition.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "rules/alerts/alert.h"
#include "rules/maintenance/maintenance.h"
#include "rules/notify/config.h"
#include "storage/api/silences.h"

namespace nines::notify {

enum class SilenceState : std::uint8_t { kPending, kActive, kExpired };
SilenceState silence_state(const storage::Silence& silence, Timestamp now);

// Ids of the active silences that match.
std::vector<std::string> silenced_by(const std::map<std::string, storage::Silence>& silences,
                                     const LabelSet& labels, Timestamp now);

// The maintenance under way that keeps such alerts quiet, as "maintenance/NAME".
std::vector<std::string> maintained_by(std::span<const maintenance::Maintenance> all,
                                       const LabelSet& labels, Timestamp now);

struct InhibitSource {  // a firing alert
  LabelSet labels;
  std::uint64_t fingerprint = 0;
};

// Fingerprints (hex) of firing alerts that inhibit `target`. An alert that matches both sides of a
// rule is not inhibited by another that does too.
std::vector<std::string> inhibited_by(std::span<const InhibitRule> rules,
                                      std::span<const InhibitSource> firing,
                                      const LabelSet& target);

}  // namespace nines::notify
