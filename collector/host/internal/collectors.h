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
};

// One subject. kNotFound: this kernel does not have it, which is no failure to report.
struct HostCollector {
  const char* name;
  std::function<Result<void>(HostSamples&)> collect;  // one thread; may keep state between turns
};

HostCollector cpu_collector(HostContext context);
HostCollector diskstats_collector(HostContext context);
HostCollector filefd_collector(HostContext context);
HostCollector filesystem_collector(HostContext context);
HostCollector loadavg_collector(HostContext context);
HostCollector meminfo_collector(HostContext context);
HostCollector netdev_collector(HostContext context);
HostCollector pressure_collector(HostContext context);
HostCollector stat_collector(HostContext context);
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

inline Error bad_line(std::string_view file, std::string_view line) {
  return {ErrorCode::kInvalid, std::string(file) + ": cannot read \"" + std::string(line) + "\""};
}

}  // namespace nines::collector
