#include "rules/alerts/ticker.h"

#include <algorithm>
#include <utility>

namespace nines::alerts {

std::shared_ptr<Ticker> Ticker::make(Scheduler& scheduler, Executor& executor, Settings settings) {
  return std::shared_ptr<Ticker>(new Ticker(scheduler, executor, std::move(settings)));
}

Timestamp Ticker::newest_instant(Timestamp now) const {
  const std::int64_t interval = settings_.interval.count();
  const std::int64_t since_phase = to_millis(now) - settings_.phase.count();
  std::int64_t into = since_phase % interval;
  if (into < 0) into += interval;
  return now - Duration(into);
}

void Ticker::start() {
  const std::lock_guard lock(mutex_);
  if (started_) return;
  started_ = true;
  ++life_;
  next_ = newest_instant(scheduler_.clock().now());
  if (!settings_.at_once) next_ += settings_.interval;
  arm();
}

void Ticker::stop() {
  std::unique_lock lock(mutex_);
  if (started_) {
    started_ = false;
    ++life_;
    const TimerId timer = std::exchange(timer_, TimerId::kNone);
    lock.unlock();
    scheduler_.cancel(timer);
    lock.lock();
  }
  idle_.wait(lock, [this] { return !busy_ && posting_ == 0; });
}

void Ticker::exclusively(const std::function<void()>& task) {
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return !busy_; });
    busy_ = true;
  }
  task();
  const std::lock_guard lock(mutex_);
  busy_ = false;
  idle_.notify_all();
}

void Ticker::arm() {
  const Duration wait = std::max(Duration::zero(), next_ - scheduler_.clock().now());
  timer_ = scheduler_.after(wait, [self = shared_from_this(), life = life_] { self->fire(life); });
}

void Ticker::fire(std::uint64_t life) {
  std::uint64_t skipped = 0;
  Timestamp at;
  {
    const std::lock_guard lock(mutex_);
    if (!started_ || life != life_) return;
    const Timestamp now = scheduler_.clock().now();
    if (now < next_) {  // the wall clock was set back meanwhile
      if (next_ - now > settings_.interval) next_ = newest_instant(now) + settings_.interval;
      arm();
      return;
    }
    const Timestamp newest = newest_instant(now);
    skipped = static_cast<std::uint64_t>((newest - next_) / settings_.interval);
    next_ = at = newest;
    ++posting_;
  }
  if (skipped > 0) settings_.missed(skipped);
  const bool taken = executor_.post([self = shared_from_this(), at, life] { self->run(at, life); });
  if (!taken) settings_.missed(1);
  const std::lock_guard lock(mutex_);
  --posting_;
  if (!taken && started_ && life == life_) {
    next_ = at + settings_.interval;
    arm();
  }
  idle_.notify_all();
}

void Ticker::run(Timestamp at, std::uint64_t life) {
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return !busy_; });
    if (!started_ || life != life_) return;
    busy_ = true;
  }
  settings_.run(at);
  const std::lock_guard lock(mutex_);
  busy_ = false;
  if (started_ && life == life_) {
    next_ = at + settings_.interval;
    arm();
  }
  idle_.notify_all();
}

}  // namespace nines::alerts
