#pragma once
// Carries queued deliveries to their receivers: in order per receiver and group, retried with
// backoff until they arrive or are given up.

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/core/mutex.h"
#include "base/core/result.h"
#include "rules/notify/config.h"
#include "rules/notify/notifier.h"

namespace nines::notify {

// Thread-safe. Its lanes are keyed by (receiver integration, group): what was said first arrives
// first.
class Courier {
 public:
  Courier(const NotifierOptions& options, const NotifierParts& parts);
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  void load(const std::vector<Receiver>& receivers);
  void start();  // takes up what is still queued in the outbox
  void stop();

  // Writes the delivery down, then sends it. When it cannot be written it is sent all the same.
  void submit(storage::Delivery delivery, const storage::NotificationLogEntry& entry);
  // The same from a state-writing thread; kIo tells that it could not be written (it is being
  // sent).
  std::size_t waiting() const;

 private:
  using Lane = std::pair<std::string, std::string>;
  struct Shared;
  void push(storage::Delivery delivery);
  void pump();
  void count_queue();
  std::string secret_now(const std::string& file, const std::string& configured) const;
  void send(const Lane& lane, const storage::Delivery& delivery, const WebhookConfig& hook);
  void on_answer(const Lane& lane, Result<HttpResponse> answer);
  void tell_incidents(const storage::Delivery& delivery, const std::string& kind,
                      const std::string& text, int status);
  void give_up(storage::Delivery delivery, const std::string& why);
  Duration backoff(int attempts);

  struct Item {
    storage::Delivery delivery;
    bool in_flight = false;
    HttpCallId call = HttpCallId::kNone;
  };

  const NotifierOptions options_;
  NotifierParts parts_;
  Gauge& queued_gauge_;
  std::shared_ptr<Shared> shared_;  // outlives callbacks that come after stop()
  mutable Mutex mutex_;
  std::map<std::string, WebhookConfig> hooks_ NINES_GUARDED_BY(mutex_);
  std::map<Lane, std::deque<Item>> lanes_ NINES_GUARDED_BY(mutex_);
  std::size_t in_flight_ NINES_GUARDED_BY(mutex_) = 0;
  TimerId timer_ NINES_GUARDED_BY(mutex_) = TimerId::kNone;
  bool running_ NINES_GUARDED_BY(mutex_) = false;
};

}  // namespace nines::notify
