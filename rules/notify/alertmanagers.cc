#include "rules/notify/alertmanagers.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "base/core/mutex.h"
#include "base/telemetry/forget.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "rules/notify/internal/payload.h"

namespace nines::notify {
namespace {

constexpr std::string_view kComponent = "alertmanager";
constexpr Duration kForget{3'600'000};  // what was last said of an alert that nobody speaks of

struct Waiting {
  std::uint64_t fingerprint = 0;
  std::string json;
};

LabelSet with_external(const LabelSet& own, const LabelSet& external_labels) {
  LabelBuilder labels(own);
  for (const Label& label : external_labels) {
    if (labels.get(label.name).empty()) labels.set(label.name, label.value);
  }
  return labels.build();
}

std::string alert_json(const alerts::Alert& alert, const LabelSet& labels, Timestamp at) {
  JsonWriter json;
  json.begin_object().key("labels").begin_object();
  for (const Label& label : labels) json.field(label.name, label.value);
  json.end_object().key("annotations").begin_object();
  for (const Label& label : alert.annotations) json.field(label.name, label.value);
  json.end_object();
  json.field("startsAt", format_time(alert.fired_at));
  json.field("endsAt", format_time(is_resolved(alert) ? alert.resolved_at : at + alert.valid_for));
  json.field("generatorURL", alert.generator_url);
  return json.end_object().take();
}

}  // namespace

struct Alertmanagers::Impl : std::enable_shared_from_this<Alertmanagers::Impl> {
  Impl(AlertmanagersOptions o, AlertmanagersParts p) : options(std::move(o)), parts(p) {}

  struct Peer {
    AlertmanagerConfig config;
    std::deque<Waiting> queue;      // oldest first
    std::vector<Waiting> underway;  // of the request that has not been answered
    HttpCallId call = HttpCallId::kNone;
    TimerId retry = TimerId::kNone;
    std::uint64_t generation = 0;  // tells an answer whether its peer is still the same
    Instant asked{};               // when the request under way was sent
  };

  void enqueue(Peer& peer, const Waiting& alert) NINES_REQUIRES(mutex);
  void pump(const std::string& url);
  void on_answer(const std::string& url, std::uint64_t generation,
                 const Result<HttpResponse>& answer);
  Counter& counter(const char* name, const char* help, const std::string& url) {
    return parts.telemetry.counter(name, help, {{"alertmanager", url}});
  }

  Counter& dropped(const std::string& url) {
    return counter("prometheus_notifications_dropped_total",
                   "Alerts dropped because an Alertmanager's queue was full.", url);
  }
  Counter& sent_total(const std::string& url) {
    return counter("prometheus_notifications_sent_total", "Alerts sent to an Alertmanager.", url);
  }
  Counter& errors(const std::string& url) {
    return counter("prometheus_notifications_errors_total", "Alerts that could not be sent.", url);
  }
  Distribution& latency(const std::string& url) {
    static const std::vector<double> bounds = {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    return parts.telemetry.distribution("prometheus_notifications_latency_seconds",
                                        "How long an Alertmanager takes to answer.", bounds,
                                        {{"alertmanager", url}});
  }
  void show_length(const std::string& url, const Peer& peer) {
    parts.telemetry
        .gauge("prometheus_notifications_queue_length", "Alerts that wait for an Alertmanager.",
               {{"alertmanager", url}})
        .set(static_cast<double>(peer.queue.size() + peer.underway.size()));
  }
  // From the beginning, so that rates of the first ones are seen.
  void show(const std::string& url, const Peer& peer) {
    dropped(url);
    sent_total(url);
    errors(url);
    latency(url);
    show_length(url, peer);
    parts.telemetry
        .gauge("prometheus_notifications_queue_capacity",
               "How many alerts may wait for an Alertmanager.", {{"alertmanager", url}})
        .set(static_cast<double>(options.queue_max));
  }

  const AlertmanagersOptions options;
  const AlertmanagersParts parts;
  mutable Mutex mutex;
  std::map<std::string, Peer> peers NINES_GUARDED_BY(mutex);  // by URL
  // When each alert was last sent: an instance (labels and when it fired) of its own.
  std::map<std::uint64_t, Timestamp> sent NINES_GUARDED_BY(mutex);
  std::uint64_t last_generation NINES_GUARDED_BY(mutex) = 0;
  bool stopped NINES_GUARDED_BY(mutex) = false;
};

void Alertmanagers::Impl::enqueue(Peer& peer, const Waiting& alert) {
  std::erase_if(peer.queue, [&](const Waiting& w) { return w.fingerprint == alert.fingerprint; });
  peer.queue.push_back(alert);
  if (peer.queue.size() <= options.queue_max) return;
  peer.queue.pop_front();
  dropped(peer.config.url).add();
}

void Alertmanagers::Impl::pump(const std::string& url) {
  HttpRequest request;
  std::function<void(HttpRequest&)> prepare;
  std::uint64_t generation = 0;
  {
    const MutexLock lock(mutex);
    const auto it = peers.find(url);
    if (stopped || it == peers.end()) return;
    Peer& peer = it->second;
    if (!peer.underway.empty() || peer.retry != TimerId::kNone || peer.queue.empty()) return;
    const std::size_t n = std::min(peer.queue.size(), options.batch_max);
    request.body = "[";
    for (std::size_t i = 0; i < n; ++i) {
      request.body += (i == 0 ? "" : ",") + peer.queue.front().json;
      peer.underway.push_back(std::move(peer.queue.front()));
      peer.queue.pop_front();
    }
    request.body += "]";
    request.timeout = peer.config.timeout;
    prepare = peer.config.prepare;
    generation = peer.generation;
    peer.asked = parts.scheduler.clock().elapsed();
  }
  request.method = "POST";
  request.url = url;
  request.headers = {{"Content-Type", "application/json"}};
  request.body_bytes_max = 64u << 10;
  if (prepare) prepare(request);
  const HttpCallId call = parts.http.send(
      std::move(request), [weak = weak_from_this(), url, generation](Result<HttpResponse> answer) {
        if (const auto self = weak.lock()) self->on_answer(url, generation, answer);
      });
  const MutexLock lock(mutex);
  const auto it = peers.find(url);
  if (it != peers.end() && it->second.generation == generation && !it->second.underway.empty())
    it->second.call = call;
}

void Alertmanagers::Impl::on_answer(const std::string& url, std::uint64_t generation,
                                    const Result<HttpResponse>& answer) {
  const bool arrived = answer && answer->status / 100 == 2;
  {
    const MutexLock lock(mutex);
    const auto it = peers.find(url);
    if (stopped || it == peers.end() || it->second.generation != generation) return;
    Peer& peer = it->second;
    peer.call = HttpCallId::kNone;
    const std::vector<Waiting> told = std::exchange(peer.underway, {});
    const Instant now = parts.scheduler.clock().elapsed();
    latency(url).observe(std::chrono::duration<double>(now - peer.asked).count());
    if (arrived) {
      sent_total(url).add(static_cast<double>(told.size()));
      show_length(url, peer);
    } else {
      errors(url).add(static_cast<double>(told.size()));
      parts.log.warn(kComponent, "{} was not told of {} alerts, trying on: {}", url, told.size(),
                     answer ? "HTTP " + std::to_string(answer->status) : answer.error().what());
      // Back to the front, except where a newer state of the same alert waits already.
      for (auto alert = told.rbegin(); alert != told.rend(); ++alert) {
        const bool newer = std::any_of(peer.queue.begin(), peer.queue.end(), [&](const Waiting& w) {
          return w.fingerprint == alert->fingerprint;
        });
        if (!newer) peer.queue.push_front(*alert);
      }
      show_length(url, peer);
      peer.retry = parts.scheduler.after(options.retry, [weak = weak_from_this(), url, generation] {
        const auto self = weak.lock();
        if (!self) return;
        {
          const MutexLock again(self->mutex);
          const auto at = self->peers.find(url);
          if (at == self->peers.end() || at->second.generation != generation) return;
          at->second.retry = TimerId::kNone;
        }
        self->pump(url);
      });
    }
  }
  if (arrived) pump(url);
}

Alertmanagers::Alertmanagers(AlertmanagersOptions options, AlertmanagersParts parts)
    : impl_(std::make_shared<Impl>(std::move(options), parts)) {}

Alertmanagers::~Alertmanagers() {
  stop();
}

void Alertmanagers::load(const std::vector<AlertmanagerConfig>& configs) {
  std::vector<HttpCallId> gone;
  {
    const MutexLock lock(impl_->mutex);
    std::map<std::string, Impl::Peer> next;
    for (const AlertmanagerConfig& config : configs) {
      const auto old = impl_->peers.find(config.url);
      if (old != impl_->peers.end()) {
        next[config.url] = std::move(old->second);
        impl_->peers.erase(old);
      } else {
        next[config.url].generation = ++impl_->last_generation;
      }
      next[config.url].config = config;
    }
    for (const auto& [url, peer] : impl_->peers) {
      if (peer.call != HttpCallId::kNone) gone.push_back(peer.call);
      forget_metrics(impl_->parts.telemetry, "alertmanager", url);
    }
    impl_->peers = std::move(next);
    for (const auto& [url, peer] : impl_->peers) impl_->show(url, peer);
  }
  for (const HttpCallId call : gone) impl_->parts.http.cancel(call);
  impl_->parts.telemetry
      .gauge("prometheus_notifications_alertmanagers_discovered",
             "Alertmanagers that alerts are sent to.")
      .set(static_cast<double>(configs.size()));
}

void Alertmanagers::stop() {
  std::vector<HttpCallId> calls;
  std::vector<TimerId> timers;
  {
    const MutexLock lock(impl_->mutex);
    impl_->stopped = true;
    for (const auto& [url, peer] : impl_->peers) {
      if (peer.call != HttpCallId::kNone) calls.push_back(peer.call);
      if (peer.retry != TimerId::kNone) timers.push_back(peer.retry);
    }
  }
  for (const TimerId timer : timers) impl_->parts.scheduler.cancel(timer);
  for (const HttpCallId call : calls) impl_->parts.http.cancel(call);
}

void Alertmanagers::on_alerts(const std::string& /*rule*/, std::span<const alerts::Alert> alerts) {
  std::vector<std::string> urls;
  {
    const MutexLock lock(impl_->mutex);
    if (impl_->stopped || impl_->peers.empty()) return;
    for (const alerts::Alert& alert : alerts) {
      if (alert.fired_at == Timestamp{}) continue;
      const Timestamp at =
          alert.told_at != Timestamp{} ? alert.told_at : impl_->parts.scheduler.clock().now();
      const auto [last, is_new] = impl_->sent.try_emplace(instance_id(alert), Timestamp{});
      const bool just_resolved = is_resolved(alert) && alert.resolved_at > last->second;
      if (!is_new && !just_resolved && last->second + impl_->options.resend_delay >= at) continue;
      last->second = at;
      const LabelSet labels = with_external(alert.labels, impl_->options.external_labels);
      const Waiting waiting{alert.fingerprint(), alert_json(alert, labels, at)};
      for (auto& [url, peer] : impl_->peers) {
        if (!peer.config.relabel) {
          impl_->enqueue(peer, waiting);
        } else if (const auto seen = peer.config.relabel(labels)) {
          impl_->enqueue(peer, {waiting.fingerprint, alert_json(alert, *seen, at)});
        }
      }
    }
    const Timestamp now = impl_->parts.scheduler.clock().now();
    std::erase_if(impl_->sent, [&](const auto& entry) { return entry.second + kForget < now; });
    for (const auto& [url, peer] : impl_->peers) {
      urls.push_back(url);
      impl_->show_length(url, peer);
    }
  }
  for (const std::string& url : urls) impl_->pump(url);
}

std::vector<AlertmanagerConfig> Alertmanagers::active() const {
  const MutexLock lock(impl_->mutex);
  std::vector<AlertmanagerConfig> out;
  for (const auto& [url, peer] : impl_->peers) out.push_back(peer.config);
  return out;
}

}  // namespace nines::notify
