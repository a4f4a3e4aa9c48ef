// file_sd_configs: targets in files of their own.
#include <algorithm>
#include <set>
#include <utility>

#include "base/text/text.h"
#include "collector/discovery/internal/sources.h"
#include "collector/discovery/internal/target_file.h"

namespace nines::collector {
namespace {

constexpr std::uint64_t kFileBytesMax = 64u << 20;

// Without its last part, and without what comes after the first wildcard.
std::string folder_of(const std::string& path) {
  const std::string fixed = path.substr(0, path.find_first_of("*?["));
  const std::size_t slash = fixed.rfind('/');
  if (slash == std::string::npos) return ".";
  return fixed.substr(0, std::max<std::size_t>(slash, 1));
}

class FileSource final : public TargetSource {
 public:
  FileSource(FileSdConfig config, const DiscoveryParts& parts)
      : config_(std::move(config)), parts_(parts) {}

  std::string kind() const override { return "file"; }
  std::string what() const override { return join(config_.files, ", "); }
  std::string key() const override {
    return what() + "\n" + std::to_string(config_.refresh_interval.count());
  }
  Duration refresh_interval() const override { return config_.refresh_interval; }
  std::vector<std::string> folders() const override {
    return {folders_.begin(), folders_.end()};
  }

  void refresh(FoundDone done) override {
    FoundTargets found;
    found.groups.emplace();
    std::map<std::string, TargetGroups> now;
    folders_.clear();
    for (const std::string& pattern : config_.files) {
      folders_.insert(folder_of(pattern));
      Result<std::vector<std::string>> files = glob_files(parts_.fs, pattern);
      if (!files) {
        if (files.error().code() != ErrorCode::kNotFound) {
          found.errors.push_back(pattern + ": " + files.error().what());
        }
        continue;
      }
      for (const std::string& file : *files) {
        folders_.insert(folder_of(file));
        if (now.count(file) == 0) read(file, now, found);
      }
    }
    for (auto& [file, groups] : now) {
      for (StaticConfig group : groups) {
        group.labels["__meta_filepath"] = file;
        found.groups->push_back(std::move(group));
      }
    }
    last_good_ = std::move(now);
    done(std::move(found));
  }

 private:
  void read(const std::string& file, std::map<std::string, TargetGroups>& now,
            FoundTargets& found) {
    Result<TargetGroups> groups = groups_of(file);
    if (groups) {
      now[file] = *std::move(groups);
      return;
    }
    found.errors.push_back(file + ": " + groups.error().what());
    if (const auto before = last_good_.find(file); before != last_good_.end()) {
      now[file] = before->second;
    }
  }

  Result<TargetGroups> groups_of(const std::string& file) const {
    NINES_TRY(const std::string text, read_file(parts_.fs, file, kFileBytesMax));
    if (file.ends_with(".json")) return parse_targets_json(text);
    if (file.ends_with(".toml")) return parts_.read_toml(file, text);
    return parse_targets_yaml(text);
  }

  const FileSdConfig config_;
  const DiscoveryParts parts_;
  std::map<std::string, TargetGroups> last_good_;
  std::set<std::string> folders_;
};

}  // namespace

std::unique_ptr<TargetSource> make_file_source(FileSdConfig config, const DiscoveryParts& parts) {
  return std::make_unique<FileSource>(std::move(config), parts);
}

}  // namespace nines::collector
