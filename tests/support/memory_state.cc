#include "tests/support/memory_state.h"

#include <algorithm>
#include <limits>

namespace nines::testing {

using namespace nines::storage;  // NOLINT(google-build-using-namespace): every type here is its

void MemoryState::fail_with(Error error) {
  const MutexLock lock(mutex_);
  failure_ = std::move(error);
}

void MemoryState::heal() {
  const MutexLock lock(mutex_);
  failure_.reset();
}

std::size_t MemoryState::writes() const {
  const MutexLock lock(mutex_);
  return writes_;
}

Result<void> MemoryState::ready() const {
  if (failure_) return *failure_;
  return {};
}

// Takes the lock for the rest of the function, and leaves it when the test asked for failure.
#define NINES_MEMORY_STATE_ENTER() \
  const MutexLock lock(mutex_);    \
  if (auto r = ready(); !r) return std::move(r).error()

Result<std::vector<StoredAlert>> MemoryState::load_alerts() {
  NINES_MEMORY_STATE_ENTER();
  std::vector<StoredAlert> all;
  for (const auto& [rule, alerts] : alerts_) all.insert(all.end(), alerts.begin(), alerts.end());
  return all;
}

Result<void> MemoryState::save_alerts(const std::string& rule,
                                      const std::vector<StoredAlert>& alerts) {
  NINES_MEMORY_STATE_ENTER();
  auto kept = alerts;
  for (StoredAlert& alert : kept) alert.rule = rule;
  if (kept.empty()) {
    alerts_.erase(rule);
  } else {
    alerts_[rule] = std::move(kept);
  }
  ++writes_;
  return {};
}

Result<std::int64_t> MemoryState::enqueue(const Delivery& delivery,
                                          const NotificationLogEntry& entry) {
  NINES_MEMORY_STATE_ENTER();
  for (const Delivery& old : deliveries_) {
    if (old.idempotency_key == delivery.idempotency_key) return old.id;
  }
  deliveries_.push_back(delivery);
  deliveries_.back().id = ++last_delivery_;
  notified_[{entry.receiver, entry.group_key}] = entry;
  ++writes_;
  return last_delivery_;
}

Result<void> MemoryState::update(const Delivery& delivery) {
  NINES_MEMORY_STATE_ENTER();
  for (Delivery& old : deliveries_) {
    if (old.id != delivery.id) continue;
    old.state = delivery.state;
    old.attempts = delivery.attempts;
    old.next_attempt_at = delivery.next_attempt_at;
    old.delivered_at = delivery.delivered_at;
    old.last_error = delivery.last_error;
    ++writes_;
    return {};
  }
  return Error(ErrorCode::kNotFound, "no delivery " + std::to_string(delivery.id));
}

Result<std::vector<Delivery>> MemoryState::queued() {
  NINES_MEMORY_STATE_ENTER();
  std::vector<Delivery> out;
  for (const Delivery& d : deliveries_) {
    if (d.state == DeliveryState::kQueued) out.push_back(d);
  }
  return out;
}

Result<std::vector<Delivery>> MemoryState::recent(std::size_t limit) {
  NINES_MEMORY_STATE_ENTER();
  std::vector<Delivery> out(deliveries_.rbegin(), deliveries_.rend());
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<std::optional<NotificationLogEntry>> MemoryState::last_notification(
    const std::string& receiver, const std::string& group_key) {
  NINES_MEMORY_STATE_ENTER();
  const auto it = notified_.find({receiver, group_key});
  if (it == notified_.end()) return std::optional<NotificationLogEntry>();
  return std::optional<NotificationLogEntry>(it->second);
}

Result<void> MemoryState::prune(Timestamp older_than) {
  NINES_MEMORY_STATE_ENTER();
  std::erase_if(deliveries_, [&](const Delivery& d) {
    return d.state != DeliveryState::kQueued && d.queued_at < older_than;
  });
  std::erase_if(notified_, [&](const auto& item) { return item.second.at < older_than; });
  ++writes_;
  return {};
}

Result<std::vector<Silence>> MemoryState::load_silences() {
  NINES_MEMORY_STATE_ENTER();
  std::vector<Silence> out;
  for (const auto& [id, silence] : silences_) out.push_back(silence);
  return out;
}

Result<void> MemoryState::save_silence(const Silence& silence) {
  NINES_MEMORY_STATE_ENTER();
  silences_.insert_or_assign(silence.id, silence);
  ++writes_;
  return {};
}

Result<void> MemoryState::remove_silence(const std::string& id) {
  NINES_MEMORY_STATE_ENTER();
  silences_.erase(id);
  ++writes_;
  return {};
}

Result<void> MemoryState::save_incident(const Incident& incident) {
  NINES_MEMORY_STATE_ENTER();
  incidents_.insert_or_assign(incident.episode, incident);
  ++writes_;
  return {};
}

Result<void> MemoryState::add_event(const IncidentEvent& event) {
  NINES_MEMORY_STATE_ENTER();
  events_.push_back(event);
  events_.back().id = static_cast<std::int64_t>(events_.size());
  ++writes_;
  return {};
}

Result<void> MemoryState::add_events(const std::vector<IncidentEvent>& events) {
  NINES_MEMORY_STATE_ENTER();
  for (const IncidentEvent& event : events) {
    events_.push_back(event);
    events_.back().id = static_cast<std::int64_t>(events_.size());
  }
  ++writes_;
  return {};
}

Result<void> MemoryState::record(const std::vector<storage::IncidentRecord>& records) {
  NINES_MEMORY_STATE_ENTER();
  for (const storage::IncidentRecord& one : records) {
    incidents_.insert_or_assign(one.incident.episode, one.incident);
    events_.push_back(one.event);
    events_.back().id = static_cast<std::int64_t>(events_.size());
  }
  ++writes_;
  return {};
}

Result<std::vector<Incident>> MemoryState::incidents(std::size_t limit) {
  NINES_MEMORY_STATE_ENTER();
  std::vector<Incident> out;
  for (const auto& [episode, incident] : incidents_) out.push_back(incident);
  std::stable_sort(out.begin(), out.end(), [](const Incident& a, const Incident& b) {
    return a.started_at > b.started_at;
  });
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<std::vector<Incident>> MemoryState::open_incidents(std::size_t limit) {
  Result<std::vector<Incident>> out = incidents(std::numeric_limits<std::size_t>::max());
  if (!out) return out;
  std::erase_if(*out, [](const Incident& one) { return one.resolved_at != Timestamp{}; });
  if (out->size() > limit) out->resize(limit);
  return out;
}

Result<Incident> MemoryState::incident(const std::string& episode) {
  NINES_MEMORY_STATE_ENTER();
  const auto it = incidents_.find(episode);
  if (it == incidents_.end()) return Error(ErrorCode::kNotFound, "no incident " + episode);
  return it->second;
}

Result<std::vector<IncidentEvent>> MemoryState::events(const std::string& episode) {
  NINES_MEMORY_STATE_ENTER();
  std::vector<IncidentEvent> out;
  for (const IncidentEvent& e : events_) {
    if (e.episode == episode) out.push_back(e);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const IncidentEvent& a, const IncidentEvent& b) { return a.at < b.at; });
  return out;
}

Result<std::int64_t> MemoryState::add_run(const RemediationRun& run) {
  NINES_MEMORY_STATE_ENTER();
  for (const RemediationRun& old : runs_) {
    if (old.idempotency_key == run.idempotency_key) {
      return Error(ErrorCode::kOutOfOrder, "run " + run.idempotency_key + " is there already");
    }
  }
  runs_.push_back(run);
  runs_.back().id = static_cast<std::int64_t>(runs_.size());
  ++writes_;
  return runs_.back().id;
}

Result<void> MemoryState::update_run(const RemediationRun& run) {
  NINES_MEMORY_STATE_ENTER();
  if (run.id < 1 || run.id > static_cast<std::int64_t>(runs_.size())) {
    return Error(ErrorCode::kNotFound, "no remediation run " + std::to_string(run.id));
  }
  runs_[static_cast<std::size_t>(run.id - 1)] = run;
  ++writes_;
  return {};
}

Result<std::vector<RemediationRun>> MemoryState::unfinished_runs() {
  NINES_MEMORY_STATE_ENTER();
  std::vector<RemediationRun> out;
  for (const RemediationRun& run : runs_) {
    if (run.state == RunState::kIntent || run.state == RunState::kActed) out.push_back(run);
  }
  return out;
}

Result<std::vector<RemediationRun>> MemoryState::runs_since(const std::string& remediation,
                                                            Timestamp since) {
  NINES_MEMORY_STATE_ENTER();
  std::vector<RemediationRun> out;
  for (const RemediationRun& run : runs_) {
    if (run.remediation == remediation && run.intent_at >= since) out.push_back(run);
  }
  return out;
}

Result<std::vector<RemediationRun>> MemoryState::recent_runs(std::size_t limit) {
  NINES_MEMORY_STATE_ENTER();
  std::vector<RemediationRun> out(runs_.rbegin(), runs_.rend());
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<bool> MemoryState::remediation_stopped() {
  NINES_MEMORY_STATE_ENTER();
  return stopped_;
}

Result<void> MemoryState::set_remediation_stopped(bool stopped, const std::string&) {
  NINES_MEMORY_STATE_ENTER();
  stopped_ = stopped;
  ++writes_;
  return {};
}

Result<void> MemoryState::write_ledger(const std::vector<storage::LedgerRows>& all) {
  NINES_MEMORY_STATE_ENTER();
  for (const storage::LedgerRows& one : all) {
    for (const LedgerMinute& minute : one.minutes)
      ledger_[one.slo].insert_or_assign(minute.minute, minute);
  }
  ++writes_;
  return {};
}

Result<std::vector<LedgerMinute>> MemoryState::read_minutes(const std::string& slo,
                                                            std::int64_t from, std::int64_t to) {
  NINES_MEMORY_STATE_ENTER();
  std::vector<LedgerMinute> out;
  const auto found = ledger_.find(slo);
  if (found == ledger_.end()) return out;
  const auto& rows = found->second;
  for (auto it = rows.lower_bound(from); it != rows.end() && it->first < to; ++it) {
    out.push_back(it->second);
  }
  return out;
}

Result<std::int64_t> MemoryState::last_minute(const std::string& slo) {
  NINES_MEMORY_STATE_ENTER();
  const auto found = ledger_.find(slo);
  if (found == ledger_.end() || found->second.empty()) {
    return Error(ErrorCode::kNotFound, "no ledger for " + slo);
  }
  return found->second.rbegin()->first;
}

Result<std::vector<std::string>> MemoryState::ledger_names() {
  NINES_MEMORY_STATE_ENTER();
  std::vector<std::string> out;
  for (const auto& [slo, rows] : ledger_) out.push_back(slo);
  return out;
}

Result<void> MemoryState::prune_ledger(const std::string& slo, std::int64_t before) {
  NINES_MEMORY_STATE_ENTER();
  auto& rows = ledger_[slo];
  rows.erase(rows.begin(), rows.lower_bound(before));
  if (rows.empty()) ledger_.erase(slo);
  ++writes_;
  return {};
}

Result<std::optional<std::string>> MemoryState::get_value(const std::string& key) {
  NINES_MEMORY_STATE_ENTER();
  const auto it = values_.find(key);
  if (it == values_.end()) return std::optional<std::string>();
  return std::optional<std::string>(it->second);
}

Result<void> MemoryState::set_value(const std::string& key, const std::string& value) {
  NINES_MEMORY_STATE_ENTER();
  values_.insert_or_assign(key, value);
  ++writes_;
  return {};
}

#undef NINES_MEMORY_STATE_ENTER

}  // namespace nines::testing
