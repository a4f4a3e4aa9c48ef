// Load averages, from /proc/loadavg.
#include <array>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr std::array<HostFamily, 3> kLoads = {{
    {"node_load1", MetricType::kGauge, "Load average of 1 minute."},
    {"node_load5", MetricType::kGauge, "Load average of 5 minutes."},
    {"node_load15", MetricType::kGauge, "Load average of 15 minutes."},
}};
}  // namespace

HostCollector loadavg_collector(HostContext context) {
  return {"loadavg", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.proc("loadavg"));
            const std::vector<std::string_view> words = words_of(text);
            if (words.size() < kLoads.size()) return bad_line("loadavg", text);
            for (std::size_t i = 0; i < kLoads.size(); ++i) {
              const std::optional<double> load = number_of(words[i]);
              if (!load) return bad_line("loadavg", text);
              out.add(kLoads[i], *load);
            }
            return {};
          }};
}

}  // namespace nines::collector
