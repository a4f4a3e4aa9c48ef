// The host's clock, its zone and its clock source.
#include <ctime>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr MetricType kG = MetricType::kGauge;
constexpr HostFamily kSeconds{"node_time_seconds", kG, "The host's time, since 1970."};
constexpr HostFamily kZone{"node_time_zone_offset_seconds", kG, "The host's zone, east of UTC."};
constexpr HostFamily kAvailable{"node_time_clocksource_available_info", kG,
                                "Clock sources the kernel could use."};
constexpr HostFamily kCurrent{"node_time_clocksource_current_info", kG,
                              "The clock source the kernel uses."};
const char* const kSource = "devices/system/clocksource/clocksource0/";
}  // namespace

HostCollector time_collector(HostContext context) {
  return {"time", [context](HostSamples& out) -> Result<void> {
            out.add(kSeconds, static_cast<double>(to_millis(out.at())) / 1000);
            const std::time_t seconds = to_millis(out.at()) / 1000;
            std::tm local{};
            if (::localtime_r(&seconds, &local) != nullptr) {
              out.add(kZone, {{"time_zone", local.tm_zone}}, static_cast<double>(local.tm_gmtoff));
            }
            // Virtual machines may show no clock sources; the time is still the time.
            const Result<std::string> available =
                context.sys(std::string(kSource) + "available_clocksource");
            const Result<std::string> current =
                context.sys(std::string(kSource) + "current_clocksource");
            if (available) {
              for (const std::string_view name : words_of(trim(*available))) {
                out.add(kAvailable, {{"clocksource", name}, {"device", "0"}}, 1);
              }
            }
            if (current) out.add(kCurrent, {{"clocksource", trim(*current)}, {"device", "0"}}, 1);
            return {};
          }};
}

}  // namespace nines::collector
