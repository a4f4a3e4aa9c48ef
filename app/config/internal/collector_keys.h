#pragma once
// Keys that scrapes, probes and log files share.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/config.h"
#include "app/config/internal/sections.h"
#include "app/config/internal/toml_reader.h"

namespace nines::config {

void read_labels(TableReader& t, std::string_view key, std::map<std::string, std::string>& out);
void read_static_configs(TableReader& t, std::vector<collector::StaticConfig>& out);
// file_sd_configs, http_sd_configs, dns_sd_configs, consul_sd_configs.
void read_discovery(TableReader& t, collector::JobDiscovery& out, const Context& context);
// basic_auth, authorization, oauth2, tls_config, proxy_url, ...
void read_http_access(TableReader& t, collector::HttpAccess& out, const Context& context);
// Relative to the folder of the configuration.
std::string beside(const Context& context, std::string path);
void read_relabelling(TableReader& t, std::string_view key,
                      std::vector<collector::RelabelRule>& out);
// Reports a job that has no targets and does not look for any.
void check_has_targets(TableReader& t, const std::string& job,
                       const std::vector<collector::StaticConfig>& targets,
                       const collector::JobDiscovery& discovery);
// Interval and timeout fall back to [global]; the timeout never exceeds the interval.
void read_times(TableReader& t, const Global& global, Duration& interval, Duration& timeout);
// Reports a job without a name, and one whose name is in `seen`.
void read_job_name(TableReader& t, std::string& job, std::set<std::string>& seen);

}  // namespace nines::config
