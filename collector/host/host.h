#pragma once
// The host's own metrics under node_exporter's names, from /proc and /sys.

#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/scheduler.h"
#include "base/fs/fs.h"
#include "base/log/log.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct HostConfig {
  bool enabled = true;
  Duration interval{15'000};
  std::string job_name = "host";
  std::string instance;  // empty: the host's name
  std::string proc_path = "/proc";
  std::string sys_path = "/sys";
  std::string root_path = "/";  // prefix for statfs of mount points
};

struct HostStatus {
  bool up = false;
  std::string last_error;  // of the collectors that failed
  Timestamp last_collection{};
  Duration last_duration{};
  std::uint64_t last_samples = 0;
};

struct HostParts {
  Fs& fs;
  storage::Appender& appender;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
};

// Thread-safe. Collectors: cpu, meminfo, filesystem, diskstats, netdev, loadavg, pressure, stat,
// uname, time, vmstat (node_exporter's default fields), filefd; each writes
// node_scrape_collector_success.
class Host {
 public:
  Host(HostConfig config, HostParts parts);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  void start();
  void stop();
  void collect_once(Timestamp at);  // in the caller's thread: tests
  HostStatus status() const;
  const HostConfig& config() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // timers know it weakly
};

}  // namespace nines::collector
