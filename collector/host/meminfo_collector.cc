// Memory, from /proc/meminfo: each line becomes node_memory_<name>, in bytes where it has a unit.
#include "collector/host/internal/collectors.h"

namespace nines::collector {

HostCollector meminfo_collector(HostContext context) {
  return {"meminfo", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.proc("meminfo"));
            for (const std::string_view line : lines_of(text)) {
              const std::vector<std::string_view> words = words_of(line);
              if (words.size() < 2 || !words[0].ends_with(':')) return bad_line("meminfo", line);
              const std::optional<double> value = number_of(words[1]);
              if (!value) return bad_line("meminfo", line);
              std::string name = "node_memory_";
              // "Active(anon):" is node_memory_Active_anon.
              for (const char c : words[0].substr(0, words[0].size() - 1)) {
                if (c == '(') {
                  name += '_';
                } else if (c != ')') {
                  name += c;
                }
              }
              const bool kib = words.size() > 2 && words[2] == "kB";
              if (kib) name += "_bytes";
              out.add({name, MetricType::kGauge, "A line of /proc/meminfo."},
                      kib ? *value * 1024 : *value);
            }
            return {};
          }};
}

}  // namespace nines::collector
