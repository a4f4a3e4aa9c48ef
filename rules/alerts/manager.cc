#include "rules/alerts/manager.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/core/mutex.h"
#include "rules/alerts/internal/group.h"
#include "rules/alerts/internal/incident_writer.h"
#include "rules/alerts/internal/rule_key.h"

namespace nines::alerts {
namespace {

using Groups = std::vector<std::shared_ptr<Group>>;

// The rules that a load() leaves without a group, waiting for one that takes them over.
class Leavers {
 public:
  void add(Group& group) {
    for (auto& unit : group.units()) {
      left_.push_back({group.config().file, group.config().name, std::move(unit)});
    }
  }

  // The rule that `unit` of `group` stands for from now on: the same in name, labels and, where
  // there is a choice, expression. Null when it is new.
  std::unique_ptr<RuleUnit> take(const GroupConfig& group, const RuleUnit& unit) {
    auto best = left_.end();
    for (auto it = left_.begin(); it != left_.end(); ++it) {
      const RuleConfig& old = it->unit->config();
      if (it->file != group.file || it->group != group.name) continue;
      if (old.alert != unit.config().alert || old.record != unit.config().record) continue;
      if (old.labels != unit.config().labels) continue;
      if (old.expr == unit.config().expr) {
        best = it;
        break;
      }
      if (best == left_.end()) best = it;
    }
    if (best == left_.end()) return nullptr;
    std::unique_ptr<RuleUnit> taken = std::move(best->unit);
    left_.erase(best);
    return taken;
  }

  void retire_all(Timestamp now) {
    for (Left& one : left_) one.unit->retire(now);
    left_.clear();
  }

 private:
  struct Left {
    std::string file;
    std::string group;
    std::unique_ptr<RuleUnit> unit;
  };
  std::vector<Left> left_;
};

}  // namespace

struct Manager::Impl {
  Impl(ManagerOptions o, ManagerParts p)
      : options(std::move(o)),
        parts(std::move(p)),
        world{options, parts,
              parts.telemetry.counter("nines_alert_state_save_failures_total",
                                      "Alert states that could not be written to disk.")} {}

  Timestamp now() const { return parts.scheduler.clock().now(); }
  Groups snapshot() const {
    const MutexLock lock(mutex);
    return groups;
  }

  Result<void> restore(const Groups& to);
  void forget(const std::string& rule, std::vector<storage::StoredAlert> alerts);

  const ManagerOptions options;
  const ManagerParts parts;
  const RuleWorld world;

  std::mutex control;    // one load(), start(), stop() or evaluate_once() at a time
  bool running = false;  // under control, as is the next
  bool restored = false;

  mutable Mutex mutex;
  Groups groups NINES_GUARDED_BY(mutex);
};

// Alerts of rules that are configured no more: they end now.
void Manager::Impl::forget(const std::string& rule, std::vector<storage::StoredAlert> alerts) {
  BookSettings settings;
  settings.rule = rule;
  AlertBook book(std::move(settings));
  book.restore(alerts);
  const std::vector<AlertChange> changes = book.end_all(now());
  if (auto saved = parts.state.save_alerts(rule, {}); !saved) {
    parts.log.error("alerts", "state of rule \"{}\" not removed: {}", rule, saved.error().what());
  }
  IncidentWriter incidents(parts.incidents, parts.log);
  std::vector<Alert> resolved;
  for (const AlertChange& change : changes) {
    incidents.record(change, now(), Duration::zero(), " ended, because its rule was removed.");
    if (change.event == AlertEvent::kResolved) resolved.push_back(change.alert);
  }
  incidents.flush();
  if (resolved.empty()) return;
  for (AlertSink* sink : parts.sinks) sink->on_alerts(rule, resolved);
}

Result<void> Manager::Impl::restore(const Groups& to) {
  NINES_TRY(std::vector<storage::StoredAlert> stored, parts.state.load_alerts());
  std::map<std::string, std::vector<storage::StoredAlert>> by_rule;
  for (storage::StoredAlert& alert : stored) by_rule[alert.rule].push_back(std::move(alert));
  for (const auto& group : to) {
    for (const auto& unit : group->units()) {
      const auto found = by_rule.find(unit->key());
      if (found == by_rule.end() || !unit->alerting()) continue;
      unit->restore(found->second, now());
      by_rule.erase(found);
    }
    group->publish();
  }
  for (auto& [rule, alerts] : by_rule) forget(rule, std::move(alerts));
  return {};
}

Manager::Manager(ManagerOptions options, ManagerParts parts)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(parts))) {}

Manager::~Manager() {
  stop();
}

Result<void> Manager::load(std::vector<GroupConfig> configs) {
  const std::lock_guard control(impl_->control);
  Groups old = impl_->snapshot();
  Groups next;
  Groups made;
  for (const GroupConfig& config : configs) {
    const auto same = std::find_if(old.begin(), old.end(),
                                   [&](const auto& group) { return group->config() == config; });
    if (same != old.end()) {  // goes on as if nothing had happened
      next.push_back(std::move(*same));
      old.erase(same);
      continue;
    }
    NINES_TRY(std::shared_ptr<Group> group, Group::make(impl_->world, config));
    next.push_back(group);
    made.push_back(std::move(group));
  }
  if (!impl_->restored) {
    if (auto done = impl_->restore(made); !done) {
      return Error(done.error()).in("alert states not restored");
    }
    impl_->restored = true;
  }
  Leavers leavers;
  for (const auto& group : old) {
    group->stop();
    leavers.add(*group);
  }
  const Timestamp now = impl_->now();
  for (const auto& group : made) {
    for (const auto& unit : group->units()) {
      if (const auto before = leavers.take(group->config(), *unit)) unit->adopt(*before, now);
    }
    group->publish();
  }
  leavers.retire_all(now);
  for (const auto& group : old) {
    const bool goes_on = std::any_of(next.begin(), next.end(), [&](const auto& other) {
      return other->config().file == group->config().file &&
             other->config().name == group->config().name;
    });
    if (!goes_on) Group::forget_metrics(impl_->parts.telemetry, group->config());
  }
  {
    const MutexLock lock(impl_->mutex);
    impl_->groups = next;
  }
  if (impl_->running) {
    for (const auto& group : made) group->start();
  }
  return {};
}

void Manager::start() {
  const std::lock_guard control(impl_->control);
  impl_->running = true;
  for (const auto& group : impl_->snapshot()) group->start();
}

void Manager::stop() {
  const std::lock_guard control(impl_->control);
  impl_->running = false;
  for (const auto& group : impl_->snapshot()) group->stop();
}

void Manager::evaluate_once(Timestamp at) {
  const std::lock_guard control(impl_->control);
  for (const auto& group : impl_->snapshot()) group->evaluate_once(at);
}

std::vector<GroupStatus> Manager::status() const {
  std::vector<GroupStatus> out;
  for (const auto& group : impl_->snapshot()) out.push_back(group->status());
  return out;
}

std::vector<Alert> Manager::active_alerts() const {
  std::vector<Alert> out;
  for (const auto& group : impl_->snapshot()) {
    GroupStatus status = group->status();
    for (RuleStatus& rule : status.rules) {
      out.insert(out.end(), rule.alerts.begin(), rule.alerts.end());
    }
  }
  return out;
}

}  // namespace nines::alerts
