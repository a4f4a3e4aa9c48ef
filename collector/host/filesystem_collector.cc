// Room on mounted file systems, from the mounts of process 1 and statvfs.
#include <set>
#include <tuple>

#include "base/text/regex.h"
#include "collector/host/internal/collectors.h"

namespace nines::collector {
namespace {

// node_exporter's defaults.
constexpr std::string_view kIgnoredMounts =
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";
constexpr std::string_view kIgnoredTypes =
    "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|"
    "mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|"
    "tracefs)$";

constexpr MetricType kG = MetricType::kGauge;
constexpr HostFamily kSize{"node_filesystem_size_bytes", kG, "Size of the file system."};
constexpr HostFamily kFree{"node_filesystem_free_bytes", kG, "Free, with what is kept for root."};
constexpr HostFamily kAvail{"node_filesystem_avail_bytes", kG, "Free to ordinary users."};
constexpr HostFamily kFiles{"node_filesystem_files", kG, "Inodes of the file system."};
constexpr HostFamily kFilesFree{"node_filesystem_files_free", kG, "Inodes that are free."};
constexpr HostFamily kReadOnly{"node_filesystem_readonly", kG, "1 when mounted read-only."};
constexpr HostFamily kDeviceError{"node_filesystem_device_error", kG,
                                  "1 when the file system could not be asked."};

// Mount tables write blanks and backslashes as \ooo.
std::string unescape_mount(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr ==
            text.data() + i + 4) {
      out += static_cast<char>(code);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_read_only(std::string_view options) {
  for (const std::string_view option : split(options, ',')) {
    if (option == "ro") return true;
  }
  return false;
}

struct Ignored {
  Result<std::shared_ptr<const Regex>> mounts = Regex::compile(kIgnoredMounts, RegexAnchor::kNone);
  Result<std::shared_ptr<const Regex>> types = Regex::compile(kIgnoredTypes, RegexAnchor::kNone);
};

void collect_one(const HostContext& context, std::string_view device, const std::string& mount,
                 std::string_view type, bool read_only, HostSamples& out) {
  const std::initializer_list<HostTag> tags = {
      {"device", device}, {"fstype", type}, {"mountpoint", mount}};
  std::string path = context.config.root_path;
  while (path.ends_with('/')) path.pop_back();
  const Result<DiskSpace> space = context.fs.space(path + mount);
  out.add(kDeviceError, tags, space ? 0 : 1);
  if (!space) return;
  out.add(kReadOnly, tags, read_only ? 1 : 0);
  out.add(kSize, tags, static_cast<double>(space->total));
  out.add(kFree, tags, static_cast<double>(space->free_to_root));
  out.add(kAvail, tags, static_cast<double>(space->free));
  out.add(kFiles, tags, static_cast<double>(space->inodes));
  out.add(kFilesFree, tags, static_cast<double>(space->inodes_free));
}

}  // namespace

HostCollector filesystem_collector(HostContext context) {
  return {"filesystem", [context, ignored = Ignored()](HostSamples& out) -> Result<void> {
            if (!ignored.mounts) return Error(ignored.mounts.error());
            if (!ignored.types) return Error(ignored.types.error());
            // In a container with the host's /proc, process 1 sees the host's mounts.
            Result<std::string> text = context.proc("1/mounts");
            if (!text) text = context.proc("mounts");
            if (!text) return std::move(text).error();
            std::set<std::tuple<std::string_view, std::string, std::string_view>> seen;
            for (const std::string_view line : lines_of(*text)) {
              const std::vector<std::string_view> words = words_of(line);
              if (words.size() < 4) return bad_line("mounts", line);
              const std::string mount = unescape_mount(words[1]);
              if ((*ignored.mounts)->matches(mount) || (*ignored.types)->matches(words[2]))
                continue;
              if (!seen.emplace(words[0], mount, words[2]).second) continue;
              collect_one(context, unescape_mount(words[0]), mount, words[2],
                          is_read_only(words[3]), out);
            }
            return {};
          }};
}

}  // namespace nines::collector
