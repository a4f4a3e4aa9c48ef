#pragma once
// Sends what is stored on to others: Prometheus remote write 1.0 and 2.0.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/model/labels.h"
#include "base/net/http_client.h"
#include "base/telemetry/telemetry.h"
#include "collector/discovery/http_access.h"
#include "collector/discovery/relabel.h"
#include "storage/api/appender.h"
#include "storage/api/key_values.h"
#include "storage/api/querier.h"

namespace nines::collector {

enum class SendProtocol : std::uint8_t { kV1, kV2 };  // prometheus.WriteRequest, io...v2.Request

struct SendQueueConfig {
  std::size_t capacity = 10'000;            // samples in memory per shard; more wait in the store
  std::size_t max_shards = 8;               // requests at one time
  std::size_t max_samples_per_send = 2'000;
  Duration batch_send_deadline{5'000};      // a batch that is not full waits no longer
  Duration min_backoff{30};
  Duration max_backoff{5'000};
  bool retry_on_http_429 = true;
  Duration sample_age_limit{0};             // older samples are not sent; zero: all are
};

// One [[remote_write]].
struct SendConfig {
  std::string name;  // identifies it across restarts; empty: the URL does
  std::string url;
  Duration remote_timeout{30'000};
  SendProtocol protocol = SendProtocol::kV1;
  HttpAccess access;
  std::vector<RelabelRule> write_relabel_configs;
  bool send_exemplars = false;
  bool send_native_histograms = false;
  SendQueueConfig queue;
  bool send_metadata = true;              // 1.0 only: 2.0 carries it in each series
  Duration metadata_interval{60'000};
  std::size_t metadata_per_send = 2'000;
  // After a crash, what is younger than this before the last noted position is sent again, because
  // a slow scrape writes samples that are older than those of a fast one.
  Duration overlap{30'000};
  std::size_t catch_up_samples_max = 200'000;  // read from the store at a time

  const std::string& key() const { return name.empty() ? url : name; }
};

struct SenderParts {
  storage::Appender& store;
  const storage::Querier& querier;
  storage::KeyValueStore& positions;
  HttpClient& http;
  Scheduler& scheduler;
  Executor& pool;  // may block: the store is read there
  Log& log;
  Telemetry& telemetry;
};

// Stands in front of the store: what is written through appender() is stored first, and then sent
// to every target. Writing never waits for a target. What a target has not acknowledged is kept in
// memory up to a bound and read from the store beyond it, or after a restart: the time up to which
// everything was acknowledged is kept in the state store. So a sample is sent at least once;
// some are sent twice after a crash. Within a series samples are sent in the order of their times
// as far as they were written so.
//
// Thread-safe. Source: prometheus.io/docs/specs/prw/remote_write_spec and remote_write_spec_2_0.
class RemoteSender {
 public:
  RemoteSender(SenderParts parts, std::vector<SendConfig> configs, LabelSet external_labels);
  ~RemoteSender();
  RemoteSender(const RemoteSender&) = delete;
  RemoteSender& operator=(const RemoteSender&) = delete;

  // The store itself when there are no targets.
  storage::Appender& appender();
  void start();
  // What is under way is dropped and sent after the next start. Call it when nobody writes any more.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
