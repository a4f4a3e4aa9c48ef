#include "app/server/internal/flags.h"

#include <algorithm>

#include "base/text/numbers.h"
#include "rules/alerts/manager.h"
#include "rules/notify/alertmanagers.h"

namespace nines::app {
namespace {

// "10GiB": Prometheus writes sizes without a space.
std::string size_text(std::uint64_t bytes) {
  std::string text = format_bytes(bytes);
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> prometheus_flags(const config::Config& config) {
  const alerts::ManagerOptions rules;
  return {
      {"agent", "false"},
      {"alertmanager.notification-queue-capacity",
       std::to_string(notify::AlertmanagersOptions{}.queue_max)},
      {"config.file", config.file},
      {"query.lookback-delta", format_duration(config.promql.lookback_delta)},
      {"query.max-concurrency", std::to_string(config.web.slow_workers)},
      {"query.max-depth", std::to_string(config.promql.depth_max)},
      {"query.max-memory", size_text(config.promql.memory_bytes_max)},
      {"query.max-points", std::to_string(config.promql.points_max)},
      {"query.max-samples", std::to_string(config.promql.samples_max)},
      {"query.max-series", std::to_string(config.promql.series_max)},
      {"query.max-text", size_text(config.promql.text_bytes_max)},
      {"query.threads", std::to_string(config.promql.threads)},
      {"query.timeout", format_duration(config.promql.timeout)},
      {"rules.alert.resend-delay", format_duration(rules.resend_delay)},
      {"storage.tsdb.path", config.storage.path},
      {"storage.tsdb.retention.size", size_text(config.storage.budget_bytes)},
      {"storage.tsdb.retention.time", "0s"},  // what the size holds, never less
      {"web.enable-admin-api", config.admin_api ? "true" : "false"},
      {"web.enable-lifecycle", "true"},
      {"web.enable-remote-write-receiver", "true"},
      {"web.external-url", config.external_url},
      {"web.listen-address", config.web.listen},
      {"web.max-connections", std::to_string(config.web.connections_max)},
      {"web.read-timeout", format_duration(config.web.idle_timeout)},
      {"web.route-prefix", "/"},
  };
}

}  // namespace nines::app
