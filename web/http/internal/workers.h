#pragma once
// A bounded pool of threads, each with its own engine.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "web/http/internal/engine.h"
#include "web/http/internal/framing.h"

namespace nines::web {

// A request on its way to a worker.
struct Job {
  std::uint64_t connection = 0;
  FramedRequest request;
  bool close = false;                     // the answer ends the connection
  const StreamHandler* stream = nullptr;  // then there is no answer, but events
  std::shared_ptr<EventStream> events;
};

class WorkerPool {
 public:
  using Work = std::function<void(Engine&, Job)>;
  // `niceness`: how much its threads step back for all others of the process; 0 to 19.
  WorkerPool(const std::string& name, int threads, int niceness, std::size_t queue_max,
             const std::function<std::unique_ptr<Engine>()>& make, Work work);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when the queue is full or the pool stopped; then `job` is untouched.
  bool post(Job& job);
  // Drops what waits, and returns when what runs has ended.
  void stop();

 private:
  void run(Engine& engine);

  const std::size_t queue_max_;
  const Work work_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::mutex mutex_;  // std's, for the condition variable; guards queue_ and stopped_
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace nines::web
