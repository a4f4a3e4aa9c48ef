// Interrupts, context switches, processes and the time of boot, from /proc/stat.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

struct Field {
  std::string_view word;
  HostFamily family;
};
constexpr Field kFields[] = {
    {"intr", {"node_intr_total", MetricType::kCounter, "Interrupts served."}},
    {"ctxt", {"node_context_switches_total", MetricType::kCounter, "Context switches."}},
    {"btime", {"node_boot_time_seconds", MetricType::kGauge, "When the host booted, since 1970."}},
    {"processes", {"node_forks_total", MetricType::kCounter, "Processes and threads made."}},
    {"procs_running", {"node_procs_running", MetricType::kGauge, "Tasks that could run."}},
    {"procs_blocked", {"node_procs_blocked", MetricType::kGauge, "Tasks that wait for I/O."}},
};

}  // namespace

HostCollector stat_collector(HostContext context) {
  return {"stat", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.proc("stat"));
            for (const std::string_view line : lines_of(text)) {
              const std::size_t blank = line.find(' ');
              for (const Field& field : kFields) {
                if (line.substr(0, blank) != field.word || blank == line.npos) continue;
                // The line of interrupts is long: the sum stands first.
                const std::string_view rest = line.substr(blank + 1);
                const std::optional<double> value = number_of(rest.substr(0, rest.find(' ')));
                if (!value) return bad_line("stat", line.substr(0, 80));
                out.add(field.family, *value);
              }
            }
            return {};
          }};
}

}  // namespace nines::collector
