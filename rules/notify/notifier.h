#pragma once
// Pages people: groups alerts by route, silences, writes each notification to the durable outbox,
// sends.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/rng.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/net/http_client.h"
#include "base/telemetry/telemetry.h"
#include "rules/alerts/alert.h"
#include "rules/notify/config.h"
#include "storage/api/incidents.h"
#include "storage/api/outbox.h"
#include "storage/api/silences.h"

namespace nines::notify {

struct NotifierOptions {
  std::string external_url;     // externalURL of the payload
  LabelSet external_labels;     // added to alerts where they have no such label
  Duration retry_first{1'000};  // backoff: doubled from here ...
  Duration retry_max{300'000};  // ... up to here, with 20 % jitter
  Duration give_up_after{7LL * 86'400'000};
  std::size_t deliveries_at_once = 16;
  Duration silence_retention{120LL * 3'600'000};  // after its end; then a silence is forgotten
  Duration history_retention{30LL * 86'400'000};  // finished deliveries, what receivers were told
};

// Somebody works on an alert. While it holds, no receiver is told again only because
// repeat_interval has passed and nobody moved; new alerts of the group, and the end, are told.
struct Acknowledgement {
  std::string by;
  std::string comment;     // may be empty
  Timestamp at{};          // set by the notifier
  Timestamp expires_at{};  // zero: as long as the alert fires
};

struct AlertStatus {  // Alertmanager's view of an alert
  alerts::Alert alert;
  std::vector<std::string> receivers;
  std::vector<std::string> silenced_by;   // silence ids; maintenance/NAME
  std::vector<std::string> inhibited_by;  // fingerprints, hex
  std::optional<Acknowledgement> acknowledged;
};
struct GroupView {
  LabelSet labels;
  std::string receiver;
  std::string group_key;
  std::vector<AlertStatus> alerts;
};

struct NotifierParts {
  storage::OutboxStore& outbox;
  storage::SilenceStore& silences;
  storage::IncidentStore& incidents;
  HttpClient& http;
  Scheduler& scheduler;
  Executor& executor;  // state writes happen here
  Rng& rng;
  Log& log;
  Telemetry& telemetry;
  // What a secret's file holds now. Null, or a file that cannot be read: what was configured counts
  // on, for a page must go out.
  std::function<Result<std::string>(const std::string& path)> read_file = nullptr;
};

// Thread-safe. Fails open: when the outbox cannot be written, the page is sent all the same and the
// failure is logged and counted.
class Notifier final : public alerts::AlertSink {
 public:
  Notifier(NotifierOptions options, NotifierParts parts);
  ~Notifier() override;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Replaces routes and receivers. Queued deliveries of receivers that are gone are given up, with
  // a line.
  void load(Config config);
  void start();  // takes up deliveries that are still queued
  void stop();

  void on_alerts(const std::string& rule, std::span<const alerts::Alert> alerts) override;

  // A page outside the routes, straight to one receiver: escalation of a remediation, `nines` test
  // pages. `key` makes it idempotent. It is in the outbox when this returns (or, where that cannot
  // be written, on its way all the same). kNotFound: no such receiver.
  Result<void> page_directly(const std::string& receiver, const alerts::Alert& alert,
                             const std::string& key);

  // Silences. set: creates (empty id) or replaces; returns the id. kInvalid.
  Result<std::string> set_silence(storage::Silence silence);
  Result<void> expire_silence(const std::string& id);  // kNotFound
  std::vector<storage::Silence> silences() const;

  // Of the firing alert whose incident `episode` names; in the incident when this returns, and so
  // there after a restart. It ends with the alert. A second one replaces the first. kNotFound: no
  // such alert fires (or, to withdraw, nobody acknowledged it). kInvalid: nobody's name, or an
  // expiry that has passed. kIo: not written, not acknowledged.
  Result<void> acknowledge(const std::string& episode, Acknowledgement acknowledgement);
  Result<void> withdraw_acknowledgement(const std::string& episode, const std::string& by);
  std::optional<Acknowledgement> acknowledgement(const std::string& episode) const;

  std::vector<AlertStatus> alerts() const;
  std::vector<GroupView> groups() const;
  std::vector<storage::Delivery> deliveries(std::size_t limit) const;  // newest first
  Config config() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::notify
