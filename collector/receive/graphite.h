#pragma once
// Takes Graphite's plaintext over UDP and TCP.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct GraphiteOptions {
  std::string listen;                      // HOST:PORT; empty: off
  bool sanitize_names = false;             // what Prometheus 2 would not take becomes _
  std::size_t connections_max = 256;       // TCP
  std::size_t line_bytes_max = 64u << 10;  // a longer line ends its connection
  Duration idle_max{300'000};              // a connection that says nothing for so long is closed
  std::size_t labels_max = 64;             // of one series
  std::size_t label_bytes_max = 4096;      // of one name or value
  bool operator==(const GraphiteOptions&) const = default;
};

struct GraphiteParts {
  storage::Appender& appender;
  const Clock& clock;
  Log& log;
  Telemetry& telemetry;
};

// `servers.a.load;zone=z 1.5 1700000000` is the series servers.a.load{zone="z"}. A time that is
// absent, N or -1 is now; times may have fractions. Lines that are none are counted and left out.
// Source: graphite.readthedocs.io, "Feeding In Your Data" and "Graphite Tag Support".
class GraphiteReceiver {
 public:
  GraphiteReceiver(GraphiteParts parts, GraphiteOptions options);
  ~GraphiteReceiver();
  GraphiteReceiver(const GraphiteReceiver&) = delete;
  GraphiteReceiver& operator=(const GraphiteReceiver&) = delete;

  Result<void> start();  // listens, when it is to
  void stop();
  int port() const;  // 0: does not listen
  void take(std::string_view lines);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
