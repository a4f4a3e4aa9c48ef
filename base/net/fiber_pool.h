#pragma once
// An executor for tasks that mostly wait for sockets: thousands of them on a few threads.

#include <cstddef>
#include <memory>
#include <string>

#include <poll.h>

#include "base/core/clock.h"
#include "base/core/scheduler.h"

namespace nines {

struct FiberPoolOptions {
  int threads = 2;
  int fibers_max = 1'000;           // tasks under way at a time, all threads together; others queue
  std::size_t queue_max = 100'000;  // tasks that wait for a fiber
  std::size_t stack_bytes = 256u << 10;  // of a fiber; only what is touched takes memory
};

// Each task runs on a fiber: a stack of its own that shares its thread with others. It gives the
// thread away where it waits with poll_here(), as Patience, Resolver, Stream and send_and_wait()
// do, and comes back on the same thread. It must not hold a lock while it waits, and what it
// computes holds up the others of its thread. Threads are made when all that are there are busy,
// and stay. Sanitizers are told of every change of stacks.
//
// The destructor waits for the tasks that have begun (raise their StopSignal before) and drops the
// others. `clock` must outlive it.
std::unique_ptr<Executor> make_fiber_pool(std::string name, const Clock& clock,
                                          const FiberPoolOptions& options);

// poll(2) with a timeout of zero or more; on a fiber the thread goes on with others meanwhile. Each
// fd at most once in `fds`; those below zero are ignored.
int poll_here(pollfd* fds, std::size_t count, Duration timeout);

}  // namespace nines
