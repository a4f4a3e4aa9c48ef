#include "collector/send/internal/send_metrics.h"

#include <string>

namespace nines::collector {
namespace {

MetricLabels labels_of(const SendConfig& config) {
  // A URL may hold a password; scrapes of /metrics see everything.
  std::string url = config.url;
  const std::size_t host = url.find("://") + 3;
  const std::size_t at = url.rfind('@', url.find('/', host));
  if (at != std::string::npos && at > host) url.erase(host, at + 1 - host);
  return {{"remote_name", config.name.empty() ? url : config.name}, {"url", url}};
}

MetricLabels with_reason(const SendConfig& config, const char* reason) {
  MetricLabels labels = labels_of(config);
  labels["reason"] = reason;
  return labels;
}

}  // namespace

SendMetrics::SendMetrics(Telemetry& t, const SendConfig& c)
    : samples(t.counter("nines_remote_storage_samples_total", "Samples sent and acknowledged.",
                        labels_of(c))),
      histograms(t.counter("nines_remote_storage_histograms_total",
                           "Native histograms sent and acknowledged.", labels_of(c))),
      exemplars(t.counter("nines_remote_storage_exemplars_total", "Exemplars sent and acknowledged.",
                          labels_of(c))),
      metadata(t.counter("nines_remote_storage_metadata_total",
                         "Metadata entries sent and acknowledged.", labels_of(c))),
      bytes(t.counter("nines_remote_storage_bytes_total",
                      "Bytes of acknowledged requests, compressed.", labels_of(c))),
      failed(t.counter("nines_remote_storage_samples_failed_total",
                       "Samples the receiver refused for good.", labels_of(c))),
      retried(t.counter("nines_remote_storage_samples_retried_total",
                        "Samples sent again because the receiver failed or could not be reached.",
                        labels_of(c))),
      repeated(t.counter("nines_remote_storage_samples_repeated_total",
                         "Samples sent a second time after a restart or an outage and refused: "
                         "the receiver has them.",
                         labels_of(c))),
      caught_up(t.counter("nines_remote_storage_samples_caught_up_total",
                          "Samples read back from the store to be sent.", labels_of(c))),
      metadata_failed(t.counter("nines_remote_storage_metadata_failed_total",
                                "Metadata entries that could not be sent.", labels_of(c))),
      dropped_by_rules(t.counter("nines_remote_storage_samples_dropped_total",
                                 "Samples not sent, by reason.",
                                 with_reason(c, "dropped_series"))),
      dropped_by_age(t.counter("nines_remote_storage_samples_dropped_total",
                               "Samples not sent, by reason.", with_reason(c, "too_old"))),
      dropped_by_kind(t.counter("nines_remote_storage_samples_dropped_total",
                                "Samples not sent, by reason.",
                                with_reason(c, "native_histogram"))),
      pending(t.gauge("nines_remote_storage_samples_pending", "Samples in memory, not acknowledged.",
                      labels_of(c))),
      capacity(t.gauge("nines_remote_storage_queue_capacity",
                       "Samples kept in memory at most; more are read from the store.",
                       labels_of(c))),
      shards(t.gauge("nines_remote_storage_shards", "Requests under way.", labels_of(c))),
      shards_max(t.gauge("nines_remote_storage_shards_max", "Requests under way at most.",
                         labels_of(c))),
      behind(t.gauge("nines_remote_storage_catching_up",
                     "1 while samples have to be read back from the store.", labels_of(c))),
      highest_in(t.gauge("nines_remote_storage_highest_timestamp_in_seconds",
                         "Time of the newest sample written to the store.", labels_of(c))),
      highest_sent(t.gauge("nines_remote_storage_queue_highest_sent_timestamp_seconds",
                           "Time of the newest sample acknowledged.", labels_of(c))),
      position(t.gauge("nines_remote_storage_position_timestamp_seconds",
                       "Everything before this time is acknowledged; where a restart begins.",
                       labels_of(c))),
      duration(t.distribution("nines_remote_storage_sent_batch_duration_seconds",
                              "Time from sending a request to its answer.",
                              {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60},
                              labels_of(c))) {}

}  // namespace nines::collector
