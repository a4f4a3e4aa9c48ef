#pragma once
// Takes what batch jobs push: Pushgateway's API, without a gateway to scrape.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"
#include "storage/api/key_values.h"

namespace nines::collector {

struct PushGatewayOptions {
  Duration interval{15'000};                  // what was pushed is sampled anew so often
  std::size_t body_bytes_max = 16u << 20;     // of one push, after gzip
  std::size_t series_per_group_max = 50'000;  // kept in one grouping key
  std::size_t groups_max = 10'000;            // grouping keys
  std::size_t state_bytes_max = 64u << 20;    // of all groups together, as they are kept in state.db
  std::size_t labels_max = 64;                // of one series
  std::size_t label_bytes_max = 4096;         // of one name or value
  bool consistency_check = true;              // a metric has one type in all groups
  bool operator==(const PushGatewayOptions&) const = default;
};

struct PushGatewayParts {
  storage::Appender& appender;
  storage::KeyValueStore& state;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
  Telemetry& telemetry;
};

struct PushAnswer {
  int status = 200;  // 200 taken, 202 deleted, 400, 413, 415, 503
  std::string text;
};

enum class PushKind : std::uint8_t { kReplaceGroup, kReplaceFamilies, kDelete };  // PUT POST DELETE

// Thread-safe. A push is on disk when push() answers 200. Groups live until they are deleted, over
// restarts too. push_time_seconds and push_failure_time_seconds stand beside each group's metrics.
// Source: github.com/prometheus/pushgateway, README, "API".
class PushGateway {
 public:
  PushGateway(PushGatewayParts parts, PushGatewayOptions options);
  ~PushGateway();
  PushGateway(const PushGateway&) = delete;
  PushGateway& operator=(const PushGateway&) = delete;

  // Reads the groups kept before; samples them from now on.
  Result<void> start();
  void stop();

  // `key` is the path behind "/metrics/": "job/nightly/instance/a", "job@base64/bmlnaHRseQ".
  PushAnswer push(PushKind kind, std::string_view key, std::string_view content_type,
                  std::string_view content_encoding, std::string_view body);
  Result<void> wipe();             // deletes every group
  std::string metrics_json() const;  // the `data` of GET /api/v1/metrics
  void sample_once(Timestamp at);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the timer's task
};

}  // namespace nines::collector
