// Neighbours known by their hardware address, from /proc/net/arp.
#include <map>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr HostFamily kEntries{"node_arp_entries", MetricType::kGauge,
                              "Neighbours known, by device."};
constexpr std::size_t kColumns = 6;  // the device is the last
}  // namespace

HostCollector arp_collector(HostContext context) {
  return {"arp", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.net("arp"));
            std::map<std::string_view, double> counts;
            for (const std::string_view line : lines_of(text)) {
              if (line.starts_with("IP address")) continue;
              const std::vector<std::string_view> words = words_of(line);
              if (words.size() != kColumns) return bad_line("net/arp", line);
              ++counts[words[kColumns - 1]];
            }
            for (const auto& [device, n] : counts) out.add(kEntries, {{"device", device}}, n);
            return {};
          }};
}

}  // namespace nines::collector
