// The table of tracked connections, from /proc/sys/net/netfilter and /proc/net/stat/nf_conntrack.
#include <array>

#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

constexpr MetricType kG = MetricType::kGauge;
constexpr HostFamily kEntries{"node_nf_conntrack_entries", kG, "Connections in the table."};
constexpr HostFamily kLimit{"node_nf_conntrack_entries_limit", kG, "Connections it may hold."};

struct Column {
  std::string_view head;
  HostFamily family;
};
constexpr std::array<Column, 8> kColumns = {{
    {"found", {"node_nf_conntrack_stat_found", kG, "Entries found by a search."}},
    {"invalid", {"node_nf_conntrack_stat_invalid", kG, "Packets that cannot be tracked."}},
    {"ignore", {"node_nf_conntrack_stat_ignore", kG, "Packets tracked already."}},
    {"insert", {"node_nf_conntrack_stat_insert", kG, "Entries put in."}},
    {"insert_failed", {"node_nf_conntrack_stat_insert_failed", kG, "Entries that did not go in."}},
    {"drop", {"node_nf_conntrack_stat_drop", kG, "Packets dropped for want of an entry."}},
    {"early_drop", {"node_nf_conntrack_stat_early_drop", kG, "Entries dropped to make room."}},
    {"search_restart", {"node_nf_conntrack_stat_search_restart", kG, "Searches begun again."}},
}};

// A heading, then a line of hexadecimal numbers for each processor: their sums.
Result<void> add_stats(std::string_view text, HostSamples& out) {
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.size() < 2) return bad_line("net/stat/nf_conntrack", text.substr(0, 80));
  const std::vector<std::string_view> heads = words_of(lines[0]);
  std::vector<double> sums(heads.size());
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> words = words_of(lines[i]);
    if (words.size() < heads.size()) return bad_line("net/stat/nf_conntrack", lines[i]);
    for (std::size_t k = 0; k < heads.size(); ++k) {
      std::uint64_t value = 0;
      const auto [end, error] =
          std::from_chars(words[k].data(), words[k].data() + words[k].size(), value, 16);
      if (error != std::errc() || end != words[k].data() + words[k].size()) {
        return bad_line("net/stat/nf_conntrack", lines[i]);
      }
      sums[k] += static_cast<double>(value);
    }
  }
  for (std::size_t k = 0; k < heads.size(); ++k) {
    for (const Column& column : kColumns) {
      if (column.head == heads[k]) out.add(column.family, sums[k]);
    }
  }
  return {};
}

}  // namespace

HostCollector conntrack_collector(HostContext context) {
  return {"conntrack", [context](HostSamples& out) -> Result<void> {
            NINES_TRY(const double count,
                      number_in("nf_conntrack_count",
                                context.proc("sys/net/netfilter/nf_conntrack_count")));
            out.add(kEntries, count);
            NINES_TRY(
                const double limit,
                number_in("nf_conntrack_max", context.proc("sys/net/netfilter/nf_conntrack_max")));
            out.add(kLimit, limit);
            NINES_TRY(const std::string stats, context.net("stat/nf_conntrack"));
            return add_stats(stats, out);
          }};
}

}  // namespace nines::collector
