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

constexpr HostFamily kInfo{"node_disk_info", MetricType::kGauge, "What the device is."};

// What udev found out about the device: lines such as "E:ID_MODEL=...". Without udev, nothing.
std::string udev_value(std::string_view text, std::string_view key) {
  for (const std::string_view line : lines_of(text)) {
    if (!line.starts_with("E:")) continue;
    const std::string_view rest = line.substr(2);
    if (rest.starts_with(key) && rest.size() > key.size() && rest[key.size()] == '=') {
      return std::string(rest.substr(key.size() + 1));
    }
  }
  return "";
}

void add_info(const HostContext& context, std::string_view device, std::string_view major,
              std::string_view minor, HostSamples& out) {
  const std::string file = "run/udev/data/b" + std::string(major) + ":" + std::string(minor);
  const Result<std::string> read = context.root(file);
  const std::string text = read ? *read : std::string();
  std::string serial = udev_value(text, "SCSI_IDENT_SERIAL");
  if (serial.empty()) serial = udev_value(text, "ID_SERIAL_SHORT");
  const std::string path = udev_value(text, "ID_PATH");
  const std::string wwn = udev_value(text, "ID_WWN");
  const std::string model = udev_value(text, "ID_MODEL");
  const std::string revision = udev_value(text, "ID_REVISION");
  out.add(kInfo,
          {{"device", device},
           {"major", major},
           {"minor", minor},
           {"model", model},
           {"path", path},
           {"revision", revision},
           {"serial", serial},
           {"wwn", wwn}},
          1);
}

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
              add_info(context, device, words[0], words[1], out);
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
