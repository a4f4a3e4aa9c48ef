#include "app/config/restart.h"

namespace nines::config {
namespace {

class Changes {
 public:
  explicit Changes(const char* section) : section_(section) {}
  template <typename T>
  Changes& look(const char* key, const T& started, const T& now) {
    if (!(started == now)) keys_.push_back(std::string("[") + section_ + "] " + key);
    return *this;
  }
  void add_to(std::vector<std::string>& all) const {
    all.insert(all.end(), keys_.begin(), keys_.end());
  }

 private:
  const char* section_;
  std::vector<std::string> keys_;
};

void look_at_storage(const storage::Options& a, const storage::Options& b,
                     std::vector<std::string>& all) {
  const bool budget = a.budget_bytes == b.budget_bytes && a.budget_percent == b.budget_percent;
  const bool sync = a.sync == b.sync && a.sync_interval == b.sync_interval;
  Changes("storage")
      .look("path", a.path, b.path)
      .look("budget", true, budget)
      .look("segment_size", a.segment_bytes, b.segment_bytes)
      .look("quota", a.quota, b.quota)
      .look("sync", true, sync)
      .look("out_of_order_window", a.out_of_order_window, b.out_of_order_window)
      .look("max_series", a.series_max, b.series_max)
      .look("max_series_per_target", a.series_per_group_max, b.series_per_group_max)
      .look("max_series_per_metric", a.series_per_metric_max, b.series_per_metric_max)
      .look("max_labels_per_series", a.labels_per_series_max, b.labels_per_series_max)
      .look("max_label_name_length", a.label_name_bytes_max, b.label_name_bytes_max)
      .look("max_label_value_length", a.label_value_bytes_max, b.label_value_bytes_max)
      .look("max_exemplars", a.exemplars_max, b.exemplars_max)
      .look("max_log_streams", a.streams_max, b.streams_max)
      .look("selection_cache", a.selection_cache_bytes, b.selection_cache_bytes)
      .add_to(all);
}

void look_at_web(const Config& a, const Config& b, std::vector<std::string>& all) {
  Changes("web")
      .look("listen", a.web.listen, b.web.listen)
      .look("external_url", a.external_url, b.external_url)
      .look("max_connections", a.web.connections_max, b.web.connections_max)
      .look("max_connections_per_ip", a.web.connections_per_ip_max, b.web.connections_per_ip_max)
      .look("max_body_size", a.web.body_bytes_max, b.web.body_bytes_max)
      .look("read_timeout", a.web.head_timeout, b.web.head_timeout)
      .look("body_timeout", a.web.body_timeout, b.web.body_timeout)
      .look("idle_timeout", a.web.idle_timeout, b.web.idle_timeout)
      .look("enable_admin_api", a.admin_api, b.admin_api)
      .add_to(all);
}

void look_at_query(const promql::EngineOptions& a, const promql::EngineOptions& b,
                   std::vector<std::string>& all) {
  Changes("query")
      .look("lookback_delta", a.lookback_delta, b.lookback_delta)
      .look("timeout", a.timeout, b.timeout)
      .look("max_samples", a.samples_max, b.samples_max)
      .look("max_series", a.series_max, b.series_max)
      .look("max_points", a.points_max, b.points_max)
      .look("max_memory", a.memory_bytes_max, b.memory_bytes_max)
      .look("threads", a.threads, b.threads)
      .add_to(all);
}

void look_at_probes(const collector::ProbeOptions& a, const collector::ProbeOptions& b,
                    std::vector<std::string>& all) {
  Changes("probes").look("max_scheduled", a.max_scheduled, b.max_scheduled).add_to(all);
}

void look_at_receivers(const collector::ReceiveOptions& a, const collector::ReceiveOptions& b,
                       std::vector<std::string>& all) {
  const auto look = [&all](const char* section, const auto& started, const auto& now) {
    if (!(started == now)) all.push_back(std::string("[") + section + "]");
  };
  look("remote_write_receiver", a.remote_write, b.remote_write);
  look("otlp", a.otlp, b.otlp);
  look("pushgateway", a.push, b.push);
  look("influx", a.influx, b.influx);
  look("statsd", a.statsd, b.statsd);
  look("graphite", a.graphite, b.graphite);
}

}  // namespace

std::vector<std::string> changes_that_wait(const Config& started, const Config& now) {
  std::vector<std::string> all;
  look_at_storage(started.storage, now.storage, all);
  look_at_web(started, now, all);
  look_at_query(started.promql, now.promql, all);
  look_at_probes(started.probe_options, now.probe_options, all);
  look_at_receivers(started.receive, now.receive, all);
  if (started.remote_writes_text != now.remote_writes_text) all.emplace_back("[[remote_write]]");
  return all;
}

}  // namespace nines::config
