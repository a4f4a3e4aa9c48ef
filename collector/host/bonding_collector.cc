// Bonded network interfaces and how many of each carry, from /sys/class/net.
// Source: kernel.org, Documentation/networking/bonding.rst.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr HostFamily kSlaves{"node_bonding_slaves", MetricType::kGauge,
                             "Interfaces the bond was given."};
constexpr HostFamily kActive{"node_bonding_active", MetricType::kGauge,
                             "Interfaces of the bond that are up."};
}  // namespace

HostCollector bonding_collector(HostContext context) {
  return {"bonding", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string masters, context.sys("class/net/bonding_masters"));
            for (const std::string_view master : words_of(trim(masters))) {
              const std::string folder = "class/net/" + std::string(master) + "/";
              NINES_TRY(const std::string slaves, context.sys(folder + "bonding/slaves"));
              double count = 0;
              double active = 0;
              for (const std::string_view slave : words_of(trim(slaves))) {
                // Kernels before 3.11 have slave_* where later ones have lower_*.
                const std::string file = std::string(slave) + "/bonding_slave/mii_status";
                Result<std::string> state = context.sys(folder + "lower_" + file);
                if (!state) state = context.sys(folder + "slave_" + file);
                if (!state) return std::move(state).error();
                ++count;
                if (trim(*state) == "up") ++active;
              }
              out.add(kSlaves, {{"master", master}}, count);
              out.add(kActive, {{"master", master}}, active);
            }
            return {};
          }};
}

}  // namespace nines::collector
