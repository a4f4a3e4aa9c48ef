#pragma once
// The life of one source: ask, keep, wait, ask again.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/core/gate.h"
#include "base/core/mutex.h"
#include "collector/discovery/discovery.h"
#include "collector/discovery/target_source.h"

namespace nines::collector {

// Thread-safe. Callbacks hold it weakly, so that Discovery decides how long it lives.
class SourceRun : public std::enable_shared_from_this<SourceRun> {
 public:
  // `taken` follows each refresh, on any thread and without a lock.
  SourceRun(std::string pool, std::unique_ptr<TargetSource> source, const DiscoveryParts& parts,
            std::shared_ptr<Gate> gate, std::function<void(SourceRun&)> taken);

  void refresh();
  // Something changed: refresh in a moment, once for all that changes within it.
  void poke();
  void end();

  const std::string& pool() const { return pool_; }
  const std::string& key() const { return key_; }
  bool asked() const;  // at least once, with or without success
  TargetGroups groups() const;
  std::vector<std::string> folders() const;
  SourceStatus status() const;

 private:
  void plan(Duration wait) NINES_REQUIRES(mutex_);
  void take(FoundTargets found);

  const std::string pool_;
  const std::unique_ptr<TargetSource> source_;
  const std::string key_;
  const DiscoveryParts parts_;
  const std::shared_ptr<Gate> gate_;
  const std::function<void(SourceRun&)> taken_;
  Counter& refreshes_;
  Counter& failures_;
  mutable Mutex mutex_;
  bool ended_ NINES_GUARDED_BY(mutex_) = false;
  bool asking_ NINES_GUARDED_BY(mutex_) = false;
  bool again_ NINES_GUARDED_BY(mutex_) = false;  // poked while asking
  bool asked_ NINES_GUARDED_BY(mutex_) = false;
  bool soon_ NINES_GUARDED_BY(mutex_) = false;  // the timer is a poke's
  TimerId timer_ NINES_GUARDED_BY(mutex_) = TimerId::kNone;
  TargetGroups groups_ NINES_GUARDED_BY(mutex_);
  std::vector<std::string> folders_ NINES_GUARDED_BY(mutex_);
  SourceStatus status_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::collector
