#pragma once
// The external Alertmanagers that are configured, and those that discovery finds.

#include <map>
#include <string>
#include <vector>

#include "app/config/config.h"
#include "base/core/mutex.h"
#include "collector/discovery/discovery.h"
#include "rules/notify/alertmanagers.h"

namespace nines::app {

// Thread-safe.
class AlertmanagerTargets {
 public:
  explicit AlertmanagerTargets(notify::Alertmanagers& alertmanagers)
      : alertmanagers_(alertmanagers) {}

  // What pools that stay have found stays.
  void load(std::vector<config::AlertmanagerJob> jobs);
  // The pools to look into, by name.
  std::map<std::string, collector::JobDiscovery> pools() const;
  // False: the pool is somebody else's.
  bool found(const std::string& pool, const collector::TargetGroups& groups);

 private:
  void tell() const NINES_REQUIRES(mutex_);

  notify::Alertmanagers& alertmanagers_;
  mutable Mutex mutex_;
  std::vector<config::AlertmanagerJob> jobs_ NINES_GUARDED_BY(mutex_);
  std::map<std::string, collector::TargetGroups> found_ NINES_GUARDED_BY(mutex_);  // by pool
};

}  // namespace nines::app
