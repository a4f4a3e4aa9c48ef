// Pressure stall information, from /proc/pressure.
// Source: kernel.org, Documentation/accounting/psi.rst.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr MetricType kC = MetricType::kCounter;

struct Resource {
  const char* file;
  HostFamily waiting;  // "some"
  HostFamily stalled;  // "full"; no name: not reported
};
constexpr Resource kResources[] = {
    {"pressure/cpu",
     {"node_pressure_cpu_waiting_seconds_total", kC, "Seconds tasks waited for a processor."},
     {"", kC, ""}},
    {"pressure/io",
     {"node_pressure_io_waiting_seconds_total", kC, "Seconds tasks waited for I/O."},
     {"node_pressure_io_stalled_seconds_total", kC, "Seconds no task went on because of I/O."}},
    {"pressure/memory",
     {"node_pressure_memory_waiting_seconds_total", kC, "Seconds tasks waited for memory."},
     {"node_pressure_memory_stalled_seconds_total", kC,
      "Seconds no task went on because of memory."}},
};

// The total of a line such as "some avg10=0.00 avg60=0.00 avg300=0.00 total=5", in seconds.
std::optional<double> total_of(const std::vector<std::string_view>& words) {
  constexpr std::string_view kTotal = "total=";
  for (const std::string_view word : words) {
    if (!word.starts_with(kTotal)) continue;
    const std::optional<double> us = number_of(word.substr(kTotal.size()));
    return us ? std::optional(*us / 1e6) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

HostCollector pressure_collector(HostContext context) {
  return {"pressure", [context](HostSamples& out) -> Result<void> {
            for (const Resource& resource : kResources) {
              NINES_TRY(const std::string text, context.proc(resource.file));
              for (const std::string_view line : lines_of(text)) {
                const std::vector<std::string_view> words = words_of(line);
                const std::optional<double> seconds = total_of(words);
                if (!seconds) return bad_line(resource.file, line);
                if (words[0] == "some") out.add(resource.waiting, *seconds);
                if (words[0] == "full" && !resource.stalled.name.empty()) {
                  out.add(resource.stalled, *seconds);
                }
              }
            }
            return {};
          }};
}

}  // namespace nines::collector
