#include "collector/discovery/discovery.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/core/gate.h"
#include "base/core/mutex.h"
#include "collector/discovery/internal/folder_watch.h"
#include "collector/discovery/internal/source_run.h"
#include "collector/discovery/internal/sources.h"

namespace nines::collector {

std::vector<std::unique_ptr<TargetSource>> make_sources(const JobDiscovery& job,
                                                        const DiscoveryParts& parts,
                                                        const StopSignal& stop) {
  std::vector<std::unique_ptr<TargetSource>> out;
  for (const FileSdConfig& one : job.files) out.push_back(make_file_source(one, parts));
  for (const HttpSdConfig& one : job.https) out.push_back(make_http_source(one, parts));
  for (const DnsSdConfig& one : job.dns) out.push_back(make_dns_source(one, parts, stop));
  for (const ConsulSdConfig& one : job.consuls) out.push_back(make_consul_source(one, parts));
  return out;
}

struct Discovery::Impl {
  using Runs = std::vector<std::shared_ptr<SourceRun>>;  // shared with callbacks on other threads

  Impl(DiscoveryParts p, TargetsFound f) : parts(std::move(p)), found(std::move(f)) {}

  void add_pool(const std::string& pool, const JobDiscovery& job, Runs& known, Runs& starting)
      NINES_REQUIRES(mutex) {
    for (std::unique_ptr<TargetSource>& source : make_sources(job, parts, stop_signal)) {
      const std::string key = source->kind() + "\n" + source->key();
      const auto same = std::find_if(known.begin(), known.end(), [&](const auto& run) {
        return run && run->pool() == pool && run->key() == key;
      });
      if (same != known.end()) {
        runs.push_back(std::move(*same));
        continue;
      }
      runs.push_back(std::make_shared<SourceRun>(pool, std::move(source), parts, gate,
                                                 [this](SourceRun& run) { taken(run); }));
      if (started) starting.push_back(runs.back());
    }
  }

  void taken(SourceRun& run) {
    watch_folders();
    publish(run.pool());
  }

  void watch_folders() {
    const MutexLock one(watching);
    std::set<std::string> folders;
    {
      const MutexLock lock(mutex);
      for (const auto& run : runs) {
        for (std::string& folder : run->folders()) folders.insert(std::move(folder));
      }
    }
    if (folders.empty() && !watch) return;
    if (!watch) {
      watch = std::make_unique<FolderWatch>([this](const std::string& folder) { changed(folder); });
    }
    if (Result<void> set = watch->set(folders); !set && !watch_trouble_told) {
      watch_trouble_told = true;
      parts.log.warn("discovery", "changes are seen at the refresh_interval only: {}",
                     set.error().what());
    }
  }

  void changed(const std::string& folder) {
    Runs poked;
    {
      const MutexLock lock(mutex);
      poked = runs;
    }
    for (const auto& run : poked) {
      const std::vector<std::string> folders = run->folders();
      if (std::find(folders.begin(), folders.end(), folder) != folders.end()) run->poke();
    }
  }

  void publish(const std::string& pool) {
    const MutexLock one(publishing);
    TargetGroups groups;
    {
      const MutexLock lock(mutex);
      bool complete = true;
      bool there = false;
      bool asked = false;
      for (const auto& run : runs) {
        if (run->pool() != pool) continue;
        there = true;
        complete = complete && run->asked();
        asked = asked || run->asked();
        for (StaticConfig& group : run->groups()) groups.push_back(std::move(group));
      }
      const auto before = published.find(pool);
      if (!there) {
        if (before != published.end()) published.erase(before);
        return;
      }
      if (!asked) return;
      // What a source no longer configured had found stays until the new ones have spoken.
      if (before != published.end() && !complete) return;
      if (before != published.end() && before->second == groups) return;
      published[pool] = groups;
    }
    found(pool, std::move(groups));
  }

  const DiscoveryParts parts;
  const TargetsFound found;
  const std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  StopSignal stop_signal;
  Mutex publishing;  // before `mutex`
  Mutex watching;    // before `mutex`
  mutable Mutex mutex;
  bool started NINES_GUARDED_BY(mutex) = false;
  Runs runs NINES_GUARDED_BY(mutex);
  std::map<std::string, TargetGroups> published NINES_GUARDED_BY(mutex);
  bool watch_trouble_told NINES_GUARDED_BY(watching) = false;
  std::unique_ptr<FolderWatch> watch NINES_GUARDED_BY(watching);
};

Discovery::Discovery(DiscoveryParts parts, TargetsFound found)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(found))) {}

Discovery::~Discovery() {
  stop();
}

void Discovery::load(std::map<std::string, JobDiscovery> pools) {
  Impl::Runs known, starting;
  {
    const MutexLock lock(impl_->mutex);
    known = std::exchange(impl_->runs, {});
    for (const auto& [pool, job] : pools) impl_->add_pool(pool, job, known, starting);
    std::erase_if(impl_->published, [&](const auto& one) {
      const auto pool = pools.find(one.first);
      return pool == pools.end() || pool->second.empty();
    });
  }
  for (const auto& run : known) {
    if (run) run->end();
  }
  for (const auto& run : starting) run->refresh();
  // A source that went without a successor takes its targets with it.
  for (const auto& [pool, job] : pools) {
    if (!job.empty()) impl_->publish(pool);
  }
  impl_->watch_folders();
}

void Discovery::start() {
  Impl::Runs starting;
  {
    const MutexLock lock(impl_->mutex);
    if (impl_->started) return;
    impl_->started = true;
    starting = impl_->runs;
  }
  for (const auto& run : starting) run->refresh();
}

void Discovery::stop() {
  impl_->stop_signal.raise();
  std::unique_ptr<FolderWatch> watch;
  {
    const MutexLock lock(impl_->watching);
    watch = std::move(impl_->watch);
  }
  watch.reset();  // without the lock: its thread may be on the way to it
  impl_->gate->close();
  const MutexLock lock(impl_->mutex);
  for (const auto& run : impl_->runs) run->end();
}

std::vector<SourceStatus> Discovery::status() const {
  const MutexLock lock(impl_->mutex);
  std::vector<SourceStatus> out;
  for (const auto& run : impl_->runs) out.push_back(run->status());
  return out;
}

}  // namespace nines::collector
