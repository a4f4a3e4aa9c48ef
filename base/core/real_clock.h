#pragma once
// The machine's own clock, timers, threads and randomness: made once, in app/.

#include <cstddef>
#include <memory>
#include <string>

#include "base/core/rng.h"
#include "base/core/scheduler.h"

namespace nines {

// Wall time from CLOCK_REALTIME, stopwatch from CLOCK_BOOTTIME (it goes on while suspended).
std::unique_ptr<Clock> make_real_clock();

// One thread that sleeps until the next deadline. The destructor waits for a running task, drops
// the rest. `clock` must outlive it.
std::unique_ptr<Scheduler> make_real_scheduler(const Clock& clock);

// `threads` workers and a queue of at most `queue_max` tasks. The destructor runs no further task
// and joins. `name` (at most 11 characters) names the threads in ps and gdb. `niceness`: how much
// they step back for all others of the process; 0 to 19.
std::unique_ptr<Executor> make_thread_pool(std::string name, int threads, std::size_t queue_max,
                                           int niceness = 0);

// For tasks that spend their time waiting (for a socket, a name, a disk): threads are made when all
// are busy, up to `threads_max`, and leave after 10 s without work. Past that tasks queue.
std::unique_ptr<Executor> make_waiting_pool(std::string name, int threads_max,
                                            std::size_t queue_max);

// Seeded from the kernel.
std::unique_ptr<Rng> make_real_rng();

}  // namespace nines
