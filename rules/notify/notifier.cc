#include "rules/notify/notifier.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/core/mutex.h"
#include "base/text/json.h"
#include "base/text/text.h"
#include "rules/notify/internal/acknowledgements.h"
#include "rules/notify/internal/courier.h"
#include "rules/notify/internal/groups.h"
#include "rules/notify/internal/muting.h"
#include "rules/notify/internal/payload.h"
#include "rules/notify/internal/route_tree.h"

namespace nines::notify {
namespace {

constexpr std::string_view kComponent = "notify";
constexpr Duration kKeepResolved{15 * 60'000};  // how long a resolved alert stays in view
constexpr Duration kPruneEvery{3'600'000};

std::string episodes_of(const std::vector<alerts::Alert>& alerts) {
  JsonWriter json;
  json.begin_array();
  for (const alerts::Alert& alert : alerts) json.value(alert.episode());
  json.end_array();
  return json.take();
}

std::string ids_text(const std::vector<std::uint64_t>& ids) {
  std::string out;
  for (const std::uint64_t id : ids) out += hex(id);
  return out;
}

}  // namespace

struct Notifier::Impl {
  Impl(NotifierOptions opts, NotifierParts p)
      : options(std::move(opts)),
        parts(p),
        courier(options, parts),
        acknowledgements(parts.incidents, parts.log) {}

  using GroupKey = std::pair<std::string, LabelSet>;  // route key, group labels

  // One message to one integration, decided under the lock, written and sent outside it.
  struct Message {
    std::string receiver, integration, group_key;
    LabelSet group_labels;
    std::vector<alerts::Alert> alerts;
    std::vector<std::uint64_t> held;  // instances the group holds, muted ones too; sorted
    WebhookConfig hook;
    Duration repeat_interval{};
    bool may_repeat = true;  // an alert that fires is nobody's work yet
  };

  void take(const alerts::Alert& told) NINES_REQUIRES(mutex);
  void schedule(const GroupKey& key, Group& group, Duration delay) NINES_REQUIRES(mutex);
  void flush(const GroupKey& key);
  std::vector<Message> due_messages(Group& group, Timestamp now) NINES_REQUIRES(mutex);
  static void expire_untold(std::map<std::uint64_t, HeldAlert>& held_alerts, Timestamp now);
  void send(const Message& message, Timestamp now);
  void post(std::function<void()> task);
  std::vector<InhibitSource> inhibit_sources() const NINES_REQUIRES(mutex);
  AlertStatus status_of(const HeldAlert& held, const std::vector<InhibitSource>& sources,
                        Timestamp now) const NINES_REQUIRES(mutex);
  const HeldAlert* firing(const std::string& episode) const NINES_REQUIRES(mutex);
  void prune(Timestamp now);

  const NotifierOptions options;
  NotifierParts parts;
  Courier courier;
  mutable Mutex mutex;
  Config config NINES_GUARDED_BY(mutex);
  std::unique_ptr<RouteNode> root NINES_GUARDED_BY(mutex);
  std::map<GroupKey, Group> groups NINES_GUARDED_BY(mutex);
  std::map<std::uint64_t, HeldAlert> alerts
      NINES_GUARDED_BY(mutex);  // by fingerprint, external labels in
  std::map<std::string, storage::Silence> silences NINES_GUARDED_BY(mutex);
  Acknowledgements acknowledgements NINES_GUARDED_BY(mutex);
  bool running NINES_GUARDED_BY(mutex) = false;
  Timestamp pruned_at NINES_GUARDED_BY(mutex){};
  // Guards the pointer that timers and tasks hold, so that none runs after the notifier is gone.
  struct Shared {
    std::recursive_mutex mutex;
    Impl* impl = nullptr;
  };
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
};

void Notifier::Impl::post(std::function<void()> task) {
  const auto guarded = [s = shared, task = std::move(task)] {
    const std::lock_guard lock(s->mutex);
    if (s->impl) task();
  };
  if (!parts.executor.post(guarded)) parts.scheduler.after(Duration(100), guarded);
}

// Groups wait group_wait for company before they first speak, except when an alert has been firing
// for longer than that already (after a restart, or a reload that made the route).
void Notifier::Impl::take(const alerts::Alert& told) {
  const Timestamp now = parts.scheduler.clock().now();
  LabelBuilder labels(told.labels);
  for (const Label& label : options.external_labels) {
    if (labels.get(label.name).empty()) labels.set(label.name, label.value);
  }
  const LabelSet all = labels.build();
  const HeldAlert held{told, all, now};
  // The fingerprint stays that of the rule's alert: episodes and instances are named by it.
  const std::uint64_t fingerprint = told.fingerprint();
  const bool known_before = alerts.contains(fingerprint);
  alerts[fingerprint] = held;
  if (is_resolved(told)) {
    acknowledgements.forget(told.episode());
  } else if (!known_before && told.told_at == Timestamp{}) {
    acknowledgements.recall(told.episode());  // from before a restart
  }
  if (!root) return;
  for (const RouteNode* route : matching_routes(*root, all)) {
    const GroupKey key{route->key, group_labels(*route, all)};
    auto [it, made] = groups.try_emplace(key);
    Group& group = it->second;
    if (made) {
      group.route = route;
      group.labels = key.second;
      group.key = route->key + ":" + key.second.to_string();
    }
    const auto known = group.alerts.find(fingerprint);
    // A resolved alert that nobody in this group knows is news to nobody, unless the log says
    // otherwise: it is kept, and the log decides.
    if (known == group.alerts.end()) {
      group.alerts.emplace(fingerprint, held);
    } else {
      known->second = held;
    }
    if (!group.scheduled && running) {
      const bool overdue = told.fired_at != Timestamp{} && told.fired_at + route->group_wait < now;
      schedule(key, group, overdue ? Duration(0) : route->group_wait);
    }
  }
}

void Notifier::Impl::schedule(const GroupKey& key, Group& group, Duration delay) {
  group.scheduled = true;
  group.timer = parts.scheduler.after(delay, [s = shared, key] {
    const std::lock_guard lock(s->mutex);
    if (!s->impl) return;
    s->impl->post([impl = s->impl, key] { impl->flush(key); });
  });
}

// An alert that its rule no longer speaks of (the rule is gone) ends when its word runs out.
void Notifier::Impl::expire_untold(std::map<std::uint64_t, HeldAlert>& held_alerts, Timestamp now) {
  for (auto& [fingerprint, held] : held_alerts) {
    const Duration valid = held.alert.valid_for;
    if (!is_resolved(held.alert) && valid > Duration(0) && now > held.told_at + valid) {
      held.alert.resolved_at = held.told_at + valid;
      held.alert.state = alerts::AlertState::kInactive;
    }
  }
}

std::vector<InhibitSource> Notifier::Impl::inhibit_sources() const {
  std::vector<InhibitSource> firing;
  if (config.inhibit_rules.empty()) return firing;
  for (const auto& [fingerprint, held] : alerts) {
    if (!is_resolved(held.alert)) firing.push_back({held.labels, fingerprint});
  }
  return firing;
}

std::vector<Notifier::Impl::Message> Notifier::Impl::due_messages(Group& group, Timestamp now) {
  expire_untold(group.alerts, now);
  expire_untold(alerts, now);
  const std::vector<InhibitSource> sources = inhibit_sources();
  std::vector<alerts::Alert> heard;
  std::vector<std::uint64_t> instances;
  for (const auto& [fingerprint, held] : group.alerts) {
    const bool muted = !silenced_by(silences, held.labels, now).empty() ||
                       !maintained_by(config.maintenance, held.labels, now).empty() ||
                       !inhibited_by(config.inhibit_rules, sources, held.labels).empty();
    if (!muted) heard.push_back(held.alert);
    instances.push_back(instance_id(held.alert));
  }
  std::sort(instances.begin(), instances.end());
  // Firing before resolved, oldest first, so that a cut list loses the least.
  std::stable_sort(heard.begin(), heard.end(), [](const alerts::Alert& a, const alerts::Alert& b) {
    if (is_resolved(a) != is_resolved(b)) return is_resolved(b);
    return a.fired_at < b.fired_at;
  });
  std::vector<Message> messages;
  if (heard.empty()) return messages;
  bool may_repeat = false;
  for (const alerts::Alert& alert : heard) {
    may_repeat |= !is_resolved(alert) && !acknowledgements.find(alert.episode(), now);
  }
  for (const Receiver& receiver : config.receivers) {
    if (receiver.name != group.route->receiver) continue;
    for (std::size_t i = 0; i < receiver.webhook_configs.size(); ++i) {
      messages.push_back({receiver.name, receiver.name + "/webhook/" + std::to_string(i), group.key,
                          group.labels, heard, instances, receiver.webhook_configs[i],
                          group.route->repeat_interval, may_repeat});
    }
  }
  return messages;
}

void Notifier::Impl::flush(const GroupKey& key) {
  std::vector<Message> messages;
  Timestamp now{};
  {
    const MutexLock lock(mutex);
    const auto it = groups.find(key);
    if (it == groups.end() || !running) return;
    Group& group = it->second;
    now = parts.scheduler.clock().now();
    messages = due_messages(group, now);
    // What is resolved has now been spoken of; a group without alerts is over.
    std::erase_if(group.alerts, [](const auto& entry) { return is_resolved(entry.second.alert); });
    if (group.alerts.empty()) {
      groups.erase(it);
    } else {
      schedule(key, group, group.route->group_interval);
    }
    for (auto at = alerts.begin(); at != alerts.end();) {
      const alerts::Alert& alert = at->second.alert;
      const bool old = is_resolved(alert) && now > alert.resolved_at + kKeepResolved;
      if (old) acknowledgements.forget(alert.episode());
      at = old ? alerts.erase(at) : std::next(at);
    }
  }
  for (const Message& message : messages) send(message, now);
  prune(now);
}

// What is over is kept for a while, for people who look back, and not for ever.
void Notifier::Impl::prune(Timestamp now) {
  std::vector<std::string> over;
  {
    const MutexLock lock(mutex);
    if (now - pruned_at < kPruneEvery && now >= pruned_at) return;
    pruned_at = now;
    for (const auto& [id, silence] : silences) {
      if (silence.ends_at + options.silence_retention < now) over.push_back(id);
    }
    for (const std::string& id : over) silences.erase(id);
  }
  for (const std::string& id : over) {
    if (auto gone = parts.silences.remove_silence(id); !gone)
      parts.log.warn(kComponent, "cannot remove silence {}: {}", id, gone.error().what());
  }
  if (auto pruned = parts.outbox.prune(now - options.history_retention); !pruned)
    parts.log.warn(kComponent, "cannot prune the outbox: {}", pruned.error().what());
}

void Notifier::Impl::send(const Message& message, Timestamp now) {
  std::vector<std::uint64_t> firing, resolved;
  std::vector<alerts::Alert> spoken;
  for (const alerts::Alert& alert : message.alerts) {
    if (is_resolved(alert) && !message.hook.send_resolved) continue;
    (is_resolved(alert) ? resolved : firing).push_back(instance_id(alert));
    spoken.push_back(alert);
  }
  std::sort(firing.begin(), firing.end());
  std::sort(resolved.begin(), resolved.end());
  std::optional<storage::NotificationLogEntry> last;
  if (Result<std::optional<storage::NotificationLogEntry>> found =
          parts.outbox.last_notification(message.integration, message.group_key)) {
    last = *std::move(found);
  } else {
    parts.log.error(kComponent,
                    "cannot read the notification log, telling {} as if for the first time: {}",
                    message.integration, found.error().what());
  }
  if (!needs_notification(last, firing, resolved, message.hook.send_resolved,
                          message.may_repeat ? message.repeat_interval : Duration::max(), now))
    return;
  // A resolved alert that this receiver was never told of stays out of the message.
  if (last || !resolved.empty()) {
    std::erase_if(spoken, [&](const alerts::Alert& alert) {
      return is_resolved(alert) && (!last || std::find(last->firing.begin(), last->firing.end(),
                                                       instance_id(alert)) == last->firing.end());
    });
  }
  if (last) {
    for (const std::uint64_t id : still_unheard(*last, message.held)) firing.push_back(id);
    std::sort(firing.begin(), firing.end());
  }
  storage::NotificationLogEntry entry{message.integration, message.group_key, firing, resolved,
                                      now};
  storage::Delivery delivery;
  delivery.receiver = message.integration;
  delivery.group_key = message.group_key;
  delivery.resolved = std::all_of(spoken.begin(), spoken.end(), is_resolved);
  // The same change of the same state has the same key, before and after a crash; a repetition
  // follows another log entry and gets another one.
  delivery.idempotency_key =
      sha256_hex(message.integration + "\n" + message.group_key + "\n" + ids_text(firing) + "\n" +
                 ids_text(resolved) + "\n" + std::to_string(last ? to_millis(last->at) : 0))
          .substr(0, 32);
  delivery.payload = webhook_payload({message.receiver, message.group_key, message.group_labels,
                                      options.external_labels, options.external_url, spoken,
                                      message.hook.max_alerts});
  delivery.episodes_json = episodes_of(spoken);
  courier.submit(std::move(delivery), entry);
}

AlertStatus Notifier::Impl::status_of(const HeldAlert& held,
                                      const std::vector<InhibitSource>& sources,
                                      Timestamp now) const {
  AlertStatus status;
  status.alert = held.alert;
  if (root) {
    for (const RouteNode* route : matching_routes(*root, held.labels))
      status.receivers.push_back(route->receiver);
  }
  status.silenced_by = silenced_by(silences, held.labels, now);
  for (std::string& name : maintained_by(config.maintenance, held.labels, now))
    status.silenced_by.push_back(std::move(name));
  status.inhibited_by = inhibited_by(config.inhibit_rules, sources, held.labels);
  status.acknowledged = acknowledgements.find(held.alert.episode(), now);
  return status;
}

const HeldAlert* Notifier::Impl::firing(const std::string& episode) const {
  for (const auto& [fingerprint, held] : alerts) {
    if (!is_resolved(held.alert) && held.alert.episode() == episode) return &held;
  }
  return nullptr;
}

Notifier::Notifier(NotifierOptions options, NotifierParts parts)
    : impl_(std::make_unique<Impl>(std::move(options), parts)) {
  impl_->shared->impl = impl_.get();
  Result<std::vector<storage::Silence>> silences = parts.silences.load_silences();
  if (!silences) {
    parts.log.error(kComponent, "cannot read silences, nothing is silenced: {}",
                    silences.error().what());
    return;
  }
  const MutexLock lock(impl_->mutex);
  for (storage::Silence& silence : *silences) impl_->silences[silence.id] = std::move(silence);
}

Notifier::~Notifier() {
  stop();
}

void Notifier::load(Config config) {
  impl_->courier.load(config.receivers);
  const MutexLock lock(impl_->mutex);
  for (auto& [key, group] : impl_->groups) impl_->parts.scheduler.cancel(group.timer);
  impl_->groups.clear();
  impl_->config = std::move(config);
  impl_->root = impl_->config.route ? build_route_tree(*impl_->config.route) : nullptr;
  // Alerts that are known find their groups in the new tree; the log remembers who was told of
  // them.
  const std::map<std::uint64_t, HeldAlert> known = impl_->alerts;
  for (const auto& [fingerprint, held] : known) impl_->take(held.alert);
}

void Notifier::start() {
  impl_->courier.start();
  const MutexLock lock(impl_->mutex);
  impl_->running = true;
  for (auto& [key, group] : impl_->groups) {
    if (!group.scheduled) impl_->schedule(key, group, group.route->group_wait);
  }
}

void Notifier::stop() {
  {
    const std::lock_guard lock(impl_->shared->mutex);
    impl_->shared->impl = nullptr;
  }
  impl_->courier.stop();
  const MutexLock lock(impl_->mutex);
  impl_->running = false;
  for (auto& [key, group] : impl_->groups) impl_->parts.scheduler.cancel(group.timer);
}

void Notifier::on_alerts(const std::string& /*rule*/, std::span<const alerts::Alert> alerts) {
  const MutexLock lock(impl_->mutex);
  for (const alerts::Alert& alert : alerts) {
    // Pending alerts are nobody's business yet; a resolved one that never fired is not either.
    if (alert.state == alerts::AlertState::kPending || alert.fired_at == Timestamp{}) continue;
    impl_->take(alert);
  }
}

Result<void> Notifier::page_directly(const std::string& receiver, const alerts::Alert& alert,
                                     const std::string& key) {
  std::vector<std::pair<std::string, WebhookConfig>> hooks;
  {
    const MutexLock lock(impl_->mutex);
    const auto& all = impl_->config.receivers;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Receiver& r) { return r.name == receiver; });
    if (found == all.end()) return Error(ErrorCode::kNotFound, "no receiver " + quote_go(receiver));
    for (std::size_t i = 0; i < found->webhook_configs.size(); ++i) {
      hooks.emplace_back(receiver + "/webhook/" + std::to_string(i), found->webhook_configs[i]);
    }
  }
  for (const auto& [integration, hook] : hooks) {
    storage::Delivery delivery;
    delivery.receiver = integration;
    delivery.group_key = "{}/escalation:" + key;
    delivery.idempotency_key = sha256_hex(integration + "\nescalation\n" + key).substr(0, 32);
    // Written down before: it is delivered, or will be.
    if (const auto told = impl_->parts.outbox.last_notification(integration, delivery.group_key);
        told && told->has_value()) {
      continue;
    }
    delivery.resolved = is_resolved(alert);
    delivery.payload = webhook_payload({receiver,
                                        delivery.group_key,
                                        alert.labels,
                                        impl_->options.external_labels,
                                        impl_->options.external_url,
                                        {alert},
                                        0});
    delivery.episodes_json = episodes_of({alert});
    const storage::NotificationLogEntry entry{integration,
                                              delivery.group_key,
                                              {instance_id(alert)},
                                              {},
                                              impl_->parts.scheduler.clock().now()};
    impl_->courier.submit(std::move(delivery), entry);
  }
  return {};
}

Result<std::string> Notifier::set_silence(storage::Silence silence) {
  const Timestamp now = impl_->parts.scheduler.clock().now();
  if (silence.matchers.empty())
    return Error(ErrorCode::kInvalid, "a silence needs at least one matcher");
  if (std::all_of(silence.matchers.begin(), silence.matchers.end(),
                  [](const Matcher& m) { return m.matches_empty(); })) {
    return Error(ErrorCode::kInvalid, "at least one matcher must not match the empty string");
  }
  if (silence.starts_at == Timestamp{}) silence.starts_at = now;
  if (silence.ends_at <= silence.starts_at)
    return Error(ErrorCode::kInvalid, "endsAt must be after startsAt");
  if (silence.ends_at <= now) return Error(ErrorCode::kInvalid, "endsAt is in the past");
  if (silence.created_by.empty())
    return Error(ErrorCode::kInvalid, "createdBy is missing: say who silences");
  if (silence.comment.empty()) return Error(ErrorCode::kInvalid, "comment is missing: say why");
  const bool is_new = silence.id.empty();
  if (is_new) silence.id = make_uuid(impl_->parts.rng);
  silence.updated_at = now;
  const MutexLock lock(impl_->mutex);
  if (!is_new && !impl_->silences.contains(silence.id)) {
    return Error(ErrorCode::kNotFound, "no silence " + silence.id);
  }
  if (Result<void> saved = impl_->parts.silences.save_silence(silence); !saved)
    return std::move(saved).error();
  const std::string id = silence.id;
  impl_->silences[id] = std::move(silence);
  return id;
}

Result<void> Notifier::expire_silence(const std::string& id) {
  const MutexLock lock(impl_->mutex);
  const auto it = impl_->silences.find(id);
  if (it == impl_->silences.end()) return Error(ErrorCode::kNotFound, "no silence " + id);
  storage::Silence silence = it->second;
  const Timestamp now = impl_->parts.scheduler.clock().now();
  if (silence.ends_at <= now) return {};
  silence.ends_at = now;
  silence.starts_at = std::min(silence.starts_at, now);
  silence.updated_at = now;
  if (Result<void> saved = impl_->parts.silences.save_silence(silence); !saved) return saved;
  it->second = std::move(silence);
  return {};
}

std::vector<storage::Silence> Notifier::silences() const {
  const MutexLock lock(impl_->mutex);
  std::vector<storage::Silence> out;
  for (const auto& [id, silence] : impl_->silences) out.push_back(silence);
  return out;
}

Result<void> Notifier::acknowledge(const std::string& episode, Acknowledgement acknowledgement) {
  const MutexLock lock(impl_->mutex);
  const Timestamp now = impl_->parts.scheduler.clock().now();
  const HeldAlert* held = impl_->firing(episode);
  if (held == nullptr) return Error(ErrorCode::kNotFound, "no alert fires as incident " + episode);
  if (acknowledgement.by.empty())
    return Error(ErrorCode::kInvalid, "`by` is missing: say who works on it");
  if (acknowledgement.expires_at != Timestamp{} && acknowledgement.expires_at <= now)
    return Error(ErrorCode::kInvalid, "the acknowledgement would have expired already");
  acknowledgement.at = now;
  return impl_->acknowledgements.add(episode, std::string(held->alert.labels.get(kAlertName)),
                                     std::move(acknowledgement));
}

Result<void> Notifier::withdraw_acknowledgement(const std::string& episode, const std::string& by) {
  const MutexLock lock(impl_->mutex);
  const Timestamp now = impl_->parts.scheduler.clock().now();
  const HeldAlert* held = impl_->firing(episode);
  if (held == nullptr || !impl_->acknowledgements.find(episode, now))
    return Error(ErrorCode::kNotFound, "incident " + episode + " is not acknowledged");
  if (by.empty()) return Error(ErrorCode::kInvalid, "`by` is missing: say who withdraws");
  return impl_->acknowledgements.withdraw(episode, std::string(held->alert.labels.get(kAlertName)),
                                          by, now);
}

std::optional<Acknowledgement> Notifier::acknowledgement(const std::string& episode) const {
  const MutexLock lock(impl_->mutex);
  return impl_->acknowledgements.find(episode, impl_->parts.scheduler.clock().now());
}

std::vector<AlertStatus> Notifier::alerts() const {
  const MutexLock lock(impl_->mutex);
  const Timestamp now = impl_->parts.scheduler.clock().now();
  const std::vector<InhibitSource> firing = impl_->inhibit_sources();
  std::vector<AlertStatus> out;
  for (const auto& [fingerprint, held] : impl_->alerts) {
    if (!is_resolved(held.alert)) out.push_back(impl_->status_of(held, firing, now));
  }
  return out;
}

std::vector<GroupView> Notifier::groups() const {
  const MutexLock lock(impl_->mutex);
  const Timestamp now = impl_->parts.scheduler.clock().now();
  const std::vector<InhibitSource> firing = impl_->inhibit_sources();
  std::vector<GroupView> out;
  for (const auto& [key, group] : impl_->groups) {
    GroupView view{group.labels, group.route->receiver, group.key, {}};
    for (const auto& [fingerprint, held] : group.alerts)
      view.alerts.push_back(impl_->status_of(held, firing, now));
    out.push_back(std::move(view));
  }
  return out;
}

std::vector<storage::Delivery> Notifier::deliveries(std::size_t limit) const {
  Result<std::vector<storage::Delivery>> recent = impl_->parts.outbox.recent(limit);
  if (recent) return *std::move(recent);
  impl_->parts.log.warn(kComponent, "cannot list deliveries: {}", recent.error().what());
  return {};
}

Config Notifier::config() const {
  const MutexLock lock(impl_->mutex);
  return impl_->config;
}

}  // namespace nines::notify
