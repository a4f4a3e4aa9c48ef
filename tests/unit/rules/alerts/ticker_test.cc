#include "rules/alerts/ticker.h"

#include <vector>

#include <doctest/doctest.h>

#include "tests/support/sim_clock.h"

using namespace nines;
using namespace nines::alerts;

namespace {

// Keeps tasks until told to run them.
class HeldExecutor final : public Executor {
 public:
  bool post(std::function<void()> task) override {
    if (full) return false;
    tasks.push_back(std::move(task));
    return true;
  }
  void run_all() {
    std::vector<std::function<void()>> now;
    now.swap(tasks);
    for (auto& task : now) task();
  }
  std::vector<std::function<void()>> tasks;
  bool full = false;
};

constexpr std::int64_t kStartMs = 1'700'000'000'000;

struct Bench {
  testing::SimClock clock{from_millis(kStartMs + 3'000)};
  testing::SimScheduler scheduler{clock};
  HeldExecutor held;
  testing::InlineExecutor direct;
  std::vector<std::int64_t> runs;  // seconds since kStartMs
  std::vector<std::int64_t> wall;  // of the clock, then
  std::uint64_t missed = 0;

  std::shared_ptr<Ticker> make(Executor& executor) {
    Ticker::Settings settings;
    settings.interval = Duration(10'000);
    settings.phase = Duration(4'000);
    settings.run = [this](Timestamp at) {
      runs.push_back((to_millis(at) - kStartMs) / 1'000);
      wall.push_back((to_millis(clock.now()) - kStartMs) / 1'000);
    };
    settings.missed = [this](std::uint64_t n) { missed += n; };
    return Ticker::make(scheduler, executor, settings);
  }
};

}  // namespace

TEST_CASE("runs are aligned to phase and interval and never early") {
  Bench b;
  const auto ticker = b.make(b.direct);
  ticker->start();
  b.scheduler.run_for(Duration(999));
  CHECK(b.runs.empty());
  b.scheduler.run_for(Duration(25'000));
  CHECK(b.runs == std::vector<std::int64_t>{4, 14, 24});
  CHECK(b.wall == b.runs);
  CHECK(b.missed == 0);
  ticker->stop();
  b.scheduler.run_for(Duration(60'000));
  CHECK(b.runs.size() == 3);
}

TEST_CASE("while a run lasts no other begins, and what was skipped is counted") {
  Bench b;
  const auto ticker = b.make(b.held);
  ticker->start();
  b.scheduler.run_for(Duration(36'000));  // 4 s was posted, the executor is slow until 39 s
  REQUIRE(b.held.tasks.size() == 1);
  b.held.run_all();
  b.scheduler.run_for(Duration(0));
  REQUIRE(b.held.tasks.size() == 1);
  b.held.run_all();
  CHECK(b.runs == std::vector<std::int64_t>{4, 34});
  CHECK(b.missed == 2);
  ticker->stop();
}

TEST_CASE("a full executor is a missed run, the next one is tried at its own time") {
  Bench b;
  const auto ticker = b.make(b.held);
  b.held.full = true;
  ticker->start();
  b.scheduler.run_for(Duration(5'000));
  CHECK(b.missed == 1);
  b.held.full = false;
  b.scheduler.run_for(Duration(10'000));
  b.held.run_all();
  CHECK(b.runs == std::vector<std::int64_t>{14});
  ticker->stop();
}

TEST_CASE("a task that is still queued when the ticker stops does nothing") {
  Bench b;
  const auto ticker = b.make(b.held);
  ticker->start();
  b.scheduler.run_for(Duration(5'000));
  ticker->stop();
  ticker->start();  // another life: the old task must not make a second chain
  b.held.run_all();
  CHECK(b.runs.empty());
  ticker->stop();
}

TEST_CASE("a wall clock set back is followed, set forward counts as missed") {
  Bench b;
  const auto ticker = b.make(b.direct);
  ticker->start();
  b.scheduler.run_for(Duration(12'000));  // 15 s; ran at 4, 14
  b.clock.step_wall(Duration(-3'600'000));
  b.scheduler.run_for(Duration(20'000));
  REQUIRE(b.runs.size() == 3);
  CHECK(b.runs[2] < 0);
  CHECK(b.runs[2] == b.wall[2]);
  b.clock.step_wall(Duration(3'600'000));
  b.scheduler.run_for(Duration(10'000));
  CHECK(b.missed > 300);
  ticker->stop();
}

TEST_CASE("at_once begins with the newest instant that has passed") {
  Bench b;
  Ticker::Settings settings;
  settings.interval = Duration(10'000);
  settings.run = [&](Timestamp at) { b.runs.push_back((to_millis(at) - kStartMs) / 1'000); };
  settings.missed = [](std::uint64_t) {};
  settings.at_once = true;
  const auto ticker = Ticker::make(b.scheduler, b.direct, settings);
  ticker->start();
  b.scheduler.run_for(Duration(8'000));
  CHECK(b.runs == std::vector<std::int64_t>{0, 10});
  ticker->stop();
}
