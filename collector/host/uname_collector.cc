// What kernel runs here, from /proc/sys/kernel.
#include <sys/utsname.h>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr HostFamily kInfo{"node_uname_info", MetricType::kGauge,
                           "Name and version of the kernel."};
}

HostCollector uname_collector(HostContext context) {
  return {"uname", [context](HostSamples& out) -> Result<void> {
            const auto line = [&](const char* name) -> Result<std::string> {
              NINES_TRY(const std::string text, context.proc(std::string("sys/kernel/") + name));
              return std::string(trim(text));
            };
            NINES_TRY(const std::string sysname, line("ostype"));
            NINES_TRY(const std::string release, line("osrelease"));
            NINES_TRY(const std::string version, line("version"));
            NINES_TRY(const std::string nodename, line("hostname"));
            NINES_TRY(const std::string domain, line("domainname"));
            // Only newer kernels have the machine in a file.
            Result<std::string> machine = line("arch");
            utsname self{};
            if (!machine && ::uname(&self) == 0) machine = std::string(self.machine);
            out.add(kInfo,
                    {{"domainname", domain},
                     {"machine", machine ? std::string_view(*machine) : std::string_view()},
                     {"nodename", nodename},
                     {"release", release},
                     {"sysname", sysname},
                     {"version", version}},
                    1);
            return {};
          }};
}

}  // namespace nines::collector
