#pragma once
// Takes StatsD over UDP and TCP, with the tags of DogStatsD.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct StatsdOptions {
  std::string listen;         // HOST:PORT; empty: off
  Duration interval{10'000};  // what came is written so often
  // Upper bounds of what timers (seconds), histograms and distributions are sorted into.
  std::vector<double> buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  Duration series_idle_max{3'600'000};     // a series that got nothing for so long ends
  std::size_t series_max = 100'000;        // kept up at once
  std::size_t set_members_max = 1'000'000; // of all sets together, in one interval
  std::size_t connections_max = 256;       // TCP
  std::size_t line_bytes_max = 64u << 10;  // a longer line ends its connection
  Duration idle_max{300'000};              // a connection that says nothing for so long is closed
  std::size_t labels_max = 64;             // of one series
  std::size_t label_bytes_max = 4096;      // of one name or value
  bool operator==(const StatsdOptions&) const = default;
};

struct StatsdParts {
  storage::Appender& appender;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
  Telemetry& telemetry;
};

// `requests:1|c|@0.1|#route:/pay` counts ten into requests{route="/pay"}. Names are made as
// statsd_exporter makes them: what is no letter, digit or colon becomes an underscore. Counters
// go on from their first increment, gauges keep their value (+ and - change it), timers are
// histograms of seconds, h and d histograms of what was sent, a set is the number of its members
// in an interval. Lines that are none, events and service checks are counted and left out.
// Source: github.com/statsd/statsd, docs/metric_types.md; docs.datadoghq.com, "DogStatsD datagram".
class StatsdReceiver {
 public:
  StatsdReceiver(StatsdParts parts, StatsdOptions options);
  ~StatsdReceiver();
  StatsdReceiver(const StatsdReceiver&) = delete;
  StatsdReceiver& operator=(const StatsdReceiver&) = delete;

  Result<void> start();  // listens, when it is to
  void stop();
  int port() const;  // 0: does not listen
  void take(std::string_view lines);
  void flush(Timestamp at);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the timer's task
};

}  // namespace nines::collector
