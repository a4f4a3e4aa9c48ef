#include "base/net/fiber_pool.h"

#include <atomic>
#include <set>
#include <string>
#include <thread>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/core/mutex.h"
#include "base/core/real_clock.h"
#include "base/net/wait.h"

namespace nines {
namespace {

struct Pipe {
  Pipe() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int ends[2] = {-1, -1};
};

// Until `what` holds, at most for 20 s.
template <typename What>
bool soon(const Clock& clock, const What& what) {
  const Instant end = clock.elapsed() + Duration(20'000);
  while (!what()) {
    if (clock.elapsed() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

TEST_CASE("thousands of waits share two threads, each with its own stack and its own end") {
  const auto clock = make_real_clock();
  constexpr int kTasks = 2'000;
  StopSignal go;
  std::atomic<int> waiting{0}, answered{0}, timed_out{0}, wrong{0};
  Mutex mutex;
  std::set<std::thread::id> threads;
  const auto pool = make_fiber_pool("fibers", *clock, {.threads = 2, .fibers_max = kTasks});
  for (int i = 0; i < kTasks; ++i) {
    REQUIRE(pool->post([&, i] {
      const std::thread::id thread = std::this_thread::get_id();
      volatile int own[64] = {};
      for (volatile int& one : own) one = i;
      {
        const MutexLock lock(mutex);
        threads.insert(thread);
      }
      ++waiting;
      // Every other one looks at a socket that never tells anything.
      const Pipe pipe;
      const Patience patience(*clock, Duration(i % 2 == 0 ? 20'000 : 30), nullptr);
      const bool ready = patience.readable(i % 2 == 0 ? go.fd() : pipe.ends[0]).has_value();
      ++(ready ? answered : timed_out);
      for (volatile int& one : own) wrong += one == i ? 0 : 1;
      if (std::this_thread::get_id() != thread) ++wrong;
    }));
  }
  REQUIRE(soon(*clock, [&] { return waiting == kTasks && timed_out == kTasks / 2; }));
  CHECK(answered == 0);
  go.raise();
  REQUIRE(soon(*clock, [&] { return answered == kTasks / 2; }));
  CHECK(timed_out == kTasks / 2);
  CHECK(wrong == 0);
  const MutexLock lock(mutex);
  CHECK(threads.size() <= 2);
}

TEST_CASE("no more than fibers_max run, the others follow; a full queue is told") {
  const auto clock = make_real_clock();
  StopSignal go;
  std::atomic<int> begun{0}, over{0};
  const auto pool =
      make_fiber_pool("fibers", *clock, {.threads = 2, .fibers_max = 3, .queue_max = 4});
  const auto task = [&] {
    ++begun;
    (void)Patience(*clock, Duration(20'000), nullptr).readable(go.fd());
    ++over;
  };
  for (int i = 0; i < 3; ++i) REQUIRE(pool->post(task));
  REQUIRE(soon(*clock, [&] { return begun == 3; }));
  for (int i = 0; i < 4; ++i) REQUIRE(pool->post(task));
  CHECK_FALSE(pool->post(task));
  ::poll(nullptr, 0, 30);
  CHECK(begun == 3);
  go.raise();
  CHECK(soon(*clock, [&] { return over == 7; }));
}

TEST_CASE("the end of a pool waits for what has begun and drops what has not") {
  const auto clock = make_real_clock();
  StopSignal stop;
  std::atomic<int> begun{0}, stopped{0};
  std::thread later;
  {
    const auto pool = make_fiber_pool("fibers", *clock, {.threads = 1, .fibers_max = 2});
    for (int i = 0; i < 5; ++i) {
      REQUIRE(pool->post([&] {
        ++begun;
        const Pipe pipe;
        const Patience patience(*clock, Duration(20'000), &stop);
        if (!patience.readable(pipe.ends[0])) ++stopped;
      }));
    }
    REQUIRE(soon(*clock, [&] { return begun == 2; }));
    later = std::thread([&] {
      ::poll(nullptr, 0, 20);
      stop.raise();
    });
  }
  later.join();
  CHECK(stopped == begun);
  CHECK(begun <= 5);
}

TEST_CASE("two that look at one descriptor are both told, each of what it asked for") {
  const auto clock = make_real_clock();
  const Pipe pipe;
  std::atomic<int> readable{0}, writable{0};
  const auto pool = make_fiber_pool("fibers", *clock, {.threads = 1});
  for (int i = 0; i < 2; ++i) {
    REQUIRE(pool->post([&] {
      if (Patience(*clock, Duration(20'000), nullptr).readable(pipe.ends[0])) ++readable;
    }));
  }
  REQUIRE(pool->post([&] {
    if (Patience(*clock, Duration(20'000), nullptr).writable(pipe.ends[0])) ++writable;
  }));
  REQUIRE(soon(*clock, [&] { return writable == 1; }));
  CHECK(readable == 0);
  REQUIRE(::write(pipe.ends[1], "x", 1) == 1);
  CHECK(soon(*clock, [&] { return readable == 2; }));
}

TEST_CASE("off a fiber it is poll()") {
  const Pipe pipe;
  pollfd fd{pipe.ends[0], POLLIN, 0};
  CHECK(poll_here(&fd, 1, Duration(1)) == 0);
  REQUIRE(::write(pipe.ends[1], "x", 1) == 1);
  CHECK(poll_here(&fd, 1, Duration(1'000)) == 1);
  CHECK(fd.revents == POLLIN);
}

}  // namespace
}  // namespace nines
