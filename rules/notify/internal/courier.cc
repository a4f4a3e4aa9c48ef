#include "rules/notify/internal/courier.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>

#include "base/text/json.h"
#include "base/text/text.h"

namespace nines::notify {
namespace {

constexpr std::string_view kComponent = "notify";

// Standard Webhooks: the signature covers id, time and body.
// Source: standardwebhooks.com, specification 1.0.
void sign(HttpRequest& request, const std::string& secret, const std::string& id, Timestamp now) {
  const std::string seconds = std::to_string(to_millis(now) / 1000);
  const std::string signature =
      base64_encode(hmac_sha256(secret, id + "." + seconds + "." + request.body));
  request.headers.emplace_back("webhook-id", id);
  request.headers.emplace_back("webhook-timestamp", seconds);
  request.headers.emplace_back("webhook-signature", "v1," + signature);
}

std::string answer_text(const Result<HttpResponse>& answer) {
  if (!answer) return answer.error().what();
  std::string body = answer->body.substr(0, 200);
  return "HTTP " + std::to_string(answer->status) + (body.empty() ? "" : ": " + body);
}

// Whether every episode of `less` is among those of `more` (JSON arrays of texts).
bool speaks_of_all(const std::string& more, const std::string& less) {
  const Result<Json> wide = Json::parse(more);
  const Result<Json> narrow = Json::parse(less);
  if (!wide || !narrow) return false;
  std::set<std::string> known;
  for (const Json& episode : wide->items()) known.insert(episode.as_string());
  return std::all_of(narrow->items().begin(), narrow->items().end(),
                     [&](const Json& episode) { return known.contains(episode.as_string()); });
}

}  // namespace

// Lets a late callback find out that its courier has gone. Recursive, because a client or an
// executor may answer inside the call that asked.
struct Courier::Shared {
  std::recursive_mutex mutex;
  Courier* courier = nullptr;

  template <typename F>
  void with(F&& use) {
    const std::lock_guard lock(mutex);
    if (courier) use(*courier);
  }
};

Courier::Courier(const NotifierOptions& options, const NotifierParts& parts)
    : options_(options),
      parts_(parts),
      queued_gauge_(
          parts.telemetry.gauge("nines_notifications_queued", "Notifications not delivered yet.")),
      shared_(std::make_shared<Shared>()) {
  const std::lock_guard lock(shared_->mutex);
  shared_->courier = this;
}

Courier::~Courier() {
  stop();
}

void Courier::load(const std::vector<Receiver>& receivers) {
  std::map<std::string, WebhookConfig> hooks;
  for (const Receiver& receiver : receivers) {
    for (std::size_t i = 0; i < receiver.webhook_configs.size(); ++i) {
      hooks[receiver.name + "/webhook/" + std::to_string(i)] = receiver.webhook_configs[i];
    }
  }
  {
    const MutexLock lock(mutex_);
    hooks_ = std::move(hooks);
  }
  pump();
}

void Courier::start() {
  {
    const MutexLock lock(mutex_);
    running_ = true;
  }
  Result<std::vector<storage::Delivery>> queued = parts_.outbox.queued();
  if (!queued) {
    parts_.log.error(kComponent,
                     "cannot read the outbox, deliveries queued before the start wait: {}",
                     queued.error().what());
  } else {
    for (storage::Delivery& delivery : *queued) push(std::move(delivery));
  }
  pump();
}

void Courier::stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->courier = nullptr;
  }
  std::vector<HttpCallId> calls;
  TimerId timer = TimerId::kNone;
  {
    const MutexLock lock(mutex_);
    running_ = false;
    timer = timer_;
    for (auto& [lane, items] : lanes_) {
      for (Item& item : items) {
        if (item.call != HttpCallId::kNone) calls.push_back(item.call);
      }
    }
  }
  parts_.scheduler.cancel(timer);
  for (const HttpCallId call : calls) parts_.http.cancel(call);
}

std::size_t Courier::waiting() const {
  const MutexLock lock(mutex_);
  std::size_t n = 0;
  for (const auto& [lane, items] : lanes_) n += items.size();
  return n;
}

void Courier::submit(storage::Delivery delivery, const storage::NotificationLogEntry& entry) {
  delivery.queued_at = parts_.scheduler.clock().now();
  delivery.next_attempt_at = delivery.queued_at;
  Result<std::int64_t> id = parts_.outbox.enqueue(delivery, entry);
  if (id) {
    delivery.id = *id;
  } else {
    // Paging fails open: a page that cannot be written down is still a page.
    parts_.log.error(kComponent,
                     "cannot write a notification for {} to the outbox, sending it unrecorded: {}",
                     delivery.receiver, id.error().what());
    parts_.telemetry
        .counter("nines_notifications_unrecorded_total",
                 "Notifications sent although the outbox could not be written.")
        .add();
  }
  push(std::move(delivery));
  pump();
}

// While a receiver is down, an older notification that is not under way has nothing left to say
// when the newer one speaks of every alert the older one speaks of: it carries their newer state.
// One that fires is kept before one that only resolves, so that nobody hears of an end without a
// beginning.
void Courier::push(storage::Delivery delivery) {
  std::vector<storage::Delivery> superseded;
  {
    const MutexLock lock(mutex_);
    std::deque<Item>& lane = lanes_[{delivery.receiver, delivery.group_key}];
    const bool there = std::any_of(lane.begin(), lane.end(), [&](const Item& item) {
      return item.delivery.idempotency_key == delivery.idempotency_key;
    });
    if (there) return;
    const bool is_down = !lane.empty() && lane.front().delivery.attempts > 0;
    for (auto it = lane.begin(); it != lane.end();) {
      const bool says_less = (!delivery.resolved || it->delivery.resolved) &&
                             speaks_of_all(delivery.episodes_json, it->delivery.episodes_json);
      if (is_down && !it->in_flight && says_less) {
        superseded.push_back(std::move(it->delivery));
        it = lane.erase(it);
      } else {
        ++it;
      }
    }
    lane.push_back({std::move(delivery), false, HttpCallId::kNone});
  }
  for (storage::Delivery& old : superseded)
    give_up(std::move(old), "superseded by a newer notification of its group");
}

void Courier::count_queue() {
  queued_gauge_.set(static_cast<double>(waiting()));
}

void Courier::pump() {
  count_queue();
  std::vector<std::pair<storage::Delivery, WebhookConfig>> ready;
  std::vector<storage::Delivery> orphans;
  {
    const MutexLock lock(mutex_);
    if (!running_) return;
    const Timestamp now = parts_.scheduler.clock().now();
    std::optional<Duration> next;
    for (auto it = lanes_.begin(); it != lanes_.end();) {
      std::deque<Item>& lane = it->second;
      while (!lane.empty() && !lane.front().in_flight &&
             !hooks_.contains(lane.front().delivery.receiver)) {
        orphans.push_back(std::move(lane.front().delivery));
        lane.pop_front();
      }
      if (lane.empty()) {
        it = lanes_.erase(it);
        continue;
      }
      Item& first = lane.front();
      if (!first.in_flight) {
        // A wall clock that jumped back must not hold a page for longer than the longest backoff.
        const Duration wait = std::min(first.delivery.next_attempt_at - now,
                                       options_.retry_max + options_.retry_max / 5);
        if (wait > Duration(0)) {
          next = std::min(next.value_or(wait), wait);
        } else if (in_flight_ < options_.deliveries_at_once) {
          first.in_flight = true;
          ++in_flight_;
          ready.emplace_back(first.delivery, hooks_.at(first.delivery.receiver));
        }
      }
      ++it;
    }
    parts_.scheduler.cancel(timer_);
    timer_ = TimerId::kNone;
    if (next) {
      timer_ = parts_.scheduler.after(
          *next, [shared = shared_] { shared->with([](Courier& c) { c.pump(); }); });
    }
  }
  for (storage::Delivery& orphan : orphans)
    give_up(std::move(orphan), "the receiver is no longer configured");
  for (auto& [delivery, hook] : ready)
    send({delivery.receiver, delivery.group_key}, delivery, hook);
}

std::string Courier::secret_now(const std::string& file, const std::string& configured) const {
  if (file.empty() || !parts_.read_file) return configured;
  const Result<std::string> text = parts_.read_file(file);
  if (text && !trim(*text).empty()) return std::string(trim(*text));
  parts_.log.warn(kComponent, "{}; going on with what it held when it was configured",
                  text ? file + " is empty" : text.error().what());
  return configured;
}

void Courier::send(const Lane& lane, const storage::Delivery& delivery, const WebhookConfig& hook) {
  HttpRequest request;
  request.method = "POST";
  request.url = secret_now(hook.url_file, hook.url);
  request.body = delivery.payload;
  request.timeout = hook.timeout;
  request.body_bytes_max = 64u << 10;
  request.headers = {{"Content-Type", "application/json"},
                     {"Idempotency-Key", delivery.idempotency_key}};
  if (const std::string secret = secret_now(hook.secret_file, hook.secret); !secret.empty())
    sign(request, secret, delivery.idempotency_key, parts_.scheduler.clock().now());
  const HttpCallId call =
      parts_.http.send(std::move(request), [shared = shared_, lane](Result<HttpResponse> answer) {
        shared->with([&](Courier& c) {
          auto kept = std::make_shared<Result<HttpResponse>>(std::move(answer));
          const auto work = [shared, lane, kept] {
            shared->with([&](Courier& courier) { courier.on_answer(lane, std::move(*kept)); });
          };
          if (!c.parts_.executor.post(work)) c.parts_.scheduler.after(Duration(100), work);
        });
      });
  const MutexLock lock(mutex_);
  const auto it = lanes_.find(lane);
  if (it == lanes_.end() || it->second.empty()) return;  // answered already
  Item& first = it->second.front();
  if (first.in_flight && first.delivery.idempotency_key == delivery.idempotency_key)
    first.call = call;
}

void Courier::on_answer(const Lane& lane, Result<HttpResponse> answer) {
  const Timestamp now = parts_.scheduler.clock().now();
  const bool arrived = answer && answer->status / 100 == 2;
  storage::Delivery delivery;
  bool too_late = false;
  {
    const MutexLock lock(mutex_);
    const auto it = lanes_.find(lane);
    if (it == lanes_.end() || it->second.empty()) return;
    Item& item = it->second.front();
    item.in_flight = false;
    item.call = HttpCallId::kNone;
    --in_flight_;
    ++item.delivery.attempts;
    if (arrived) {
      item.delivery.state = storage::DeliveryState::kDelivered;
      item.delivery.delivered_at = now;
      item.delivery.last_error.clear();
    } else {
      item.delivery.last_error = answer_text(answer);
      item.delivery.next_attempt_at = now + backoff(item.delivery.attempts);
      too_late = now - item.delivery.queued_at > options_.give_up_after;
    }
    delivery = item.delivery;
    if (arrived || too_late) it->second.pop_front();
  }
  const MetricLabels labels = {{"receiver", delivery.receiver}};
  parts_.telemetry
      .counter("nines_notification_attempts_total", "Attempts to deliver a notification.", labels)
      .add();
  if (too_late) {
    give_up(delivery, "not delivered in time: " + delivery.last_error);
  } else {
    if (Result<void> kept = delivery.id == 0 ? Result<void>() : parts_.outbox.update(delivery);
        !kept) {
      parts_.log.error(kComponent, "cannot note the outcome of delivery {}: {}", delivery.id,
                       kept.error().what());
    }
    if (arrived) {
      parts_.telemetry.counter("nines_notifications_total", "Notifications delivered.", labels)
          .add();
      const std::string times =
          delivery.attempts == 1 ? "" : " at attempt " + std::to_string(delivery.attempts);
      tell_incidents(
          delivery, "notified",
          delivery.receiver + " was told: " + (delivery.resolved ? "resolved" : "firing") + times,
          answer->status);
    } else {
      parts_.telemetry.counter("nines_notifications_failed_total", "Attempts that failed.", labels)
          .add();
      parts_.log.warn(kComponent, "{} attempt {} failed: {}", delivery.receiver, delivery.attempts,
                      delivery.last_error);
      if (delivery.attempts == 1) {
        tell_incidents(delivery, "notify_failed",
                       delivery.receiver + " could not be told, trying on: " + delivery.last_error,
                       answer ? answer->status : 0);
      }
    }
  }
  pump();
}

void Courier::give_up(storage::Delivery delivery, const std::string& why) {
  delivery.state = storage::DeliveryState::kGivenUp;
  delivery.last_error = why;
  parts_.log.warn(kComponent, "delivery {} to {} given up: {}", delivery.id, delivery.receiver,
                  why);
  parts_.telemetry
      .counter("nines_notifications_given_up_total", "Notifications given up or superseded.",
               {{"receiver", delivery.receiver}})
      .add();
  if (delivery.id != 0) {
    if (Result<void> kept = parts_.outbox.update(delivery); !kept) {
      parts_.log.error(kComponent, "cannot note that delivery {} was given up: {}", delivery.id,
                       kept.error().what());
    }
  }
  tell_incidents(delivery, "notify_failed", delivery.receiver + " was not told: " + why, 0);
}

void Courier::tell_incidents(const storage::Delivery& delivery, const std::string& kind,
                             const std::string& text, int status) {
  const Result<Json> episodes = Json::parse(delivery.episodes_json);
  if (!episodes || episodes->items().empty()) return;
  JsonWriter detail;
  detail.begin_object();
  detail.field("receiver", delivery.receiver);
  detail.field("status", status);
  detail.field("attempt", delivery.attempts);
  detail.field("group_key", delivery.group_key);
  detail.field("idempotency_key", delivery.idempotency_key);
  detail.field("says", delivery.resolved ? "resolved" : "firing");
  detail.end_object();
  std::vector<storage::IncidentEvent> events;
  events.reserve(episodes->items().size());
  const Timestamp now = parts_.scheduler.clock().now();
  for (const Json& episode : episodes->items())
    events.push_back({0, episode.as_string(), now, kind, text, detail.str()});
  if (Result<void> kept = parts_.incidents.add_events(events); !kept) {
    parts_.log.warn(kComponent, "cannot add to {} incidents, of which the first is {}: {}",
                    events.size(), events.front().episode, kept.error().what());
  }
}

Duration Courier::backoff(int attempts) {
  Duration wait = options_.retry_first;
  for (int i = 1; i < attempts && wait < options_.retry_max; ++i) wait *= 2;
  wait = std::min(wait, options_.retry_max);
  const auto jitter =
      static_cast<std::int64_t>(parts_.rng.below(static_cast<std::uint64_t>(wait.count()) / 5 + 1));
  return wait + Duration(jitter);
}

}  // namespace nines::notify
