#pragma once
// Finds targets in files, by HTTP, in DNS and in Consul, and says so when they change.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/fs/fs.h"
#include "base/log/log.h"
#include "base/net/http_client.h"
#include "base/net/resolver.h"
#include "base/net/wait.h"
#include "base/telemetry/telemetry.h"
#include "collector/discovery/http_access.h"
#include "collector/discovery/target.h"

namespace nines::collector {

// Keys and defaults of these are those of prometheus.io/docs/prometheus/latest/configuration.
struct FileSdConfig {
  std::vector<std::string> files;  // paths, shell patterns; .json, .yml, .yaml, .toml
  Duration refresh_interval{300'000};
};
struct HttpSdConfig {
  std::string url;
  Duration refresh_interval{60'000};
  HttpAccess access;
};
struct DnsSdConfig {
  std::vector<std::string> names;
  std::string type = "SRV";  // A, AAAA, SRV, MX, NS
  std::uint16_t port = 0;    // of all but SRV
  Duration refresh_interval{30'000};
  std::vector<std::string> servers;  // "host:port"; empty: the system's
};
struct ConsulSdConfig {
  std::string server = "localhost:8500";  // "host:port"
  std::string scheme = "http", path_prefix;
  std::string token, token_file;      // the file is read for every question, when not empty
  std::string datacenter;             // empty: that of the agent
  std::string ns, partition;          // of Consul Enterprise
  std::vector<std::string> services;  // empty: all
  std::vector<std::string> tags;      // a service and its instances must have all of them
  std::map<std::string, std::string> node_meta;  // its nodes must have all of them
  std::string filter;                 // of the catalog, in Consul's language
  std::string tag_separator = ",";
  bool allow_stale = true;            // any server may answer, not the leader alone
  Duration refresh_interval{30'000};  // between two rounds of news
  HttpAccess access;
};
// The sources of one job.
struct JobDiscovery {
  std::vector<FileSdConfig> files;
  std::vector<HttpSdConfig> https;
  std::vector<DnsSdConfig> dns;
  std::vector<ConsulSdConfig> consuls;
  bool empty() const {
    return files.empty() && https.empty() && dns.empty() && consuls.empty();
  }
};

// Reads the groups of a target file in TOML (whose parser lives elsewhere).
using ReadTomlTargets =
    std::function<Result<TargetGroups>(const std::string& name, std::string_view text)>;

struct DiscoveryParts {
  Fs& fs;
  HttpClient& http;
  Resolver& resolver;
  Scheduler& scheduler;
  Executor& executor;  // files are read and names asked for here: tasks wait
  Log& log;
  Telemetry& telemetry;
  ReadTomlTargets read_toml;
};

struct SourceStatus {
  std::string pool, kind, what;
  std::uint64_t targets = 0;
  std::uint64_t failures = 0;   // refreshes with an error, since the source was configured
  Timestamp last_refresh{};     // that ended, well or not
  Timestamp last_success{};
  std::vector<std::string> errors;  // of the last refresh; empty: all is well
};

// All groups a pool's sources have found. Called one at a time, on any thread.
using TargetsFound = std::function<void(const std::string& pool, TargetGroups groups)>;

// Thread-safe. A source that fails keeps the targets it found last; a pool is told about only when
// its groups differ from those told before.
class Discovery {
 public:
  Discovery(DiscoveryParts parts, TargetsFound found);
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  // Sources by pool. A source whose configuration stayed keeps what it knows; a pool whose sources
  // changed is told about once each new one has answered, or failed to.
  void load(std::map<std::string, JobDiscovery> pools);
  void start();
  void stop();  // calls under way are called off
  std::vector<SourceStatus> status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
