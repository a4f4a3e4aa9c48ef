#pragma once
// A clock and a scheduler that move only when the test says so.

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/core/clock.h"
#include "base/core/rng.h"
#include "base/core/scheduler.h"

namespace nines::testing {

class SimClock final : public Clock {
 public:
  explicit SimClock(Timestamp start) : now_(start) {}
  Timestamp now() const override { return now_; }
  Instant elapsed() const override { return elapsed_; }
  void advance(Duration by) {
    now_ += by;
    elapsed_ += by;
  }
  void step_wall(Duration by) { now_ += by; }  // an NTP step: the stopwatch does not see it

 private:
  Timestamp now_;
  Instant elapsed_{};
};

// Runs tasks inside run_for(), in the test's own thread, moving the clock from deadline to
// deadline.
class SimScheduler final : public Scheduler {
 public:
  explicit SimScheduler(SimClock& clock) : clock_(clock) {}

  TimerId at(Instant when, std::function<void()> task) override {
    queue_.emplace(std::pair(when, ++last_id_), std::move(task));
    return TimerId{last_id_};
  }
  void cancel(TimerId timer) override {
    for (auto it = queue_.begin(); it != queue_.end(); ++it) {
      if (it->first.second == static_cast<std::uint64_t>(timer)) {
        queue_.erase(it);
        return;
      }
    }
  }
  const Clock& clock() const override { return clock_; }

  // Every task due within `span` from now runs, in order of deadline; then the clock stands at its
  // end.
  void run_for(Duration span) {
    const Instant end = clock_.elapsed() + span;
    while (!queue_.empty() && queue_.begin()->first.first <= end) {
      const auto first = queue_.begin();
      if (first->first.first > clock_.elapsed()) {
        clock_.advance(std::chrono::ceil<Duration>(first->first.first - clock_.elapsed()));
      }
      const std::function<void()> task = std::move(first->second);
      queue_.erase(first);
      task();
    }
    if (clock_.elapsed() < end) clock_.advance(std::chrono::ceil<Duration>(end - clock_.elapsed()));
  }

 private:
  SimClock& clock_;
  std::uint64_t last_id_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> queue_;
};

// Runs every task at once, in the caller's thread.
class InlineExecutor final : public Executor {
 public:
  bool post(std::function<void()> task) override {
    task();
    return true;
  }
};

// SplitMix64: the same seed, the same numbers, everywhere.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace nines::testing
