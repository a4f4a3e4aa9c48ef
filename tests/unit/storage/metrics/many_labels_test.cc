// Names and values of labels over very many series: an answer ends soon after it is told to, keeps
// to its limit, and appends do not wait for it. NINES_SERIES=1000000 looks at a million.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

#include <doctest/doctest.h>

#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::size_t kOfGroup = 5'000;

std::size_t series_count() {
  const char* value = std::getenv("NINES_SERIES");  // NOLINT(concurrency-mt-unsafe)
  return value ? std::strtoull(value, nullptr, 10) : 100'000;
}

double cpu_ms(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return static_cast<double>(at.tv_sec) * 1000 + static_cast<double>(at.tv_nsec) / 1e6;
}

struct Many {
  StoreRig rig{16, 4u << 20};
  std::vector<std::unique_ptr<GroupWriter>> writers;
  TimeRange range;

  Many() {
    const std::size_t groups = series_count() / kOfGroup;
    for (std::size_t g = 0; g < groups; ++g) {
      writers.push_back(rig.group("g" + std::to_string(g)));
      std::vector<Row> rows;
      for (std::size_t i = 0; i < kOfGroup; ++i) {
        const auto slot = writers.back()->slot(
            LabelSet{{"__name__", "m" + std::to_string(i % 100)},
                     {"user", "u" + std::to_string(g) + "-" + std::to_string(i)}});
        REQUIRE_MESSAGE(slot, slot.error().what());
        rows.push_back(row(*slot, 1));
      }
      REQUIRE(writers.back()->append(rig.clock.now(), rows));
    }
    range = {rig.clock.now() - Duration(60'000), rig.clock.now()};
  }
};

struct Asking {
  bool done = false, unavailable = false;
  double ms = 0, after_ms = 0;  // of processor time: all of it, and since it was told
};

// Asks for the values of `user` in a thread of its own, which is told to stop after `ms` of work.
template <typename Ask>
Asking ask_for(double ms, Ask ask) {
  StopFlag stop;
  Asking out;
  std::atomic<double> began{-1}, ended{-1};
  std::atomic<bool> seen{false};
  std::thread thread([&] {
    began = cpu_ms(CLOCK_THREAD_CPUTIME_ID);
    const Result<std::vector<std::string>> found = ask(&stop);
    out.done = found.has_value();
    out.unavailable = !found && found.error().code() == ErrorCode::kUnavailable;
    ended = cpu_ms(CLOCK_THREAD_CPUTIME_ID);
    while (!seen) std::this_thread::yield();
  });
  clockid_t clock{};
  REQUIRE(::pthread_getcpuclockid(thread.native_handle(), &clock) == 0);
  while (ended < 0 && (began < 0 || cpu_ms(clock) < began + ms))
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  const double told = cpu_ms(clock);
  stop.stop = true;
  seen = true;
  thread.join();
  out.ms = ended - began;
  out.after_ms = ended - told;
  return out;
}

}  // namespace

#ifdef __SANITIZE_THREAD__
constexpr double kLongestMs = 1000;
#else
constexpr double kLongestMs = 100;
#endif

TEST_CASE(
    "label values of very many series: the limit holds, and they end within 100 ms of being told") {
  Many many;
  const auto values = [&](std::size_t limit, const StopFlag* stop) {
    return many.rig.store->label_values("user", {}, many.range, limit, stop);
  };
  const auto all = values(0, nullptr);
  REQUIRE(all);
  CHECK(all->size() == many.writers.size() * kOfGroup);
  CHECK(std::is_sorted(all->begin(), all->end()));
  const auto few = values(10, nullptr);
  REQUIRE(few);
  CHECK(*few == std::vector<std::string>(all->begin(), all->begin() + 10));
  const auto names = many.rig.store->label_names({}, many.range, 1, nullptr);
  REQUIRE(names);
  CHECK(*names == std::vector<std::string>{"__name__"});

  const auto whole = ask_for(1e9, [&](const StopFlag* stop) { return values(0, stop); });
  REQUIRE(whole.done);
  const auto limited = ask_for(1e9, [&](const StopFlag* stop) { return values(10, stop); });
  const auto named = ask_for(1e9, [&](const StopFlag* stop) {
    return many.rig.store->label_names({}, many.range, 0, stop);
  });
  double longest = 0;
  int stopped = 0;
  for (int tenth = 0; tenth < 10; ++tenth) {
    for (const bool of_names : {false, true}) {
      const double after = (of_names ? named.ms : whole.ms) * tenth / 10;
      const Asking one = ask_for(after, [&](const StopFlag* stop) {
        return of_names ? many.rig.store->label_names({}, many.range, 0, stop) : values(0, stop);
      });
      CHECK((one.done || one.unavailable));
      stopped += one.unavailable ? 1 : 0;
      longest = std::max(longest, one.after_ms);
    }
  }
  CHECK(longest < kLongestMs);
  CHECK(stopped >= 8);
  StopFlag told;
  told.stop = true;
  CHECK_FALSE(values(0, &told));
  MESSAGE(all->size(), " series: values ", whole.ms, " ms, the first 10 ", limited.ms,
          " ms, names ", named.ms, " ms; at most ", longest, " ms after being told");
}

// A group that goes leaves the counts of metrics wrong: the next newcomer counts all anew.
TEST_CASE("counting the series of all metrics anew takes 50 ms at most for a million") {
  Many many;
  const std::size_t all = many.writers.size() * kOfGroup;
  auto extra = many.rig.group("extra");
  REQUIRE(extra->slot(LabelSet{{"__name__", "m0"}, {"x", "1"}}));
  double longest = 0;
  for (int n = 0; n < 3; ++n) {
    auto gone = many.rig.group("gone" + std::to_string(n));
    REQUIRE(gone->slot(LabelSet{{"__name__", "m0"}, {"y", std::to_string(n)}}));
    gone.reset();
    many.rig.clock.advance(Duration(2'000));
    many.rig.store->tend();
    const LabelSet labels{{"__name__", "m0"}, {"z", std::to_string(n)}};
    const double began = cpu_ms(CLOCK_THREAD_CPUTIME_ID);
    const auto slot = extra->slot(labels);
    longest = std::max(longest, cpu_ms(CLOCK_THREAD_CPUTIME_ID) - began);
    REQUIRE(slot);
  }
  CHECK(longest < 50.0 * static_cast<double>(std::max<std::size_t>(all, 200'000)) / 1e6);
  MESSAGE("counting ", all, " series anew: ", longest, " ms");
}

}  // namespace nines::storage
