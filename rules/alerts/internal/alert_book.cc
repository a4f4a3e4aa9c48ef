#include "rules/alerts/internal/alert_book.h"

#include <algorithm>
#include <utility>

namespace nines::alerts {
namespace {

// Icinga's: how much of the newest evaluations were changes, the newest counting most.
constexpr int kFlapWindow = 20;
constexpr double kOldestWeight = 0.8;
constexpr double kWeightStep = 0.02;
// What is stored of it: the changes, one bit an evaluation, and above them these.
constexpr std::uint32_t kFlapMask = (1U << kFlapWindow) - 1;
constexpr std::uint32_t kFlapSeen = 1U << kFlapWindow;  // in the newest result
constexpr std::uint32_t kFlapFlapping = 1U << (kFlapWindow + 1);

double flap_share(std::uint32_t turns) {
  double sum = 0;
  for (int age = 0; age < kFlapWindow; ++age) {
    if ((turns >> age) & 1U) sum += kOldestWeight + kWeightStep * (kFlapWindow - 1 - age);
  }
  return sum / kFlapWindow;
}

bool has_all(const LabelSet& labels, const LabelSet& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const Label& label) { return labels.get(label.name) == label.value; });
}

}  // namespace

bool AlertBook::may_resolve(const LabelSet& labels) const {
  if (resolving_ == nullptr) return true;
  return std::any_of(resolving_->begin(), resolving_->end(),
                     [&](const LabelSet& wanted) { return has_all(labels, wanted); });
}

void AlertBook::watch_flaps(Entry& entry, Timestamp now, std::vector<AlertChange>& changes) {
  if (!settings_.flap_detection || (entry.turns == 0 && entry.fresh)) {
    entry.was_seen = entry.seen;
    return;
  }
  if (entry.restored && !entry.seen && in_grace(now)) return;  // a gap in the data is no change
  const std::uint32_t turns_before = entry.turns;
  entry.turns = ((entry.turns << 1) | (entry.seen != entry.was_seen ? 1U : 0U)) & kFlapMask;
  entry.was_seen = entry.seen;
  if (entry.turns != turns_before) unsaved_ = true;
  const double share = flap_share(entry.turns);
  bool& flapping = entry.alert.flapping;
  if (!flapping && share > settings_.flap_detection->high) {
    flapping = true;
    changes.push_back({AlertEvent::kFlapping, entry.alert});
  } else if (flapping && share <= settings_.flap_detection->low) {
    flapping = false;
    changes.push_back({AlertEvent::kSteady, entry.alert});
  }
}

void AlertBook::sign(Alert& alert) const {
  alert.rule = settings_.rule;
  alert.generator_url = settings_.generator_url;
  alert.valid_for = settings_.valid_for;
}

void AlertBook::adopt(AlertBook& old) {
  entries_ = std::exchange(old.entries_, {});
  unsaved_ = old.unsaved_ || (settings_.rule != old.settings_.rule && !entries_.empty());
  for (auto& [labels, entry] : entries_) sign(entry.alert);
  grace_from_ = old.grace_from_;
  awaits_first_evaluation_ = old.awaits_first_evaluation_;
}

bool AlertBook::in_grace(Timestamp now) const {
  return grace_from_ && now - *grace_from_ < settings_.restore_grace;
}

void AlertBook::take_in(std::vector<Element> result, Timestamp now) {
  for (auto& [labels, entry] : entries_) entry.fresh = entry.seen = false;
  for (Element& element : result) {
    const auto [at, made] = entries_.try_emplace(element.labels);
    Entry& entry = at->second;
    if (made || entry.alert.state == AlertState::kInactive) {
      // New, or back again after it had resolved: another episode.
      const std::uint32_t turns = entry.turns;
      const bool flapping = entry.alert.flapping;
      entry = Entry();
      entry.turns = turns;
      entry.alert.flapping = flapping;
      entry.fresh = true;
      entry.alert.labels = element.labels;
      entry.alert.state = AlertState::kPending;
      entry.alert.active_at = now;
      sign(entry.alert);
    }
    entry.alert.annotations = std::move(element.annotations);
    entry.alert.value = element.value;
    entry.seen = true;
    entry.restored = false;
  }
}

bool AlertBook::advance_absent(Entry& entry, Timestamp now, std::vector<AlertChange>& changes) {
  Alert& alert = entry.alert;
  if (alert.state == AlertState::kInactive) {
    if (now - alert.resolved_at <= settings_.resolved_retention) return true;
    unsaved_ = true;
    return false;
  }
  if (entry.restored && in_grace(now)) return true;
  if (alert.state == AlertState::kPending) {
    unsaved_ = true;
    alert.state = AlertState::kInactive;
    alert.resolved_at = now;
    changes.push_back({AlertEvent::kNeverFired, alert});
    return false;
  }
  if (alert.flapping || !may_resolve(alert.labels)) return true;
  if (settings_.keep_firing_for > Duration::zero()) {
    if (alert.keep_firing_since == Timestamp{}) {
      alert.keep_firing_since = now;
      unsaved_ = true;
    }
    if (now - alert.keep_firing_since < settings_.keep_firing_for) return true;
  }
  unsaved_ = true;
  alert.state = AlertState::kInactive;
  alert.resolved_at = now;
  changes.push_back({AlertEvent::kResolved, alert});
  return true;
}

bool AlertBook::advance(Entry& entry, Timestamp now, std::vector<AlertChange>& changes) {
  if (!entry.seen) return advance_absent(entry, now, changes);
  Alert& alert = entry.alert;
  if (alert.keep_firing_since != Timestamp{}) {
    alert.keep_firing_since = Timestamp{};
    unsaved_ = true;
  }
  if (alert.state != AlertState::kPending) return true;
  if (now - alert.active_at >= settings_.hold) {
    alert.state = AlertState::kFiring;
    alert.fired_at = now;
    unsaved_ = true;
    changes.push_back({AlertEvent::kFiring, alert});
  } else if (entry.fresh) {
    unsaved_ = true;
    changes.push_back({AlertEvent::kPending, alert});
  }
  return true;
}

Result<void> AlertBook::evaluate(std::vector<Element> result, Timestamp now,
                                 std::vector<AlertChange>& changes,
                                 const std::vector<LabelSet>* resolving) {
  resolving_ = resolving;
  std::sort(result.begin(), result.end(),
            [](const Element& a, const Element& b) { return a.labels < b.labels; });
  const auto twin =
      std::adjacent_find(result.begin(), result.end(),
                         [](const Element& a, const Element& b) { return a.labels == b.labels; });
  if (twin != result.end()) {
    return Error(ErrorCode::kInvalid,
                 "vector contains metrics with the same labelset after applying alert labels: " +
                     twin->labels.to_string());
  }
  if (awaits_first_evaluation_) {
    grace_from_ = now;
    awaits_first_evaluation_ = false;
  }
  take_in(std::move(result), now);
  std::size_t active = 0;
  for (auto it = entries_.begin(); it != entries_.end();) {
    watch_flaps(it->second, now, changes);
    const bool keep = advance(it->second, now, changes);
    if (keep && it->second.alert.state != AlertState::kInactive) ++active;
    it = keep ? std::next(it) : entries_.erase(it);
  }
  if (settings_.limit == 0 || active <= settings_.limit) return {};
  // As in Prometheus: a rule that floods says nothing at all until it has become sane again. Sinks
  // learn of it by not being told any more.
  for (auto& [labels, entry] : entries_) {
    if (entry.alert.state == AlertState::kInactive) continue;
    entry.alert.state = AlertState::kInactive;
    entry.alert.resolved_at = now;
    std::erase_if(changes, [&alert = entry.alert](const AlertChange& c) {
      return c.alert.labels == alert.labels;
    });
    if (!entry.fresh) changes.push_back({AlertEvent::kDropped, entry.alert});
  }
  entries_.clear();
  unsaved_ = true;
  return Error(ErrorCode::kLimit, "exceeded limit of " + std::to_string(settings_.limit) +
                                      " with " + std::to_string(active) + " alerts");
}

std::vector<AlertChange> AlertBook::end_all(Timestamp now) {
  std::vector<AlertChange> changes;
  for (auto& [labels, entry] : entries_) {
    if (entry.alert.state == AlertState::kInactive) continue;
    const bool fired = entry.alert.state == AlertState::kFiring;
    entry.alert.state = AlertState::kInactive;
    entry.alert.resolved_at = now;
    changes.push_back({fired ? AlertEvent::kResolved : AlertEvent::kNeverFired, entry.alert});
  }
  entries_.clear();
  unsaved_ = true;
  return changes;
}

std::vector<Alert> AlertBook::active() const {
  std::vector<Alert> out;
  for (const auto& [labels, entry] : entries_) {
    if (entry.alert.state != AlertState::kInactive) out.push_back(entry.alert);
  }
  return out;
}

std::vector<Alert> AlertBook::to_tell() const {
  std::vector<Alert> out;
  for (const auto& [labels, entry] : entries_) {
    if (entry.alert.state != AlertState::kPending) out.push_back(entry.alert);
  }
  return out;
}

AlertState AlertBook::state() const {
  AlertState highest = AlertState::kInactive;
  for (const auto& [labels, entry] : entries_) highest = std::max(highest, entry.alert.state);
  return highest;
}

std::vector<storage::StoredAlert> AlertBook::stored() const {
  std::vector<storage::StoredAlert> out;
  out.reserve(entries_.size());
  for (const auto& [labels, entry] : entries_) {
    const Alert& alert = entry.alert;
    storage::StoredAlert stored;
    stored.rule = settings_.rule;
    stored.labels = labels;
    stored.annotations = alert.annotations;
    stored.value = alert.value;
    stored.firing = alert.state == AlertState::kFiring;
    stored.active_at = alert.active_at;
    stored.fired_at = alert.fired_at;
    stored.resolved_at = alert.resolved_at;
    stored.keep_firing_since = alert.keep_firing_since;
    if (settings_.flap_detection) {
      stored.flaps =
          entry.turns | (entry.was_seen ? kFlapSeen : 0U) | (alert.flapping ? kFlapFlapping : 0U);
    }
    out.push_back(std::move(stored));
  }
  return out;
}

void AlertBook::restore(const std::vector<storage::StoredAlert>& alerts) {
  for (const storage::StoredAlert& stored : alerts) {
    Entry entry;
    entry.alert.labels = stored.labels;
    entry.alert.annotations = stored.annotations;
    entry.alert.value = stored.value;
    sign(entry.alert);
    entry.alert.active_at = stored.active_at;
    entry.alert.fired_at = stored.fired_at;
    entry.alert.resolved_at = stored.resolved_at;
    entry.alert.keep_firing_since = stored.keep_firing_since;
    if (stored.resolved_at != Timestamp{}) {
      entry.alert.state = AlertState::kInactive;
    } else {
      entry.alert.state = stored.firing ? AlertState::kFiring : AlertState::kPending;
      entry.restored = true;
    }
    if (settings_.flap_detection) {
      entry.turns = stored.flaps & kFlapMask;
      entry.alert.flapping = (stored.flaps & kFlapFlapping) != 0;
      entry.was_seen = (stored.flaps & kFlapSeen) != 0;
    }
    entries_[stored.labels] = std::move(entry);
  }
  awaits_first_evaluation_ = true;
}

}  // namespace nines::alerts
