// Time per processor and mode, from /proc/stat.
#include <array>
#include <map>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr double kTicksPerSecond = 100;  // USER_HZ, fixed in the kernel's interface
constexpr std::array<std::string_view, 8> kModes = {"user",   "nice", "system",  "idle",
                                                    "iowait", "irq",  "softirq", "steal"};
constexpr std::size_t kGuest = 8;
constexpr std::size_t kFields = 10;
constexpr double kIdleStepMax =
    3;  // seconds back that mean: this processor was taken out and put in
constexpr std::size_t kIdle = 3;

constexpr HostFamily kSeconds{"node_cpu_seconds_total", MetricType::kCounter,
                              "Seconds each processor spent in each mode."};
constexpr HostFamily kGuestSeconds{"node_cpu_guest_seconds_total", MetricType::kCounter,
                                   "Seconds each processor spent running guests."};

using Times = std::array<double, kFields>;

// The kernel's numbers go back a little now and then (iowait most of all); a counter must not. A
// large step back of the idle time is a processor that starts over.
void take_over(Times& known, const Times& fresh) {
  if (known[kIdle] - fresh[kIdle] >= kIdleStepMax) {
    known = fresh;
    return;
  }
  for (std::size_t i = 0; i < kFields; ++i) known[i] = std::max(known[i], fresh[i]);
}

}  // namespace

HostCollector cpu_collector(HostContext context) {
  return {"cpu",
          [context, known = std::map<std::string, Times, std::less<>>()](
              HostSamples& out) mutable -> Result<void> {
            NINES_TRY(const std::string text, context.proc("stat"));
            std::size_t found = 0;
            for (const std::string_view line : lines_of(text)) {
              const std::vector<std::string_view> words = words_of(line);
              // "cpu0 ...", not the sum of all in "cpu ...".
              if (words.size() < 5 || !words[0].starts_with("cpu") || words[0].size() == 3)
                continue;
              Times fresh{};
              for (std::size_t i = 0; i < kFields && i + 1 < words.size(); ++i) {
                const std::optional<double> ticks = number_of(words[i + 1]);
                if (!ticks) return bad_line("stat", line);
                fresh[i] = *ticks / kTicksPerSecond;
              }
              const std::string_view cpu = words[0].substr(3);
              Times& times = known.try_emplace(std::string(cpu), fresh).first->second;
              take_over(times, fresh);
              for (std::size_t i = 0; i < kModes.size(); ++i) {
                out.add(kSeconds, {{"cpu", cpu}, {"mode", kModes[i]}}, times[i]);
              }
              out.add(kGuestSeconds, {{"cpu", cpu}, {"mode", "user"}}, times[kGuest]);
              out.add(kGuestSeconds, {{"cpu", cpu}, {"mode", "nice"}}, times[kGuest + 1]);
              ++found;
            }
            if (found == 0) return Error(ErrorCode::kInvalid, "stat: no processors");
            return {};
          }};
}

}  // namespace nines::collector
