// Processes and threads by state, from /proc/<pid>/stat and /proc/<pid>/task.
// Source: proc(5).
#include <map>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr MetricType kG = MetricType::kGauge;
constexpr HostFamily kThreads{"node_processes_threads", kG, "Threads of all processes."};
constexpr HostFamily kThreadsMax{"node_processes_max_threads", kG, "Threads the host may have."};
constexpr HostFamily kStates{"node_processes_state", kG, "Processes in each state."};
constexpr HostFamily kThreadStates{"node_processes_threads_state", kG, "Threads in each state."};
constexpr HostFamily kPids{"node_processes_pids", kG, "Processes."};
constexpr HostFamily kPidsMax{"node_processes_max_processes", kG, "Process ids there are."};

struct Stat {
  std::string state;
  double threads = 0;
};

// "1 (a name) S 0 ...": the name may hold anything, so what follows its last parenthesis counts.
Result<Stat> parse(const std::string& file, std::string_view text) {
  const std::size_t end = text.rfind(')');
  constexpr std::size_t kState = 0;
  constexpr std::size_t kThreadCount = 17;
  if (end == text.npos) return bad_line(file, trim(text.substr(0, 80)));
  const std::vector<std::string_view> words = words_of(trim(text.substr(end + 1)));
  if (words.size() <= kThreadCount) return bad_line(file, trim(text.substr(0, 80)));
  const std::optional<double> threads = number_of(words[kThreadCount]);
  if (!threads) return bad_line(file, trim(text.substr(0, 80)));
  return Stat{std::string(words[kState]), *threads};
}

struct Counts {
  double processes = 0;
  double threads = 0;
  std::map<std::string, double> states;
  std::map<std::string, double> thread_states;
};

// Processes and threads may end between the list and the reading.
Result<void> count_one(const HostContext& context, const std::string& pid, Counts& counts) {
  const std::string file = pid + "/stat";
  const Result<std::string> text = context.proc(file);
  if (!text) return {};
  NINES_TRY(const Stat stat, parse(file, *text));
  ++counts.processes;
  counts.threads += stat.threads;
  ++counts.states[stat.state];
  if (stat.threads <= 1) {  // its only thread is itself
    ++counts.thread_states[stat.state];
    return {};
  }
  const auto threads = context.fs.list(context.config.proc_path + "/" + pid + "/task");
  if (!threads) return {};
  for (const std::string& thread : *threads) {
    const std::string one = pid + "/task/" + thread + "/stat";
    const Result<std::string> line = context.proc(one);
    if (!line) continue;
    NINES_TRY(const Stat its, parse(one, *line));
    ++counts.thread_states[its.state];
  }
  return {};
}

}  // namespace

HostCollector processes_collector(HostContext context) {
  return {"processes", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const auto names, context.fs.list(context.config.proc_path));
            Counts counts;
            for (const std::string& name : names) {
              if (!is_digits(name)) continue;
              if (Result<void> done = count_one(context, name, counts); !done) return done;
            }
            out.add(kThreads, counts.threads);
            out.add(kPids, counts.processes);
            for (const auto& [state, n] : counts.states) out.add(kStates, {{"state", state}}, n);
            for (const auto& [state, n] : counts.thread_states) {
              out.add(kThreadStates, {{"thread_state", state}}, n);
            }
            NINES_TRY(const double threads_max,
                      number_in("threads-max", context.proc("sys/kernel/threads-max")));
            out.add(kThreadsMax, threads_max);
            NINES_TRY(const double pids_max,
                      number_in("pid_max", context.proc("sys/kernel/pid_max")));
            out.add(kPidsMax, pids_max);
            return {};
          }};
}

}  // namespace nines::collector
