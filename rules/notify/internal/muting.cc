#include "rules/notify/internal/muting.h"

#include <algorithm>

#include "base/text/text.h"

namespace nines::notify {

SilenceState silence_state(const storage::Silence& silence, Timestamp now) {
  if (now < silence.starts_at) return SilenceState::kPending;
  return now < silence.ends_at ? SilenceState::kActive : SilenceState::kExpired;
}

std::vector<std::string> silenced_by(const std::map<std::string, storage::Silence>& silences,
                                     const LabelSet& labels, Timestamp now) {
  std::vector<std::string> ids;
  for (const auto& [id, silence] : silences) {
    if (silence_state(silence, now) == SilenceState::kActive &&
        matches_all(silence.matchers, labels)) {
      ids.push_back(id);
    }
  }
  return ids;
}

std::vector<std::string> maintained_by(std::span<const maintenance::Maintenance> all,
                                       const LabelSet& labels, Timestamp now) {
  std::vector<std::string> names =
      maintenance::active_for(all, &maintenance::Maintenance::silences, labels, now);
  for (std::string& name : names) name.insert(0, "maintenance/");
  return names;
}

std::vector<std::string> inhibited_by(std::span<const InhibitRule> rules,
                                      std::span<const InhibitSource> firing,
                                      const LabelSet& target) {
  std::vector<std::string> out;
  for (const InhibitRule& rule : rules) {
    if (!matches_all(rule.target_matchers, target)) continue;
    const bool target_is_source = matches_all(rule.source_matchers, target);
    for (const InhibitSource& source : firing) {
      if (!matches_all(rule.source_matchers, source.labels)) continue;
      if (target_is_source && matches_all(rule.target_matchers, source.labels)) continue;
      const bool same = std::all_of(
          rule.equal.begin(), rule.equal.end(),
          [&](const std::string& name) { return source.labels.get(name) == target.get(name); });
      if (same) out.push_back(hex(source.fingerprint));
    }
  }
  return out;
}

}  // namespace nines::notify
