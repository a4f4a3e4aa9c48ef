// Paging, swapping and the OOM killer, from /proc/vmstat: the fields node_exporter takes by
// default.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

// ^(oom_kill|pgpg|pswp|pg.*fault).*
bool is_wanted(std::string_view name) {
  return name.starts_with("oom_kill") || name.starts_with("pgpg") || name.starts_with("pswp") ||
         (name.starts_with("pg") && name.find("fault", 2) != name.npos);
}

}  // namespace

HostCollector vmstat_collector(HostContext context) {
  return {"vmstat", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.proc("vmstat"));
            for (const std::string_view line : lines_of(text)) {
              const std::size_t blank = line.find(' ');
              if (blank == line.npos) return bad_line("vmstat", line);
              if (!is_wanted(line.substr(0, blank))) continue;
              const std::optional<double> value = number_of(line.substr(blank + 1));
              if (!value) return bad_line("vmstat", line);
              const std::string name = "node_vmstat_" + std::string(line.substr(0, blank));
              out.add({name, MetricType::kUnknown, "A field of /proc/vmstat."}, *value);
            }
            return {};
          }};
}

}  // namespace nines::collector
