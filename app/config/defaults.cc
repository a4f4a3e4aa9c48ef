// What nines does when nobody told it anything.
#include "app/config/config.h"

namespace nines::config {

std::string_view default_toml() {
  return R"(# nines.toml: what nines does without a configuration file. Change what you need.
# `nines check config nines.toml` says what is wrong, `nines serve --config nines.toml` runs it.

[global]
scrape_interval = "15s"
scrape_timeout = "10s"
evaluation_interval = "15s"

[storage]
budget = "1GiB"                      # all files together, a hard cap; also "5%" of the disk
sync = "1s"                          # or "always": a write is acknowledged when it is on disk

[web]
listen = "127.0.0.1:9999"

[host]
enabled = true                       # CPU, memory, disks, network of this machine
interval = "5s"

# Uncomment to scrape a target, to probe a URL, to follow a log file:
#
# [[scrape_configs]]
# job_name = "node"
# static_configs = [{ targets = ["127.0.0.1:9100"], labels = { env = "prod" } }]
#
# [[probe_configs]]
# job_name = "shop"
# module = "http_2xx"
# static_configs = [{ targets = ["http://127.0.0.1:8080/health"] }]
#
# [[log_configs]]
# job_name = "nginx"
# files = ["/var/log/nginx/access.log"]
# labels = { app = "shop" }
#
# Uncomment to be paged:
#
# [route]
# receiver = "oncall"
# group_by = ["alertname", "service"]
#
# [[receivers]]
# name = "oncall"
# webhook_configs = [{ url = "http://127.0.0.1:8085/page" }]
)";
}

std::string_view builtin_rules_toml() {
  return R"([[groups]]
name = "nines-defaults"

[[groups.rules]]
alert = "TargetDown"
expr = 'up == 0'
for = "2m"
labels = { severity = "warning" }
annotations = { summary = "{{ $labels.job }} {{ $labels.instance }} cannot be scraped" }

[[groups.rules]]
alert = "HostFilesystemAlmostFull"
expr = 'node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs"} / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs"} < 0.10 and node_filesystem_readonly == 0'
for = "10m"
labels = { severity = "warning" }
annotations = { summary = "{{ $labels.mountpoint }} on {{ $labels.instance }} has {{ $value | humanizePercentage }} left" }

[[groups.rules]]
alert = "HostMemoryAlmostFull"
expr = 'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05'
for = "10m"
labels = { severity = "warning" }
annotations = { summary = "{{ $labels.instance }} has {{ $value | humanizePercentage }} of its memory left" }

[[groups.rules]]
alert = "RuleEvaluationFailing"
expr = 'increase(prometheus_rule_evaluation_failures_total[5m]) > 0'
for = "5m"
labels = { severity = "warning" }
annotations = { summary = "rules of {{ $labels.rule_group }} cannot be evaluated" }

[[slos]]
name = "nines-rules"
service = "nines"
description = "Rule evaluations of this nines that succeed."
time_window = { duration = "30d", is_rolling = true }
objectives = [{ target_percent = 99.9 }]
indicator = { ratio_metric = { counter = true, bad = 'prometheus_rule_evaluation_failures_total{job="nines"}', total = 'prometheus_rule_evaluations_total{job="nines"}' } }
alerting = { preset = "google-30d" }
)";
}

}  // namespace nines::config
