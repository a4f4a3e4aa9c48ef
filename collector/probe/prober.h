#pragma once
// Probes endpoints from outside, with blackbox_exporter's names.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/net/http_client.h"
#include "base/net/resolver.h"
#include "collector/discovery/discovery.h"
#include "collector/discovery/relabel.h"
#include "collector/discovery/target.h"
#include "collector/probe/module.h"
#include "collector/probe/probe_result.h"
#include "collector/scrape/scraper.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct ProbeConfig {
  std::string job_name;  // unique
  std::string module = "http_2xx";
  std::shared_ptr<const ProbeModule> definition;  // what the module means; null: http_2xx
  Duration scrape_interval{15'000};
  Duration scrape_timeout{10'000};
  std::vector<StaticConfig> static_configs;  // targets are URLs, "host:port" or hosts, as the module asks
  JobDiscovery discovery;
  std::vector<RelabelRule> relabel_configs;  // on discovered labels; __address__ is what is probed
  int line = 0;
};

struct ProbeOptions {
  int max_concurrent = 100;      // probes on demand at a time
  int max_scheduled = 1'000;     // probes on schedule at a time; the others wait for their turn
  Duration timeout_offset{500};  // taken off the timeout that a scraper announces
};

struct ProberParts {
  storage::Appender& appender;
  HttpClient& http;
  Resolver& resolver;
  Scheduler& scheduler;
  Executor& executor;  // its tasks wait for answers: as many as probes may run at a time
  Log& log;
};

// Thread-safe. Writes up and what run_probe() finds, with job and instance.
class Prober {
 public:
  explicit Prober(ProberParts parts);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  void load(std::vector<ProbeConfig> configs, LabelSet external_labels);
  // What probe_now() may be asked for, besides the built-in ones.
  void set_modules(ProbeModules modules, ProbeOptions options);
  // What discovery found for a job: its targets besides the static ones, until the next call.
  void set_discovered(const std::string& job, TargetGroups groups);
  void start();
  void stop();
  std::vector<TargetStatus> targets() const;  // kind "probe"
  // A configured probe out of turn; see TargetPool::turn_now().
  Result<TargetStatus> turn_now(const std::string& job, const std::string& target);

  std::shared_ptr<const ProbeModule> module(const std::string& name) const;  // null: no such one
  ProbeOptions options() const;
  // One probe, now; blocks until its verdict. kLimit: `max_concurrent` of them run already. `watch`
  // (may be empty) is handed what ends the probe at once, from any thread, as stop() does.
  using Watch = std::function<void(std::function<void()> end)>;
  Result<ProbeResult> probe_now(const ProbeModule& module, const std::string& target,
                                const std::string& hostname, Duration timeout,
                                const Watch& watch) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
