#pragma once
// Takes InfluxDB's line protocol, as Telegraf and many devices send it.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/clock.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct InfluxOptions {
  std::string separator = "_";                // between measurement and field
  std::string database_label = "db";          // gets the name of the database; empty: no label
  bool sanitize_names = false;                // what Prometheus 2 would not take becomes _
  std::size_t decoded_bytes_max = 32u << 20;  // of one request, after gzip
  std::size_t samples_max = 1'000'000;        // of one request
  std::size_t labels_max = 64;                // of one series
  std::size_t label_bytes_max = 4096;         // of one name or value
  std::size_t groups_max = 10'000;            // job and instance pairs with an open group
  Duration group_idle_max{3'600'000};         // a pair that sent nothing for so long is closed
  bool operator==(const InfluxOptions&) const = default;
};

struct InfluxParts {
  storage::Appender& appender;
  const Clock& clock;
  Log& log;
  Telemetry& telemetry;
};

struct InfluxAnswer {
  int status = 204;  // 204 all taken, 400 some or all refused, 413, 415, 503
  std::string text;
};

// Thread-safe. `cpu,host=a usage=1,idle=2 1700000000000000000` is cpu_usage{host="a"} 1 and
// cpu_idle{host="a"} 2, named as VictoriaMetrics names them; yes and no are 1 and 0, a text is kept
// when it is a number and left out otherwise. Good lines of a request are kept beside bad ones.
// Source: docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol.
class InfluxReceiver {
 public:
  InfluxReceiver(InfluxParts parts, InfluxOptions options);
  ~InfluxReceiver();
  InfluxReceiver(const InfluxReceiver&) = delete;
  InfluxReceiver& operator=(const InfluxReceiver&) = delete;

  // `precision`: ns (or empty, or n), us (u), ms, s, m, h: the unit of the times in `body`.
  InfluxAnswer take(std::string_view database, std::string_view precision,
                    std::string_view content_encoding, std::string_view body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
