#include "web/http/internal/workers.h"

#include <utility>

#include <pthread.h>
#include <sys/resource.h>

namespace nines::web {

WorkerPool::WorkerPool(const std::string& name, int threads, int niceness, std::size_t queue_max,
                       const std::function<std::unique_ptr<Engine>()>& make, Work work)
    : queue_max_(queue_max), work_(std::move(work)) {
  for (int i = 0; i < threads; ++i) engines_.push_back(make());
  for (const std::unique_ptr<Engine>& engine : engines_) {
    threads_.emplace_back([this, niceness, &engine = *engine] {
      // Linux keeps this per thread. Where it does not take it, the thread is as nice as the
      // others.
      if (niceness > 0) setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + niceness);
      run(engine);
    });
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }
}

bool WorkerPool::post(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void WorkerPool::run(Engine& engine) {
  while (true) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stopped_ || !queue_.empty(); });
    if (stopped_) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work_(engine, std::move(job));
  }
}

}  // namespace nines::web
