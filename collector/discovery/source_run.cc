#include "collector/discovery/internal/source_run.h"

#include <utility>

#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr Duration kSettle{100};       // a change of many files is one refresh
constexpr Duration kRetryPost{1'000};  // when the executor's queue is full
constexpr const char* kComponent = "discovery";

}  // namespace

SourceRun::SourceRun(std::string pool, std::unique_ptr<TargetSource> source,
                     const DiscoveryParts& parts, std::shared_ptr<Gate> gate,
                     std::function<void(SourceRun&)> taken)
    : pool_(std::move(pool)),
      source_(std::move(source)),
      key_(source_->kind() + "\n" + source_->key()),
      parts_(parts),
      gate_(std::move(gate)),
      taken_(std::move(taken)),
      refreshes_(parts.telemetry.counter("nines_sd_refreshes_total",
                                         "Times a source was asked for targets.",
                                         {{"mechanism", source_->kind()}})),
      failures_(parts.telemetry.counter("prometheus_sd_refresh_failures_total",
                                        "Times asking a source for targets failed, whole or in "
                                        "part.",
                                        {{"mechanism", source_->kind()}})) {
  const MutexLock lock(mutex_);
  status_.pool = pool_;
  status_.kind = source_->kind();
  status_.what = source_->what();
}

void SourceRun::refresh() {
  {
    const MutexLock lock(mutex_);
    if (ended_) return;
    if (asking_) {
      again_ = true;
      return;
    }
    asking_ = true;
    soon_ = false;
  }
  refreshes_.add();
  const bool posted =
      parts_.executor.post([weak = weak_from_this(), gate = gate_] {
        const GatePass pass(gate);
        if (!pass) return;
        const std::shared_ptr<SourceRun> self = weak.lock();
        if (!self) return;
        self->source_->refresh([weak, gate](FoundTargets found) {
          const GatePass inner(gate);
          if (!inner) return;
          if (const auto run = weak.lock()) run->take(std::move(found));
        });
      });
  if (posted) return;
  const MutexLock lock(mutex_);
  asking_ = false;
  plan(kRetryPost);
}

void SourceRun::plan(Duration wait) {
  if (ended_) return;
  parts_.scheduler.cancel(timer_);
  timer_ = parts_.scheduler.after(wait, [weak = weak_from_this(), gate = gate_] {
    const GatePass pass(gate);
    if (!pass) return;
    if (const auto self = weak.lock()) self->refresh();
  });
}

void SourceRun::poke() {
  const MutexLock lock(mutex_);
  if (asking_) {
    again_ = true;
  } else if (!soon_) {
    soon_ = true;
    plan(kSettle);
  }
}

void SourceRun::take(FoundTargets found) {
  std::vector<std::string> before;
  {
    const MutexLock lock(mutex_);
    if (ended_) return;
    asking_ = false;
    asked_ = true;
    if (found.groups) groups_ = *std::move(found.groups);
    folders_ = source_->folders();
    status_.targets = 0;
    for (const StaticConfig& group : groups_) status_.targets += group.targets.size();
    status_.last_refresh = parts_.scheduler.clock().now();
    before = std::exchange(status_.errors, found.errors);
    if (found.errors.empty()) {
      status_.last_success = status_.last_refresh;
    } else {
      ++status_.failures;
    }
    soon_ = std::exchange(again_, false);
    plan(soon_ ? kSettle : source_->refresh_interval());
  }
  if (!found.errors.empty()) failures_.add();
  if (found.errors != before) {
    for (const std::string& error : found.errors) {
      parts_.log.warn(kComponent, "job={} kind={} error=\"{}\" targets=\"as before\"", pool_,
                      source_->kind(), error);
    }
    if (found.errors.empty()) {
      parts_.log.info(kComponent, "well again job={} kind={} source=\"{}\"", pool_, source_->kind(),
                      source_->what());
    }
  }
  taken_(*this);
}

void SourceRun::end() {
  const MutexLock lock(mutex_);
  ended_ = true;
  parts_.scheduler.cancel(timer_);
}

bool SourceRun::asked() const {
  const MutexLock lock(mutex_);
  return asked_;
}
TargetGroups SourceRun::groups() const {
  const MutexLock lock(mutex_);
  return groups_;
}
std::vector<std::string> SourceRun::folders() const {
  const MutexLock lock(mutex_);
  return folders_;
}
SourceStatus SourceRun::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

}  // namespace nines::collector
