#pragma once
// Runs one task again and again at aligned instants of the wall clock, one run at a time.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "base/core/clock.h"
#include "base/core/scheduler.h"

namespace nines::alerts {

// The instants are phase + k * interval. A run begins at its instant or later, never earlier, and
// is given the instant. When the runs cannot keep up, instants are skipped: the next run is for the
// newest one that has come, and the skipped ones are counted. When the wall clock steps back by
// more than an interval, the ticker follows it.
//
// Thread-safe. Tasks under way keep the ticker alive; nothing of its owner is touched after stop().
class Ticker : public std::enable_shared_from_this<Ticker> {
 public:
  struct Settings {
    Duration interval{};
    Duration phase{};  // in [0, interval)
    std::function<void(Timestamp)> run;
    std::function<void(std::uint64_t)> missed;  // so many instants were skipped
    bool at_once = false;  // the first run is for the newest instant that has passed at start()
  };
  static std::shared_ptr<Ticker> make(Scheduler& scheduler, Executor& executor, Settings settings);

  void start();
  // No run begins afterwards; waits for one under way. Must not be called from inside a run.
  void stop();
  // Calls `task` in the caller's thread while no run is under way.
  void exclusively(const std::function<void()>& task);

 private:
  Ticker(Scheduler& scheduler, Executor& executor, Settings settings)
      : scheduler_(scheduler), executor_(executor), settings_(std::move(settings)) {}

  Timestamp newest_instant(Timestamp now) const;  // at `now` or before
  void arm();                                     // mutex_ held
  void fire(std::uint64_t life);
  void run(Timestamp at, std::uint64_t life);

  Scheduler& scheduler_;
  Executor& executor_;
  const Settings settings_;

  std::mutex mutex_;  // std::mutex: the condition variable needs it
  std::condition_variable idle_;
  bool started_ = false;
  std::uint64_t life_ =
      0;               // grows with each start() and stop(): tasks of an earlier one do nothing
  bool busy_ = false;  // a run, or exclusively()
  int posting_ = 0;    // inside the executor's post()
  TimerId timer_ = TimerId::kNone;
  Timestamp next_{};
};

}  // namespace nines::alerts
