#pragma once
// Probes endpoints from outside, with blackbox_exporter's names.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/net/http_client.h"
#include "collector/discovery/discovery.h"
#include "collector/discovery/relabel.h"
#include "collector/discovery/target.h"
#include "collector/scrape/scraper.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct HttpProbeModule {
  std::string method = "GET";
  std::vector<int> valid_status_codes;  // empty: 2xx
  std::map<std::string, std::string> headers;
  std::string body;
  bool follow_redirects = true;
  bool insecure_skip_verify = false;
  std::vector<std::string> fail_if_body_matches_regexp;
  std::vector<std::string> fail_if_body_not_matches_regexp;
};

struct ProbeConfig {
  std::string job_name;  // unique
  std::string module = "http_2xx";
  HttpProbeModule http;  // what the module means, resolved by app/config
  Duration scrape_interval{15'000};
  Duration scrape_timeout{10'000};
  std::vector<StaticConfig> static_configs;  // targets are URLs
  JobDiscovery discovery;
  std::vector<RelabelRule> relabel_configs;  // on discovered labels; __address__ is what is probed
  int line = 0;
};

struct ProberParts {
  storage::Appender& appender;
  HttpClient& http;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
};

// Thread-safe. Writes up, probe_success, probe_duration_seconds, probe_http_status_code,
// probe_http_duration_seconds{phase}, probe_http_content_length, probe_http_redirects,
// probe_http_ssl, probe_http_version, probe_ssl_earliest_cert_expiry, probe_failed_due_to_regex,
// with job and instance.
class Prober {
 public:
  explicit Prober(ProberParts parts);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  void load(std::vector<ProbeConfig> configs, LabelSet external_labels);
  // What discovery found for a job: its targets besides the static ones, until the next call.
  void set_discovered(const std::string& job, TargetGroups groups);
  void start();
  void stop();
  std::vector<TargetStatus> targets() const;  // kind "probe"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
