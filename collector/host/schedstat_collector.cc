// What the scheduler did on each processor, from /proc/schedstat.
// Source: kernel.org, Documentation/scheduler/sched-stats.rst.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr MetricType kC = MetricType::kCounter;
constexpr HostFamily kRunning{"node_schedstat_running_seconds_total", kC,
                              "Seconds tasks ran on this processor."};
constexpr HostFamily kWaiting{"node_schedstat_waiting_seconds_total", kC,
                              "Seconds tasks waited for this processor."};
constexpr HostFamily kSlices{"node_schedstat_timeslices_total", kC,
                             "Turns tasks had on this processor."};
constexpr double kNanosPerSecond = 1e9;
}  // namespace

HostCollector schedstat_collector(HostContext context) {
  return {"schedstat", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.proc("schedstat"));
            for (const std::string_view line : lines_of(text)) {
              const std::vector<std::string_view> words = words_of(line);
              if (words.empty() || !words[0].starts_with("cpu")) continue;  // version, domains
              const std::string_view cpu = words[0].substr(3);
              if (words.size() < 10 || !is_digits(cpu)) return bad_line("schedstat", line);
              const auto running = number_of(words[7]);
              const auto waiting = number_of(words[8]);
              const auto slices = number_of(words[9]);
              if (!running || !waiting || !slices) return bad_line("schedstat", line);
              out.add(kRunning, {{"cpu", cpu}}, *running / kNanosPerSecond);
              out.add(kWaiting, {{"cpu", cpu}}, *waiting / kNanosPerSecond);
              out.add(kSlices, {{"cpu", cpu}}, *slices);
            }
            return {};
          }};
}

}  // namespace nines::collector
