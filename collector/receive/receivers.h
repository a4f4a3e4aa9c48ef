#pragma once
// Everything that can be sent to nines, as one part of it.

#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/telemetry/telemetry.h"
#include "collector/receive/graphite.h"
#include "collector/receive/influx.h"
#include "collector/receive/otlp.h"
#include "collector/receive/push_gateway.h"
#include "collector/receive/remote_write.h"
#include "collector/receive/statsd.h"
#include "storage/api/appender.h"
#include "storage/api/key_values.h"

namespace nines::collector {

struct ReceiveOptions {
  RemoteWriteOptions remote_write;
  OtlpOptions otlp;
  PushGatewayOptions push;
  InfluxOptions influx;
  StatsdOptions statsd;
  GraphiteOptions graphite;
};

struct ReceiveParts {
  storage::Appender& appender;
  storage::KeyValueStore& state;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
  Telemetry& telemetry;
};

struct Receivers {
  Receivers(ReceiveParts p, const ReceiveOptions& o)
      : remote_write({p.appender, p.scheduler.clock(), p.log, p.telemetry}, o.remote_write),
        otlp({p.appender, p.scheduler.clock(), p.log, p.telemetry}, o.otlp),
        push({p.appender, p.state, p.scheduler, p.executor, p.log, p.telemetry}, o.push),
        influx({p.appender, p.scheduler.clock(), p.log, p.telemetry}, o.influx),
        statsd({p.appender, p.scheduler, p.executor, p.log, p.telemetry}, o.statsd),
        graphite({p.appender, p.scheduler.clock(), p.log, p.telemetry}, o.graphite) {}

  // Samples what was pushed before, listens where it is to.
  Result<void> start() {
    if (Result<void> started = push.start(); !started) return started;
    if (Result<void> started = statsd.start(); !started) return started;
    return graphite.start();
  }
  void stop() {
    graphite.stop();
    statsd.stop();
    push.stop();
  }

  RemoteWriteReceiver remote_write;
  OtlpReceiver otlp;
  PushGateway push;
  InfluxReceiver influx;
  StatsdReceiver statsd;
  GraphiteReceiver graphite;
};

}  // namespace nines::collector
