#pragma once
// Takes what other collectors send: Prometheus remote write 1.0 and 2.0.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/clock.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct RemoteWriteOptions {
  std::size_t decoded_bytes_max = 64u << 20;  // of one message, after snappy
  std::size_t labels_max = 64;                // of one series
  std::size_t label_bytes_max = 4096;         // of one name or value
  std::size_t groups_max = 10'000;            // job and instance pairs with an open group
  Duration group_idle_max{3'600'000};         // a pair that sent nothing for so long is closed
  bool operator==(const RemoteWriteOptions&) const = default;
};

struct RemoteWriteParts {
  storage::Appender& appender;
  const Clock& clock;
  Log& log;
  Telemetry& telemetry;
};

struct RemoteWriteAnswer {
  int status = 204;      // 204 all taken, 400 some or all refused for good, 415, 429, 503 try again
  std::string text;      // why not; one line
  bool counted = false;  // 2.0: the sender is told how much was written, in the next three
  std::uint64_t samples = 0, histograms = 0, exemplars = 0;
};

// Thread-safe. What is good in a message is kept even when other parts of it are refused; the
// answer then says 400 with the first reasons. Series of one job and instance share a group of the
// store, and samples of one time share a batch of it.
// Sources: prometheus.io/docs/specs/prw/remote_write_spec and remote_write_spec_2_0.
class RemoteWriteReceiver {
 public:
  RemoteWriteReceiver(RemoteWriteParts parts, RemoteWriteOptions options);
  ~RemoteWriteReceiver();
  RemoteWriteReceiver(const RemoteWriteReceiver&) = delete;
  RemoteWriteReceiver& operator=(const RemoteWriteReceiver&) = delete;

  // The values of the Content-Type and Content-Encoding headers, empty when absent, and the body.
  RemoteWriteAnswer take(std::string_view content_type, std::string_view content_encoding,
                         std::string_view body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
