// The one file that asks the machine for the time.
#include "base/core/real_clock.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

namespace nines {
namespace {

class RealClock final : public Clock {
 public:
  Timestamp now() const override {
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
  }
  LogTime now_nanos() const override {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  }
  Instant elapsed() const override {
    timespec t{};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return Instant(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
  }
};

class RealScheduler final : public Scheduler {
 public:
  explicit RealScheduler(const Clock& clock) : clock_(clock), thread_([this] { run(); }) {
    ::pthread_setname_np(thread_.native_handle(), "nines-timer");
  }
  ~RealScheduler() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  RealScheduler(const RealScheduler&) = delete;
  RealScheduler& operator=(const RealScheduler&) = delete;

  // Up to the next whole millisecond: what is due in the same one costs one waking.
  TimerId at(Instant exactly, std::function<void()> task) override {
    const Instant when = std::chrono::ceil<Duration>(exactly);
    const std::lock_guard lock(mutex_);
    const TimerId id{++last_id_};
    const auto it = queue_.emplace(std::pair(when, last_id_), std::move(task)).first;
    by_id_[last_id_] = when;
    if (it == queue_.begin()) wake_.notify_one();
    return id;
  }
  void cancel(TimerId timer) override {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(static_cast<std::uint64_t>(timer));
    if (found == by_id_.end()) return;
    queue_.erase(std::pair(found->second, found->first));
    by_id_.erase(found);
  }
  const Clock& clock() const override { return clock_; }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (queue_.empty()) {
        wake_.wait(lock);
        continue;
      }
      const auto first = queue_.begin();
      const auto wait = first->first.first - clock_.elapsed();
      if (wait.count() > 0) {
        wake_.wait_for(lock, wait);
        continue;
      }
      const std::function<void()> task = std::move(first->second);
      by_id_.erase(first->first.second);
      queue_.erase(first);
      lock.unlock();
      task();
      lock.lock();
    }
  }

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> queue_;
  std::unordered_map<std::uint64_t, Instant> by_id_;
  std::thread thread_;  // last: it uses everything above
};

class ThreadPool final : public Executor {
 public:
  ThreadPool(std::string name, int threads, std::size_t queue_max, int niceness)
      : queue_max_(queue_max) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, niceness] {
        // Linux keeps this per thread. Where it does not take it, the thread is as nice as others.
        if (niceness > 0) ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + niceness);
        run();
      });
      ::pthread_setname_np(threads_.back().native_handle(),
                           (name.substr(0, 11) + "-" + std::to_string(i)).c_str());
    }
  }
  ~ThreadPool() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  bool post(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || queue_.size() >= queue_max_) return false;
      queue_.push_back(std::move(task));
    }
    wake_.notify_one();
    return true;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      const std::function<void()> task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
};

class WaitingPool final : public Executor {
 public:
  WaitingPool(std::string name, int threads_max, std::size_t queue_max)
      : name_(name.substr(0, 15)), threads_max_(threads_max), queue_max_(queue_max) {}
  ~WaitingPool() override {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    gone_.wait(lock, [this] { return threads_ == 0; });
  }
  WaitingPool(const WaitingPool&) = delete;
  WaitingPool& operator=(const WaitingPool&) = delete;

  bool post(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(task));
    if (queue_.size() > idle_ && threads_ < threads_max_) {
      ++threads_;
      // Detached: the destructor waits for the count instead, a thread that leaves joins nobody.
      std::thread([this] { run(); }).detach();
    } else {
      wake_.notify_one();
    }
    return true;
  }

 private:
  static constexpr std::chrono::seconds kIdle{10};

  void run() {
    ::pthread_setname_np(::pthread_self(), name_.c_str());
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      const bool called =
          wake_.wait_for(lock, kIdle, [this] { return stopping_ || !queue_.empty(); });
      --idle_;
      if (stopping_ || !called) break;
      std::function<void()> task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      task();
      task = nullptr;  // what it held goes outside the lock
      lock.lock();
    }
    --threads_;
    gone_.notify_all();  // with the lock: the destructor may return as soon as it is let go
  }

  const std::string name_;
  const int threads_max_;
  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_, gone_;
  bool stopping_ = false;
  int threads_ = 0;
  std::size_t idle_ = 0;
  std::deque<std::function<void()>> queue_;
};

class RealRng final : public Rng {
 public:
  std::uint64_t next() override {
    const std::lock_guard lock(mutex_);
    return engine_();
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_{(std::uint64_t{std::random_device{}()} << 32) ^ std::random_device{}()};
};

}  // namespace

std::unique_ptr<Clock> make_real_clock() {
  return std::make_unique<RealClock>();
}
std::unique_ptr<Scheduler> make_real_scheduler(const Clock& clock) {
  return std::make_unique<RealScheduler>(clock);
}
std::unique_ptr<Executor> make_thread_pool(std::string name, int threads, std::size_t queue_max,
                                           int niceness) {
  return std::make_unique<ThreadPool>(std::move(name), threads, queue_max, niceness);
}
std::unique_ptr<Executor> make_waiting_pool(std::string name, int threads_max,
                                            std::size_t queue_max) {
  return std::make_unique<WaitingPool>(std::move(name), threads_max, queue_max);
}
std::unique_ptr<Rng> make_real_rng() {
  return std::make_unique<RealRng>();
}

}  // namespace nines
