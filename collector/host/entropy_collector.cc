// Random bits at hand, from /proc/sys/kernel/random.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr HostFamily kAvailable{"node_entropy_available_bits", MetricType::kGauge,
                                "Bits of entropy at hand."};
constexpr HostFamily kPool{"node_entropy_pool_size_bits", MetricType::kGauge,
                           "Bits of entropy the pool can hold."};
}  // namespace

HostCollector entropy_collector(HostContext context) {
  return {"entropy", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const double available,
                      number_in("entropy_avail", context.proc("sys/kernel/random/entropy_avail")));
            out.add(kAvailable, available);
            NINES_TRY(const double pool,
                      number_in("poolsize", context.proc("sys/kernel/random/poolsize")));
            out.add(kPool, pool);
            return {};
          }};
}

}  // namespace nines::collector
