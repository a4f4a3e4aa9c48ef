#pragma once
// What the sender says about one target: prometheus_remote_storage_* under our own prefix.
// (nines_remote_write_* is what was received.)

#include "base/telemetry/telemetry.h"
#include "collector/send/remote_sender.h"

namespace nines::collector {

struct SendMetrics {
  SendMetrics(Telemetry& telemetry, const SendConfig& config);

  Counter &samples, &histograms, &exemplars, &metadata, &bytes;
  Counter &failed, &retried, &repeated, &caught_up, &metadata_failed;
  Counter &dropped_by_rules, &dropped_by_age, &dropped_by_kind;
  Gauge &pending, &capacity, &shards, &shards_max, &behind;
  Gauge &highest_in, &highest_sent, &position;
  Distribution& duration;
};

}  // namespace nines::collector
