#include "storage/state/sqlite_state.h"

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "storage/api/alert_batch.h"
#include "storage/state/internal/alerts.h"
#include "storage/state/internal/database.h"
#include "storage/state/internal/incidents.h"
#include "storage/state/internal/key_values.h"
#include "storage/state/internal/ledger.h"
#include "storage/state/internal/outbox.h"
#include "storage/state/internal/remediation.h"
#include "storage/state/internal/schema.h"
#include "storage/state/internal/silences.h"

namespace nines::storage {
namespace {

// Hands each call to the table that answers it.
class SqliteState final : public StateStore, public AlertBatches {
 public:
  SqliteState(std::unique_ptr<state::Database> db, const Clock& clock, const StateLimits& limits)
      : db_(std::move(db)),
        alerts_(*db_),
        outbox_(*db_),
        silences_(*db_),
        incidents_(*db_, limits.incidents_max),
        runs_(*db_, clock, limits.runs_max),
        ledger_(*db_),
        values_(*db_) {}

  Result<std::vector<StoredAlert>> load_alerts() override { return alerts_.load(); }
  Result<void> save_alerts(const std::string& rule,
                           const std::vector<StoredAlert>& alerts) override {
    const RuleAlerts one{rule, alerts};
    return alerts_.save({&one, 1});
  }
  Result<void> save_alerts_of(std::span<const RuleAlerts> rules) override {
    return alerts_.save(rules);
  }

  Result<std::int64_t> enqueue(const Delivery& delivery,
                               const NotificationLogEntry& entry) override {
    return outbox_.enqueue(delivery, entry);
  }
  Result<void> update(const Delivery& delivery) override { return outbox_.update(delivery); }
  Result<std::vector<Delivery>> queued() override { return outbox_.queued(); }
  Result<std::vector<Delivery>> recent(std::size_t limit) override { return outbox_.recent(limit); }
  Result<std::optional<NotificationLogEntry>> last_notification(
      const std::string& receiver, const std::string& group_key) override {
    return outbox_.last_notification(receiver, group_key);
  }
  Result<void> prune(Timestamp older_than) override { return outbox_.prune(older_than); }

  Result<std::vector<Silence>> load_silences() override { return silences_.load(); }
  Result<void> save_silence(const Silence& silence) override { return silences_.save(silence); }
  Result<void> remove_silence(const std::string& id) override { return silences_.remove(id); }

  Result<void> save_incident(const Incident& incident) override {
    return incidents_.save(incident);
  }
  Result<void> add_event(const IncidentEvent& event) override {
    return incidents_.add_events(std::span(&event, 1));
  }
  Result<void> add_events(const std::vector<IncidentEvent>& events) override {
    return incidents_.add_events(events);
  }
  Result<void> record(const std::vector<IncidentRecord>& records) override {
    return incidents_.record(records);
  }
  Result<std::vector<Incident>> incidents(std::size_t limit) override {
    return incidents_.newest(limit, state::IncidentTable::Which::kAll);
  }
  Result<std::vector<Incident>> open_incidents(std::size_t limit) override {
    return incidents_.newest(limit, state::IncidentTable::Which::kOpen);
  }
  Result<Incident> incident(const std::string& episode) override { return incidents_.get(episode); }
  Result<std::vector<IncidentEvent>> events(const std::string& episode) override {
    return incidents_.events(episode);
  }

  Result<std::int64_t> add_run(const RemediationRun& run) override { return runs_.add(run); }
  Result<void> update_run(const RemediationRun& run) override { return runs_.update(run); }
  Result<std::vector<RemediationRun>> unfinished_runs() override { return runs_.unfinished(); }
  Result<std::vector<RemediationRun>> runs_since(const std::string& remediation,
                                                 Timestamp since) override {
    return runs_.since(remediation, since);
  }
  Result<std::vector<RemediationRun>> recent_runs(std::size_t limit) override {
    return runs_.newest(limit);
  }
  Result<bool> remediation_stopped() override { return runs_.stopped(); }
  Result<void> set_remediation_stopped(bool stopped, const std::string& by) override {
    return runs_.set_stopped(stopped, by);
  }

  Result<void> write_ledger(const std::vector<LedgerRows>& all) override {
    return ledger_.write(all);
  }
  Result<std::vector<LedgerMinute>> read_minutes(const std::string& slo, std::int64_t from,
                                                 std::int64_t to) override {
    return ledger_.read(slo, from, to);
  }
  Result<std::int64_t> last_minute(const std::string& slo) override { return ledger_.last(slo); }
  Result<std::vector<std::string>> ledger_names() override { return ledger_.names(); }
  Result<void> prune_ledger(const std::string& slo, std::int64_t before) override {
    return ledger_.prune(slo, before);
  }

  Result<std::optional<std::string>> get_value(const std::string& key) override {
    return values_.get(key);
  }
  Result<void> set_value(const std::string& key, const std::string& value) override {
    return values_.set(key, value);
  }

 private:
  std::unique_ptr<state::Database> db_;
  state::AlertTable alerts_;
  state::OutboxTable outbox_;
  state::SilenceTable silences_;
  state::IncidentTable incidents_;
  state::RemediationTable runs_;
  state::LedgerTable ledger_;
  state::KeyValueTable values_;
};

}  // namespace

Result<std::unique_ptr<StateStore>> open_sqlite_state(const std::string& path, const Clock& clock,
                                                      Log& log) {
  return open_sqlite_state(path, clock, log, StateLimits{});
}

Result<std::unique_ptr<StateStore>> open_sqlite_state(const std::string& path, const Clock& clock,
                                                      Log& log, const StateLimits& limits) {
  NINES_TRY(auto db, state::Database::open(path, limits));
  if (!db->reserve_error().empty()) {
    log.warn("state", "{}: {}; it grows as the disk lets it, until a start finds room for {} KiB",
             path, db->reserve_error(), limits.bytes_max >> 10);
  }
  {
    const MutexLock lock(db->mutex);
    if (auto r = state::migrate(*db, log); !r) return std::move(r).error().in(path);
  }
  return std::unique_ptr<StateStore>(std::make_unique<SqliteState>(std::move(db), clock, limits));
}

}  // namespace nines::storage
