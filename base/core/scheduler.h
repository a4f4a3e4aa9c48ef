#pragma once
// Waiting, as an interface: whoever wants something done later says so here, so that a test's
// virtual clock can drive every wait in the program.

#include <cstdint>
#include <functional>

#include "base/core/clock.h"

namespace nines {

enum class TimerId : std::uint64_t { kNone = 0 };

// Runs tasks at instants of the stopwatch. Tasks with equal deadlines run in the order they were
// set. A task must not block for long: what may block goes through an Executor.
//
// Thread-safe: at(), after() and cancel() may be called from any thread, from inside a task too.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Runs `task` once, on the scheduler's thread, no earlier than `when`.
  virtual TimerId at(Instant when, std::function<void()> task) = 0;

  // After cancel() returns the task will not start; it may be running on the scheduler's thread
  // right now. Unknown and past timers are ignored.
  virtual void cancel(TimerId timer) = 0;

  virtual const Clock& clock() const = 0;

  TimerId after(Duration delay, std::function<void()> task) {
    return at(clock().elapsed() + delay, std::move(task));
  }
};

// Runs tasks that may take a while (a rule evaluation, a query, a file scan) on other threads.
// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  // False when the bounded queue is full: the task was not taken, and the caller counts it.
  virtual bool post(std::function<void()> task) = 0;
};

}  // namespace nines
