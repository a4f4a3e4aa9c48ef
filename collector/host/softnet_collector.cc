// Packets each processor took from the network cards, from /proc/net/softnet_stat.
#include <array>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr MetricType kC = MetricType::kCounter;
constexpr std::array<HostFamily, 3> kColumns = {{
    {"node_softnet_processed_total", kC, "Packets processed."},
    {"node_softnet_dropped_total", kC, "Packets dropped for a full queue."},
    {"node_softnet_times_squeezed_total", kC, "Times work was left for want of time."},
}};
}  // namespace

HostCollector softnet_collector(HostContext context) {
  return {"softnet", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.net("softnet_stat"));
            std::size_t row = 0;
            for (const std::string_view line : lines_of(text)) {
              const std::vector<std::string_view> words = words_of(line);
              const std::string cpu = std::to_string(row++);
              if (words.size() < 9) return bad_line("net/softnet_stat", line);
              for (std::size_t i = 0; i < kColumns.size(); ++i) {
                std::uint32_t value = 0;
                const auto [end, error] =
                    std::from_chars(words[i].data(), words[i].data() + words[i].size(), value, 16);
                if (error != std::errc() || end != words[i].data() + words[i].size()) {
                  return bad_line("net/softnet_stat", line);
                }
                out.add(kColumns[i], {{"cpu", cpu}}, static_cast<double>(value));
              }
            }
            return {};
          }};
}

}  // namespace nines::collector
