// Settings and state of network interfaces, from /sys/class/net.
// Source: kernel.org, Documentation/ABI/testing/sysfs-class-net.
#include <array>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr MetricType kG = MetricType::kGauge;
constexpr MetricType kC = MetricType::kCounter;
constexpr HostFamily kUp{"node_network_up", kG, "1 when the interface is up."};
constexpr HostFamily kInfo{"node_network_info", kG, "What the interface is."};
constexpr double kBytesPerMegabit = 1e6 / 8;

struct Field {
  const char* file;
  HostFamily family;
  double unit = 1;
};
constexpr std::array<Field, 17> kFields = {{
    {"addr_assign_type", {"node_network_address_assign_type", kG, "How it got its address."}},
    {"carrier", {"node_network_carrier", kG, "1 when the link is there."}},
    {"carrier_changes", {"node_network_carrier_changes_total", kC, "Times the link changed."}},
    {"carrier_up_count", {"node_network_carrier_up_changes_total", kC, "Times the link came."}},
    {"carrier_down_count", {"node_network_carrier_down_changes_total", kC, "Times it went."}},
    {"dev_id", {"node_network_device_id", kG, "Tells devices of one address apart."}},
    {"dormant", {"node_network_dormant", kG, "1 when it waits for something else."}},
    {"flags", {"node_network_flags", kG, "The kernel's flags, as a number."}},
    {"ifindex", {"node_network_iface_id", kG, "The kernel's number of it."}},
    {"iflink", {"node_network_iface_link", kG, "The number of the interface below it."}},
    {"link_mode", {"node_network_iface_link_mode", kG, "0 default, 1 dormant."}},
    {"mtu", {"node_network_mtu_bytes", kG, "Largest packet."}},
    {"name_assign_type", {"node_network_name_assign_type", kG, "How it got its name."}},
    {"netdev_group", {"node_network_net_dev_group", kG, "The group it is in."}},
    {"speed", {"node_network_speed_bytes", kG, "Bytes a second."}, kBytesPerMegabit},
    {"tx_queue_len", {"node_network_transmit_queue_length", kG, "Packets its queue holds."}},
    {"type", {"node_network_protocol_type", kG, "The kernel's number of its protocol."}},
}};

// "17", "-1" or "0x1003".
std::optional<double> any_base(std::string_view text) {
  if (!text.starts_with("0x")) return number_of(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<double>(value);
}

Result<void> add_interface(const HostContext& context, const std::string& device,
                           HostSamples& out) {
  const std::string folder = "class/net/" + device + "/";
  const auto word = [&](const char* file) {
    const Result<std::string> text = context.sys(folder + file);
    return text ? std::string(trim(*text)) : std::string();
  };
  const std::string address = word("address");
  const std::string broadcast = word("broadcast");
  const std::string duplex = word("duplex");
  const std::string alias = word("ifalias");
  const std::string state = word("operstate");
  out.add(kUp, {{"device", device}}, state == "up" ? 1 : 0);
  out.add(kInfo,
          {{"address", address},
           {"broadcast", broadcast},
           {"device", device},
           {"duplex", duplex},
           {"ifalias", alias},
           {"operstate", state}},
          1);
  for (const Field& field : kFields) {
    // What an interface cannot say, it refuses to be asked.
    const Result<std::string> text = context.sys(folder + field.file);
    if (!text) continue;
    const std::optional<double> value = any_base(trim(*text));
    if (!value) return bad_line(device + "/" + field.file, trim(*text).substr(0, 80));
    out.add(field.family, {{"device", device}}, *value * field.unit);
  }
  return {};
}

}  // namespace

HostCollector netclass_collector(HostContext context) {
  return {"netclass", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const auto names, context.sys_list("class/net"));
            for (const std::string& name : names) {
              const auto info = context.fs.info(context.config.sys_path + "/class/net/" + name);
              if (!info || !info->is_directory) continue;  // bonding_masters is a file
              if (Result<void> done = add_interface(context, name, out); !done) return done;
            }
            return {};
          }};
}

}  // namespace nines::collector
