// Sockets in use, from /proc/net/sockstat and sockstat6.
#include <unistd.h>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

// "TCP: inuse 5 orphan 0 ... mem 3": memory is in pages.
Result<void> add_lines(std::string_view file, std::string_view text, HostSamples& out) {
  static const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  for (const std::string_view line : lines_of(text)) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() % 2 == 0 || words.empty() || !words[0].ends_with(':')) {
      return bad_line(file, line);
    }
    const std::string prefix =
        "node_sockstat_" + std::string(words[0].substr(0, words[0].size() - 1)) + "_";
    for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
      const std::optional<double> value = number_of(words[i + 1]);
      if (!value) return bad_line(file, line);
      const std::string name = prefix + std::string(words[i]);
      out.add({name, MetricType::kGauge, "A field of /proc/net/sockstat."}, *value);
      if (words[i] == "mem") {
        out.add({name + "_bytes", MetricType::kGauge, "Memory of these sockets."}, *value * page);
      }
    }
  }
  return {};
}

}  // namespace

HostCollector sockstat_collector(HostContext context) {
  return {"sockstat", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string four, context.net("sockstat"));
            if (Result<void> done = add_lines("net/sockstat", four, out); !done) return done;
            // A kernel without IPv6 has no such file.
            const Result<std::string> six = context.net("sockstat6");
            if (!six) return {};
            return add_lines("net/sockstat6", *six, out);
          }};
}

}  // namespace nines::collector
