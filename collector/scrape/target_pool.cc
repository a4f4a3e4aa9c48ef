#include "collector/scrape/target_pool.h"

#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/net/wait.h"
#include "base/text/text.h"

#include "collector/scrape/internal/target_loop.h"

namespace nines::collector {

TargetPool::TargetPool(TargetParts parts) : parts_(parts), gate_(std::make_shared<Gate>()) {}

TargetPool::~TargetPool() {
  stop();
}

void TargetPool::load(std::vector<TargetPlan> plans) {
  std::vector<std::pair<std::shared_ptr<TargetLoop>, bool>> leaving;  // and whether silently
  std::vector<std::shared_ptr<TargetLoop>> starting;
  {
    const MutexLock lock(mutex_);
    std::unordered_map<std::string, std::shared_ptr<TargetLoop>> known;
    for (std::shared_ptr<TargetLoop>& loop : loops_) {
      std::string key = loop->key();
      known.emplace(std::move(key), std::move(loop));
    }
    loops_.clear();
    std::unordered_set<std::string> taken;
    for (TargetPlan& plan : plans) {
      if (!taken.insert(plan.key).second) continue;
      const auto found = known.find(plan.key);
      if (found != known.end() && found->second->fingerprint() == plan.fingerprint) {
        loops_.push_back(std::move(found->second));
        known.erase(found);
        continue;
      }
      if (found != known.end()) {
        skipped_before_ += found->second->skipped();
        leaving.emplace_back(std::move(found->second), true);
        known.erase(found);
      }
      loops_.push_back(std::make_shared<TargetLoop>(std::move(plan), parts_, gate_));
      if (started_) starting.push_back(loops_.back());
    }
    for (auto& [key, loop] : known) {
      skipped_before_ += loop->skipped();
      leaving.emplace_back(std::move(loop), false);
    }
  }
  // Without the lock: retiring may wait for an answer, and that may ask for targets().
  for (const auto& [loop, silently] : leaving) loop->retire(silently);
  for (const std::shared_ptr<TargetLoop>& loop : starting) loop->start();
}

void TargetPool::start() {
  std::vector<std::shared_ptr<TargetLoop>> starting;
  {
    const MutexLock lock(mutex_);
    if (started_) return;
    started_ = true;
    starting = loops_;
  }
  for (const std::shared_ptr<TargetLoop>& loop : starting) loop->start();
}

void TargetPool::stop() {
  gate_->close();
  std::vector<std::shared_ptr<TargetLoop>> loops;
  {
    const MutexLock lock(mutex_);
    started_ = true;  // for good: start() after stop() does nothing
    loops = loops_;
  }
  for (const std::shared_ptr<TargetLoop>& loop : loops) loop->drop();
}

std::vector<TargetStatus> TargetPool::targets() const {
  const MutexLock lock(mutex_);
  std::vector<TargetStatus> out;
  out.reserve(loops_.size());
  for (const std::shared_ptr<TargetLoop>& loop : loops_) out.push_back(loop->status());
  return out;
}

Result<TargetStatus> TargetPool::turn_now(const std::string& pool, const std::string& target) {
  constexpr Duration kGrace{10'000};  // for the queue of the executor and for the store
  std::shared_ptr<TargetLoop> chosen;
  TargetStatus before;
  {
    const MutexLock lock(mutex_);
    for (const std::shared_ptr<TargetLoop>& loop : loops_) {
      TargetStatus status = loop->status();
      if (!pool.empty() && status.pool != pool) continue;
      if (status.url != target && status.labels.get("instance") != target) continue;
      if (chosen) {
        const std::string both = before.url + " of " + before.pool + ", " + status.url + " of " +
                                 status.pool;
        return Error(ErrorCode::kInvalid, "several targets are called " + quote_go(target) + ": " +
                                              both + "; name one by its pool and URL");
      }
      chosen = loop;
      before = std::move(status);
    }
  }
  if (!chosen) {
    return Error(ErrorCode::kNotFound, "there is no target " + quote_go(target) +
                                           (pool.empty() ? "" : " in pool " + quote_go(pool)));
  }
  // Shared with the turn, which may end after the patience did.
  struct Wait {
    Mutex mutex;
    std::optional<TargetStatus> status NINES_GUARDED_BY(mutex);
    StopSignal over;
  };
  const auto wait = std::make_shared<Wait>();
  chosen->turn_now([wait](const TargetStatus* status) {
    {
      const MutexLock lock(wait->mutex);
      if (status != nullptr) wait->status = *status;
    }
    wait->over.raise();
  });
  const Patience patience(parts_.scheduler.clock(), before.timeout + kGrace, nullptr);
  const Result<void> waited = patience.readable(wait->over.fd());
  const MutexLock lock(wait->mutex);
  if (wait->status) return *std::move(wait->status);
  if (!waited) return waited.error();
  return Error(ErrorCode::kUnavailable, "the target has gone meanwhile");
}

std::uint64_t TargetPool::skipped_turns() const {
  const MutexLock lock(mutex_);
  std::uint64_t sum = skipped_before_;
  for (const std::shared_ptr<TargetLoop>& loop : loops_) sum += loop->skipped();
  return sum;
}

}  // namespace nines::collector
