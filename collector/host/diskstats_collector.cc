// Work of block devices, from /proc/diskstats.
// Source: kernel.org, Documentation/admin-guide/iostats.rst.
#include <array>

#include "base/text/regex.h"
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

// Partitions, loop devices and RAM disks: node_exporter's default.
constexpr std::string_view kIgnored = R"(^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$)";
constexpr double kSector = 512;
constexpr double kMilli = 1e-3;

struct Field {
  HostFamily family;
  double unit;
};

constexpr MetricType kC = MetricType::kCounter;
constexpr std::array<Field, 17> kFields = {{
    {{"node_disk_reads_completed_total", kC, "Reads completed."}, 1},
    {{"node_disk_reads_merged_total", kC, "Reads merged."}, 1},
    {{"node_disk_read_bytes_total", kC, "Bytes read."}, kSector},
    {{"node_disk_read_time_seconds_total", kC, "Seconds spent by all reads."}, kMilli},
    {{"node_disk_writes_completed_total", kC, "Writes completed."}, 1},
    {{"node_disk_writes_merged_total", kC, "Writes merged."}, 1},
    {{"node_disk_written_bytes_total", kC, "Bytes written."}, kSector},
    {{"node_disk_write_time_seconds_total", kC, "Seconds spent by all writes."}, kMilli},
    {{"node_disk_io_now", MetricType::kGauge, "Requests in progress."}, 1},
    {{"node_disk_io_time_seconds_total", kC, "Seconds with any request in progress."}, kMilli},
    {{"node_disk_io_time_weighted_seconds_total", kC, "Seconds in progress, summed over requests."},
     kMilli},
    {{"node_disk_discards_completed_total", kC, "Discards completed."}, 1},
    {{"node_disk_discards_merged_total", kC, "Discards merged."}, 1},
    {{"node_disk_discarded_sectors_total", kC, "Sectors discarded."}, 1},
    {{"node_disk_discard_time_seconds_total", kC, "Seconds spent by all discards."}, kMilli},
    {{"node_disk_flush_requests_total", kC, "Flush requests completed."}, 1},
    {{"node_disk_flush_requests_time_seconds_total", kC, "Seconds spent by all flush requests."},
     kMilli},
}};

}  // namespace

HostCollector diskstats_collector(HostContext context) {
  return {"diskstats",
          [context, ignored = Regex::compile(kIgnored, RegexAnchor::kNone)](
              HostSamples& out) -> Result<void> {
            if (!ignored) return Error(ignored.error());
            NINES_TRY(const std::string text, context.proc("diskstats"));
            for (const std::string_view line : lines_of(text)) {
              // major minor device, then the numbers; older kernels write fewer of them.
              const std::vector<std::string_view> words = words_of(line);
              if (words.size() < 14) return bad_line("diskstats", line);
              const std::string_view device = words[2];
              if ((*ignored)->matches(device)) continue;
              for (std::size_t i = 0; i < kFields.size() && i + 3 < words.size(); ++i) {
                const std::optional<double> value = number_of(words[i + 3]);
                if (!value) return bad_line("diskstats", line);
                // Milliseconds are divided by a whole number: 0.001 is no exact double.
                out.add(kFields[i].family, {{"device", device}},
                        kFields[i].unit == kMilli ? *value / 1000 : *value * kFields[i].unit);
              }
            }
            return {};
          }};
}

}  // namespace nines::collector
