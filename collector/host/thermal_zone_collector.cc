// Temperatures and cooling devices, from /sys/class/thermal.
// Source: kernel.org, Documentation/driver-api/thermal/sysfs-api.rst.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr MetricType kG = MetricType::kGauge;
constexpr HostFamily kTemperature{"node_thermal_zone_temp", kG, "Degrees Celsius of the zone."};
constexpr HostFamily kState{"node_cooling_device_cur_state", kG, "How hard the device cools."};
constexpr HostFamily kStateMax{"node_cooling_device_max_state", kG,
                               "How hard the device can cool."};
constexpr std::string_view kZone = "thermal_zone";
constexpr std::string_view kCooling = "cooling_device";

Result<void> add_zone(const HostContext& context, const std::string& name, HostSamples& out) {
  const std::string folder = "class/thermal/" + name + "/";
  NINES_TRY(const std::string type, context.sys(folder + "type"));
  NINES_TRY(const double millidegrees, number_in(name + "/temp", context.sys(folder + "temp")));
  out.add(kTemperature,
          {{"type", trim(type)}, {"zone", std::string_view(name).substr(kZone.size())}},
          millidegrees / 1000);
  return {};
}

Result<void> add_device(const HostContext& context, const std::string& name, HostSamples& out) {
  const std::string folder = "class/thermal/" + name + "/";
  NINES_TRY(const std::string type, context.sys(folder + "type"));
  NINES_TRY(const double max, number_in(name + "/max_state", context.sys(folder + "max_state")));
  NINES_TRY(const double now, number_in(name + "/cur_state", context.sys(folder + "cur_state")));
  const std::string_view number = std::string_view(name).substr(kCooling.size());
  out.add(kState, {{"name", number}, {"type", trim(type)}}, now);
  out.add(kStateMax, {{"name", number}, {"type", trim(type)}}, max);
  return {};
}

}  // namespace

HostCollector thermal_zone_collector(HostContext context) {
  return {"thermal_zone", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const auto names, context.sys_list("class/thermal"));
            for (const std::string& name : names) {
              // A zone that is off refuses to be read, and is left out.
              if (name.starts_with(kZone)) {
                const Result<void> done = add_zone(context, name, out);
                if (!done && done.error().code() == ErrorCode::kInvalid) return done;
              }
              if (!name.starts_with(kCooling)) continue;
              if (Result<void> done = add_device(context, name, out); !done) return done;
            }
            return {};
          }};
}

}  // namespace nines::collector
