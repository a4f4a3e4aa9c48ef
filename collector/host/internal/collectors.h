#pragma once
// The host's collectors: one file each, one function each.

#include <charconv>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/fs/fs.h"
#include "collector/host/host.h"
#include "collector/host/internal/host_samples.h"

namespace nines::collector {

struct HostContext {
  Fs& fs;
  const HostConfig& config;

  Result<std::string> proc(const std::string& path) const {
    return read_file(fs, config.proc_path + "/" + path);
  }
  Result<std::string> sys(const std::string& path) const {
    return read_file(fs, config.sys_path + "/" + path);
  }
  // Below /proc/net, through process 1: the host's network rather than a container's.
  Result<std::string> net(const std::string& path) const {
    Result<std::string> text = proc("1/net/" + path);
    return text ? std::move(text) : proc("net/" + path);
  }
  // From the host's root folder.
  Result<std::string> root(const std::string& path) const {
    return read_file(fs, config.root_path + (config.root_path.ends_with('/') ? "" : "/") + path);
  }
  Result<std::vector<std::string>> sys_list(const std::string& path) const {
    return fs.list(config.sys_path + "/" + path);
  }
};

// One subject. kNotFound: this kernel does not have it, which is no failure to report.
struct HostCollector {
  const char* name;
  std::function<Result<void>(HostSamples&)> collect;  // one thread; may keep state between turns
};

HostCollector arp_collector(HostContext context);
HostCollector bonding_collector(HostContext context);
HostCollector conntrack_collector(HostContext context);
HostCollector cpu_collector(HostContext context);
HostCollector diskstats_collector(HostContext context);
HostCollector edac_collector(HostContext context);
HostCollector entropy_collector(HostContext context);
HostCollector filefd_collector(HostContext context);
HostCollector filesystem_collector(HostContext context);
HostCollector hwmon_collector(HostContext context);
HostCollector loadavg_collector(HostContext context);
HostCollector meminfo_collector(HostContext context);
HostCollector netclass_collector(HostContext context);
HostCollector netdev_collector(HostContext context);
HostCollector netstat_collector(HostContext context);
HostCollector os_collector(HostContext context);
HostCollector pressure_collector(HostContext context);
HostCollector processes_collector(HostContext context);
HostCollector schedstat_collector(HostContext context);
HostCollector sockstat_collector(HostContext context);
HostCollector softnet_collector(HostContext context);
HostCollector stat_collector(HostContext context);
HostCollector systemd_collector(HostContext context);
HostCollector textfile_collector(HostContext context);
HostCollector thermal_zone_collector(HostContext context);
HostCollector time_collector(HostContext context);
HostCollector uname_collector(HostContext context);
HostCollector vmstat_collector(HostContext context);

// The non-empty words of a line, and the lines of a text.
std::vector<std::string_view> words_of(std::string_view line);
std::vector<std::string_view> lines_of(std::string_view text);

// The whole text as a number; nothing when it is none.
inline std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A file that holds one number.
inline Result<double> number_in(std::string_view file, const Result<std::string>& text) {
  if (!text) return Error(text.error());
  const std::optional<double> value = number_of(trim(*text));
  if (value) return *value;
  return Error(ErrorCode::kInvalid, std::string(file) + ": expected a number, got \"" +
                                        std::string(trim(*text).substr(0, 80)) + "\"");
}

inline bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

inline Error bad_line(std::string_view file, std::string_view line) {
  return {ErrorCode::kInvalid, std::string(file) + ": cannot read \"" + std::string(line) + "\""};
}

}  // namespace nines::collector
