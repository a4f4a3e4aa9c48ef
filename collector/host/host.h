#pragma once
// The host's own metrics under node_exporter's names, from /proc and /sys.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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
  std::string root_path = "/";  // prefix for statfs of mount points, /etc/os-release, /run/udev
  // *.prom files in here are told on; empty: none. Larger files are refused, each by name.
  std::string textfile_directory;
  std::uint64_t textfile_size_limit = 4u << 20;  // bytes of one file
  std::string systemctl = "systemctl";           // asked for unit states where systemd runs
  Duration systemctl_timeout{5'000};
  // Units whose whole name matches are not told one by one.
  std::string systemd_unit_exclude = R"(.+\.(automount|device|mount|scope|slice|target))";
  std::vector<std::string> disabled_collectors;  // names of host_collector_names()
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

// Every collector's name, sorted.
std::span<const std::string_view> host_collector_names() noexcept;

// Thread-safe. Runs the collectors of host_collector_names() that are not disabled, with
// node_exporter's default fields and devices; each writes node_scrape_collector_success.
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
