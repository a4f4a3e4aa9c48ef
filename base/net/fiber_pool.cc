#include "base/net/fiber_pool.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/core/mutex.h"
#include "base/net/internal/stack_switch.h"

namespace nines {
namespace {

constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kSpareStacksMax = 32;  // kept by a thread for its next fibers
constexpr int kStartsPerRound = 16;  // of fibers, before those that are ready have their turn

// Memory with a page below it that may not be touched.
class Stack {
 public:
  explicit Stack(std::size_t bytes)
      : bytes_(bytes + kGuardBytes),
        base_(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0)) {
    if (base_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    ::mprotect(base_, kGuardBytes, PROT_NONE);
  }
  ~Stack() { ::munmap(base_, bytes_); }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  void* bottom() const { return static_cast<char*>(base_) + kGuardBytes; }
  std::size_t size() const { return bytes_ - kGuardBytes; }

 private:
  const std::size_t bytes_;
  void* const base_;
};

class Loop;

struct Fiber {
  using Timers = std::multimap<Instant, Fiber*>;

  ucontext_t context{};
  net::StackNote note;  // what a sanitizer knows of this stack
  std::unique_ptr<Stack> stack;
  std::function<void()> task;
  Loop* loop = nullptr;
  bool done = false;
  // While it waits.
  pollfd* fds = nullptr;
  std::size_t fd_count = 0;
  Timers::iterator timer;
  int ready = 0;  // fds that have something to tell
};

thread_local Fiber* t_fiber = nullptr;  // the one that runs on this thread

// Linux gives both calls the same bits.
static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR &&
              POLLHUP == EPOLLHUP);
constexpr std::uint32_t to_epoll(short events) {
  return static_cast<std::uint32_t>(events) & (POLLIN | POLLOUT);
}
constexpr short to_poll(std::uint32_t events) {
  return static_cast<short>(events & (POLLIN | POLLOUT | POLLERR | POLLHUP));
}

// What the threads of a pool share.
struct Shared {
  Shared(const Clock& c, const FiberPoolOptions& o) : clock(c), options(o) {}

  const Clock& clock;
  const FiberPoolOptions options;
  Mutex mutex;
  std::deque<std::function<void()>> tasks NINES_GUARDED_BY(mutex);  // that have no fiber yet
  int running NINES_GUARDED_BY(mutex) = 0;                          // fibers
  std::vector<Loop*> idle NINES_GUARDED_BY(mutex);                  // threads with nothing to do
  bool stopping NINES_GUARDED_BY(mutex) = false;
};

// One thread and its fibers.
class Loop {
 public:
  Loop(Shared& shared, std::string name)
      : shared_(shared),
        name_(std::move(name)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = wake_;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() {
    thread_.join();
    ::close(wake_);
    ::close(epoll_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }

  // On the running fiber: gives the thread away until an fd is ready or the time is up.
  int wait(Fiber& fiber, pollfd* fds, std::size_t count, Duration timeout) {
    fiber.fds = fds;
    fiber.fd_count = count;
    fiber.ready = 0;
    fiber.timer = timers_.emplace(shared_.clock.elapsed() + timeout, &fiber);
    for (std::size_t i = 0; i < count; ++i) {
      fds[i].revents = 0;
      if (fds[i].fd >= 0 && !watch(fds[i].fd, {&fiber, i})) {
        fds[i].revents = fds[i].events;  // what cannot be watched never blocks, as for poll()
        ++fiber.ready;
      }
    }
    if (fiber.ready != 0) {
      unwatch_all(fiber);
    } else {
      leave(fiber, false);
    }
    return fiber.ready;
  }

 private:
  struct Waiter {
    Fiber* fiber;
    std::size_t index;  // of its fds
  };
  struct Watched {
    std::uint32_t events = 0;
    std::vector<Waiter> waiters;
  };

  static void begin() {
    Fiber& fiber = *t_fiber;
    fiber.note.arrived(&fiber.loop->note_);
    fiber.task();
    fiber.task = nullptr;
    fiber.done = true;
    fiber.loop->leave(fiber, true);
  }

  // From a fiber to the thread's own stack, to come back here unless it is for good.
  void leave(Fiber& fiber, bool for_good) {
    fiber.note.leave_for(note_, for_good);
    ::swapcontext(&fiber.context, &context_);
    fiber.note.arrived(nullptr);
  }

  void run() {
    ::pthread_setname_np(::pthread_self(), name_.c_str());
    note_.of_this_thread();
    while (start_some()) {
      await();
      for (Fiber* fiber : std::exchange(ready_, {})) resume(*fiber);
    }
  }

  // Begins tasks that may begin. False: the pool stops and nothing runs here any more.
  bool start_some() {
    more_ = false;
    for (int started = 0;; ++started) {
      std::function<void()> task;
      {
        const MutexLock lock(shared_.mutex);
        if (shared_.stopping && fibers_.empty()) return false;
        const bool room = shared_.running < shared_.options.fibers_max;
        if (shared_.stopping || shared_.tasks.empty() || !room) {
          // Who has no fibers is asked first: post() takes from the end.
          if (!shared_.stopping) {
            shared_.idle.insert(fibers_.empty() ? shared_.idle.end() : shared_.idle.begin(), this);
          }
          return true;
        }
        if (started == kStartsPerRound) {
          more_ = true;
          return true;
        }
        task = std::move(shared_.tasks.front());
        shared_.tasks.pop_front();
        ++shared_.running;
      }
      start(std::move(task));
    }
  }

  void start(std::function<void()> task) {
    auto made = std::make_unique<Fiber>();
    Fiber& fiber = *made;
    fibers_.emplace(&fiber, std::move(made));
    fiber.loop = this;
    fiber.task = std::move(task);
    if (spare_.empty()) {
      fiber.stack = std::make_unique<Stack>(shared_.options.stack_bytes);
    } else {
      fiber.stack = std::move(spare_.back());
      spare_.pop_back();
    }
    ::getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack->bottom();
    fiber.context.uc_stack.ss_size = fiber.stack->size();
    fiber.context.uc_link = nullptr;
    fiber.note.of_fiber(fiber.stack->bottom(), fiber.stack->size());
    ::makecontext(&fiber.context, &Loop::begin, 0);
    resume(fiber);
  }

  void resume(Fiber& fiber) {
    t_fiber = &fiber;
    note_.leave_for(fiber.note, false);
    ::swapcontext(&context_, &fiber.context);
    note_.arrived(nullptr);
    t_fiber = nullptr;
    if (!fiber.done) return;
    if (spare_.size() < kSpareStacksMax) spare_.push_back(std::move(fiber.stack));
    fibers_.erase(&fiber);
    const MutexLock lock(shared_.mutex);
    --shared_.running;
  }

  // Fills ready_.
  void await() {
    std::array<epoll_event, 64> events;
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), patience());
    {
      const MutexLock lock(shared_.mutex);
      std::erase(shared_.idle, this);
    }
    for (int i = 0; i < n; ++i) take(events[static_cast<std::size_t>(i)]);
    const Instant now = shared_.clock.elapsed();
    for (auto it = timers_.begin(); it != timers_.end() && it->first <= now; ++it) {
      if (it->second->ready == 0) ready_.push_back(it->second);
    }
    for (Fiber* fiber : ready_) unwatch_all(*fiber);
  }

  int patience() const {
    if (more_) return 0;
    if (timers_.empty()) return -1;
    const auto left = std::chrono::ceil<Duration>(timers_.begin()->first - shared_.clock.elapsed());
    return static_cast<int>(std::clamp<Duration::rep>(left.count(), 0, 3'600'000));
  }

  void take(const epoll_event& event) {
    if (event.data.fd == wake_) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto had = ::read(wake_, &count, sizeof count);
      return;
    }
    const auto found = watched_.find(event.data.fd);
    if (found == watched_.end()) return;
    for (const Waiter& waiter : found->second.waiters) {
      pollfd& fd = waiter.fiber->fds[waiter.index];
      const short told =
          static_cast<short>(to_poll(event.events) & (fd.events | POLLERR | POLLHUP));
      if (told == 0) continue;
      fd.revents = told;
      if (++waiter.fiber->ready == 1) ready_.push_back(waiter.fiber);
    }
  }

  bool set_events(int fd, Watched& watched, std::uint32_t events, int how) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    watched.events = events;
    return ::epoll_ctl(epoll_, how, fd, &event) == 0;
  }

  bool watch(int fd, Waiter waiter) {
    Watched& watched = watched_[fd];
    const bool fresh = watched.waiters.empty();
    const std::uint32_t wanted = watched.events | to_epoll(waiter.fiber->fds[waiter.index].events);
    if (fresh && !set_events(fd, watched, wanted, EPOLL_CTL_ADD)) {
      watched_.erase(fd);
      return false;
    }
    if (wanted != watched.events) set_events(fd, watched, wanted, EPOLL_CTL_MOD);
    watched.waiters.push_back(waiter);
    return true;
  }

  void unwatch_all(Fiber& fiber) {
    timers_.erase(fiber.timer);
    for (std::size_t i = 0; i < fiber.fd_count; ++i) {
      const auto found = watched_.find(fiber.fds[i].fd);
      if (found == watched_.end()) continue;
      Watched& watched = found->second;
      std::erase_if(watched.waiters, [&fiber](const Waiter& one) { return one.fiber == &fiber; });
      if (watched.waiters.empty()) {
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, found->first, nullptr);
        watched_.erase(found);
        continue;
      }
      std::uint32_t wanted = 0;
      for (const Waiter& w : watched.waiters) wanted |= to_epoll(w.fiber->fds[w.index].events);
      if (wanted != watched.events) set_events(found->first, watched, wanted, EPOLL_CTL_MOD);
    }
  }

  Shared& shared_;
  const std::string name_;
  const int epoll_, wake_;
  ucontext_t context_{};  // of the thread itself
  net::StackNote note_;
  std::unordered_map<Fiber*, std::unique_ptr<Fiber>> fibers_;
  std::vector<std::unique_ptr<Stack>> spare_;
  std::unordered_map<int, Watched> watched_;
  Fiber::Timers timers_;
  std::vector<Fiber*> ready_;
  bool more_ = false;  // tasks that wait for the next round
  std::thread thread_;
};

class FiberPool final : public Executor {
 public:
  FiberPool(std::string name, const Clock& clock, const FiberPoolOptions& options)
      : name_(name.substr(0, 15)), shared_(clock, options) {}
  ~FiberPool() override {
    std::deque<std::function<void()>> dropped;
    {
      const MutexLock lock(shared_.mutex);
      shared_.stopping = true;
      dropped.swap(shared_.tasks);
    }
    for (const auto& loop : loops_) loop->wake();
    loops_.clear();
  }
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;

  bool post(std::function<void()> task) override {
    const MutexLock lock(shared_.mutex);
    if (shared_.stopping || shared_.tasks.size() >= shared_.options.queue_max) return false;
    shared_.tasks.push_back(std::move(task));
    const bool may_grow = loops_.size() < static_cast<std::size_t>(shared_.options.threads);
    if (!shared_.idle.empty()) {
      shared_.idle.back()->wake();
      shared_.idle.pop_back();
    } else if (may_grow) {
      loops_.push_back(std::make_unique<Loop>(shared_, name_));
    }
    return true;
  }

 private:
  const std::string name_;
  Shared shared_;
  std::vector<std::unique_ptr<Loop>> loops_;  // grows with the lock of shared_; ends without
};

}  // namespace

std::unique_ptr<Executor> make_fiber_pool(std::string name, const Clock& clock,
                                          const FiberPoolOptions& options) {
  return std::make_unique<FiberPool>(std::move(name), clock, options);
}

int poll_here(pollfd* fds, std::size_t count, Duration timeout) {
  if (t_fiber != nullptr) return t_fiber->loop->wait(*t_fiber, fds, count, timeout);
  return ::poll(fds, static_cast<nfds_t>(count), static_cast<int>(timeout.count()));
}

}  // namespace nines
