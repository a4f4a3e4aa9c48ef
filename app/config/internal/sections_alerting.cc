// [alerting], as in Prometheus: external Alertmanagers, beside the own routes.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/config/internal/collector_keys.h"
#include "app/config/internal/sections.h"
#include "base/text/text.h"
#include "collector/discovery/http_access.h"
#include "collector/discovery/relabel.h"

namespace nines::config {
namespace {

void check_targets(TableReader& t, const AlertmanagerJob& job) {
  std::size_t targets = 0;
  for (const collector::StaticConfig& group : job.static_configs) {
    for (const std::string& target : group.targets) {
      ++targets;
      if (target.empty() || target.find('/') != std::string::npos) {
        t.fail("static_configs", "`targets`: a target is HOST:PORT, not " + quote_go(target));
      } else {
        check_url(t, "static_configs", job.scheme + "://" + target);
      }
    }
  }
  if (targets > 0 || !job.discovery.empty()) return;
  t.fail("static_configs",
         "`static_configs = [{ targets = [\"HOST:9093\"] }]` is missing in " + t.name() +
             ", and it does not look for any: file_sd_configs, http_sd_configs, dns_sd_configs, "
             "consul_sd_configs");
}

AlertmanagerJob read_job(TableReader& t, const Context& context,
                         std::vector<collector::RelabelRule> alert_relabel_configs) {
  AlertmanagerJob job;
  std::string version = "v2";
  t.read_one_of("scheme", job.scheme, {"http", "https"});
  t.read_one_of("api_version", version, {"v2"});
  t.read("path_prefix", job.path_prefix);
  t.read("timeout", job.timeout);
  while (job.path_prefix.ends_with('/')) job.path_prefix.pop_back();
  if (!job.path_prefix.empty() && !job.path_prefix.starts_with('/')) job.path_prefix.insert(0, "/");
  read_static_configs(t, job.static_configs);
  read_discovery(t, job.discovery, context);
  read_http_access(t, job.access, context);
  read_relabelling(t, "relabel_configs", job.relabel_configs);
  job.alert_relabel_configs = std::move(alert_relabel_configs);
  read_relabelling(t, "alert_relabel_configs", job.alert_relabel_configs);
  check_targets(t, job);
  return job;
}

}  // namespace

std::vector<notify::AlertmanagerConfig> alertmanagers_at(const AlertmanagerJob& job,
                                                         const collector::TargetGroups& targets) {
  std::vector<notify::AlertmanagerConfig> out;
  for (const collector::StaticConfig& group : targets) {
    for (const std::string& target : group.targets) {
      LabelBuilder labels;
      for (const auto& [name, value] : group.labels) labels.set(name, value);
      labels.set("__address__", target).set("__scheme__", job.scheme);
      labels.set("__alerts_path__", job.path_prefix + "/api/v2/alerts");
      const std::optional<LabelSet> seen = collector::relabel(labels.build(), job.relabel_configs);
      if (!seen || seen->get("__address__").empty()) continue;
      notify::AlertmanagerConfig one;
      one.url = std::string(seen->get("__scheme__")) + "://" +
                std::string(seen->get("__address__")) + std::string(seen->get("__alerts_path__"));
      one.timeout = job.timeout;
      one.prepare = [access = job.access](HttpRequest& request) {
        collector::add_access(access, request);
      };
      if (!job.alert_relabel_configs.empty()) {
        one.relabel = [rules = job.alert_relabel_configs](const LabelSet& alert) {
          return collector::relabel(alert, rules);
        };
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

void read_alerting(TableReader& root, Config& config, const Context& context) {
  root.table("alerting", [&](TableReader& alerting) {
    std::vector<collector::RelabelRule> of_all;
    read_relabelling(alerting, "alert_relabel_configs", of_all);
    alerting.tables("alertmanagers", [&](TableReader& t) {
      AlertmanagerJob job = read_job(t, context, of_all);
      for (notify::AlertmanagerConfig& one : alertmanagers_at(job, job.static_configs))
        config.notify.alertmanagers.push_back(std::move(one));
      config.alertmanager_jobs.push_back(std::move(job));
    });
  });
}

}  // namespace nines::config
