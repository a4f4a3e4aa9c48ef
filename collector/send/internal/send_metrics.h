#pragma once
// What the sender says about one target, under Prometheus's names with our prefix.

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
