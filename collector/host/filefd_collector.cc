// Open file descriptions of the whole host, from /proc/sys/fs/file-nr.
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {
constexpr HostFamily kAllocated{"node_filefd_allocated", MetricType::kGauge,
                                "Open file descriptions of the host."};
constexpr HostFamily kMaximum{"node_filefd_maximum", MetricType::kGauge,
                              "Most file descriptions the host may open."};
}  // namespace

HostCollector filefd_collector(HostContext context) {
  return {"filefd", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const std::string text, context.proc("sys/fs/file-nr"));
            const std::vector<std::string_view> lines = lines_of(text);
            const auto words = words_of(lines.empty() ? std::string_view() : lines[0]);
            if (words.size() < 3) return bad_line("file-nr", text);
            const std::optional<double> allocated = number_of(words[0]);
            const std::optional<double> maximum = number_of(words[2]);
            if (!allocated || !maximum) return bad_line("file-nr", text);
            out.add(kAllocated, *allocated);
            out.add(kMaximum, *maximum);
            return {};
          }};
}

}  // namespace nines::collector
