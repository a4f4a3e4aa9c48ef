#include "app/server/internal/alertmanager_targets.h"

#include <utility>

namespace nines::app {
namespace {

const std::string kPool = "alertmanager/";

}  // namespace

void AlertmanagerTargets::load(std::vector<config::AlertmanagerJob> jobs) {
  const MutexLock lock(mutex_);
  jobs_ = std::move(jobs);
  std::map<std::string, collector::TargetGroups> kept;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    const auto known = found_.find(kPool + std::to_string(i));
    if (!jobs_[i].discovery.empty() && known != found_.end()) kept.insert(*known);
  }
  found_ = std::move(kept);
  tell();
}

std::map<std::string, collector::JobDiscovery> AlertmanagerTargets::pools() const {
  const MutexLock lock(mutex_);
  std::map<std::string, collector::JobDiscovery> out;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (!jobs_[i].discovery.empty()) out[kPool + std::to_string(i)] = jobs_[i].discovery;
  }
  return out;
}

bool AlertmanagerTargets::found(const std::string& pool, const collector::TargetGroups& groups) {
  if (!pool.starts_with(kPool)) return false;
  const MutexLock lock(mutex_);
  found_[pool] = groups;
  tell();
  return true;
}

void AlertmanagerTargets::tell() const {
  std::vector<notify::AlertmanagerConfig> all;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    const auto add = [&](const collector::TargetGroups& groups) {
      for (notify::AlertmanagerConfig& one : config::alertmanagers_at(jobs_[i], groups))
        all.push_back(std::move(one));
    };
    add(jobs_[i].static_configs);
    if (const auto known = found_.find(kPool + std::to_string(i)); known != found_.end())
      add(known->second);
  }
  alertmanagers_.load(all);
}

}  // namespace nines::app
