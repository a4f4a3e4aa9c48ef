// Traffic of network interfaces, from /proc/net/dev.
#include <array>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr MetricType kC = MetricType::kCounter;
constexpr std::array<HostFamily, 16> kFields = {{
    {"node_network_receive_bytes_total", kC, "Bytes received."},
    {"node_network_receive_packets_total", kC, "Packets received."},
    {"node_network_receive_errs_total", kC, "Receive errors."},
    {"node_network_receive_drop_total", kC, "Received packets dropped."},
    {"node_network_receive_fifo_total", kC, "Receive queue overruns."},
    {"node_network_receive_frame_total", kC, "Framing errors."},
    {"node_network_receive_compressed_total", kC, "Compressed packets received."},
    {"node_network_receive_multicast_total", kC, "Multicast packets received."},
    {"node_network_transmit_bytes_total", kC, "Bytes sent."},
    {"node_network_transmit_packets_total", kC, "Packets sent."},
    {"node_network_transmit_errs_total", kC, "Send errors."},
    {"node_network_transmit_drop_total", kC, "Packets dropped before they were sent."},
    {"node_network_transmit_fifo_total", kC, "Send queue overruns."},
    {"node_network_transmit_colls_total", kC, "Collisions."},
    {"node_network_transmit_carrier_total", kC, "Carrier losses."},
    {"node_network_transmit_compressed_total", kC, "Compressed packets sent."},
}};
constexpr HostFamily kNoHandler{"node_network_receive_nohandler_total", kC,
                                "Packets received that no protocol wanted."};

}  // namespace

HostCollector netdev_collector(HostContext context) {
  return {"netdev", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.net("dev"));
            for (const std::string_view line : lines_of(text)) {
              if (line.find('|') != line.npos) continue;  // the two lines of the heading
              // The first number may stand right behind the colon; an alias may contain one itself.
              const std::size_t colon = line.rfind(':');
              if (colon == line.npos) return bad_line("net/dev", line);
              const std::vector<std::string_view> numbers = words_of(line.substr(colon + 1));
              if (numbers.size() < kFields.size()) return bad_line("net/dev", line);
              const std::string_view device = trim(line.substr(0, colon));
              for (std::size_t i = 0; i < kFields.size(); ++i) {
                const std::optional<double> value = number_of(numbers[i]);
                if (!value) return bad_line("net/dev", line);
                out.add(kFields[i], {{"device", device}}, *value);
              }
              // Not in that table; a container's own view may lack the folder.
              const Result<double> nohandler = number_in(
                  "rx_nohandler",
                  context.sys("class/net/" + std::string(device) + "/statistics/rx_nohandler"));
              if (nohandler) out.add(kNoHandler, {{"device", device}}, *nohandler);
            }
            return {};
          }};
}

}  // namespace nines::collector
