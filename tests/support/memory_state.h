#pragma once
// A StateStore that forgets everything when it dies: for unit tests of what keeps state.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/core/mutex.h"
#include "storage/api/state_store.h"

namespace nines::testing {

// Behaves as the interfaces promise, in memory. Thread-safe. fail_with() makes every following call
// answer with that error until heal(): for tests of what happens when the disk says no.
class MemoryState final : public storage::StateStore {
 public:
  void fail_with(Error error);
  void heal();
  std::size_t writes() const;  // successful changes so far

  Result<std::vector<storage::StoredAlert>> load_alerts() override;
  Result<void> save_alerts(const std::string& rule,
                           const std::vector<storage::StoredAlert>& alerts) override;

  Result<std::int64_t> enqueue(const storage::Delivery& delivery,
                               const storage::NotificationLogEntry& entry) override;
  Result<void> update(const storage::Delivery& delivery) override;
  Result<std::vector<storage::Delivery>> queued() override;
  Result<std::vector<storage::Delivery>> recent(std::size_t limit) override;
  Result<std::optional<storage::NotificationLogEntry>> last_notification(
      const std::string& receiver, const std::string& group_key) override;
  Result<void> prune(Timestamp older_than) override;

  Result<std::vector<storage::Silence>> load_silences() override;
  Result<void> save_silence(const storage::Silence& silence) override;
  Result<void> remove_silence(const std::string& id) override;

  Result<void> save_incident(const storage::Incident& incident) override;
  Result<void> add_event(const storage::IncidentEvent& event) override;
  Result<void> add_events(const std::vector<storage::IncidentEvent>& events) override;
  Result<void> record(const std::vector<storage::IncidentRecord>& records) override;
  Result<std::vector<storage::Incident>> incidents(std::size_t limit) override;
  Result<std::vector<storage::Incident>> open_incidents(std::size_t limit) override;
  Result<storage::Incident> incident(const std::string& episode) override;
  Result<std::vector<storage::IncidentEvent>> events(const std::string& episode) override;

  Result<std::int64_t> add_run(const storage::RemediationRun& run) override;
  Result<void> update_run(const storage::RemediationRun& run) override;
  Result<std::vector<storage::RemediationRun>> unfinished_runs() override;
  Result<std::vector<storage::RemediationRun>> runs_since(const std::string& remediation,
                                                          Timestamp since) override;
  Result<std::vector<storage::RemediationRun>> recent_runs(std::size_t limit) override;
  Result<bool> remediation_stopped() override;
  Result<void> set_remediation_stopped(bool stopped, const std::string& by) override;

  Result<void> write_ledger(const std::vector<storage::LedgerRows>& all) override;
  Result<std::vector<storage::LedgerMinute>> read_minutes(const std::string& slo, std::int64_t from,
                                                          std::int64_t to) override;
  Result<std::int64_t> last_minute(const std::string& slo) override;
  Result<std::vector<std::string>> ledger_names() override;
  Result<void> prune_ledger(const std::string& slo, std::int64_t before) override;

  Result<std::optional<std::string>> get_value(const std::string& key) override;
  Result<void> set_value(const std::string& key, const std::string& value) override;

 private:
  Result<void> ready() const NINES_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::optional<Error> failure_ NINES_GUARDED_BY(mutex_);
  std::size_t writes_ NINES_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::vector<storage::StoredAlert>> alerts_ NINES_GUARDED_BY(mutex_);
  std::vector<storage::Delivery> deliveries_ NINES_GUARDED_BY(mutex_);  // by id
  std::int64_t last_delivery_ NINES_GUARDED_BY(mutex_) = 0;
  std::map<std::pair<std::string, std::string>, storage::NotificationLogEntry> notified_
      NINES_GUARDED_BY(mutex_);
  std::map<std::string, storage::Silence> silences_ NINES_GUARDED_BY(mutex_);
  std::map<std::string, storage::Incident> incidents_ NINES_GUARDED_BY(mutex_);
  std::vector<storage::IncidentEvent> events_ NINES_GUARDED_BY(mutex_);
  std::vector<storage::RemediationRun> runs_ NINES_GUARDED_BY(mutex_);  // by id
  bool stopped_ NINES_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::map<std::int64_t, storage::LedgerMinute>> ledger_
      NINES_GUARDED_BY(mutex_);
  std::map<std::string, std::string> values_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::testing
