// A selection of many series ends soon after it is told to, whatever it is at just then.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

#include <doctest/doctest.h>

#include "storage/metrics/internal/stoppable_sort.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::size_t kTargets = 200;
constexpr std::size_t kSeries = 500;  // of a target

// Of processor time, so that a busy machine does not count.
double ms_of(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return static_cast<double>(at.tv_sec) * 1000 + static_cast<double>(at.tv_nsec) / 1e6;
}

std::vector<std::unique_ptr<GroupWriter>> fill(StoreRig& rig) {
  std::vector<std::unique_ptr<GroupWriter>> writers;
  for (std::size_t target = 0; target < kTargets; ++target) {
    const std::string instance = "10.0.0." + std::to_string(target) + ":9100";
    const LabelSet base{{"instance", instance}, {"job", "node"}};
    auto writer = rig.store->open_group({"scrape/" + instance, base, "scrape/node"});
    REQUIRE(writer);
    std::vector<Row> rows;
    for (std::size_t i = 0; i < kSeries; ++i) {
      const auto slot =
          (*writer)->slot(base.with("cpu", std::to_string(i % 8))
                              .with("__name__", "metric_" + std::to_string(i / 8) + "_total"));
      REQUIRE(slot);
      rows.push_back(row(*slot, static_cast<double>(i)));
    }
    REQUIRE((*writer)->append(rig.clock.now(), rows));
    writers.push_back(*std::move(writer));
  }
  return writers;
}

struct Selecting {
  bool done = false;        // it answered before it was told
  bool unavailable = true;  // it said so when it was stopped
  double ms = 0;            // all it took
  double after_ms = 0;      // of that, since it was told
};

// Selects all series in a thread of its own, which is told to stop when it has worked for `ms`.
Selecting select_for(const StoreRig& rig, double ms) {
  const std::vector<Matcher> matchers = {Matcher::equal("job", "node")};
  const TimeRange range{rig.clock.now() - Duration(60'000), rig.clock.now()};
  StopFlag stop;
  Selecting out;
  std::atomic<double> began{-1};
  std::atomic<double> ended{-1};
  std::atomic<bool> seen{false};
  std::thread thread([&] {
    began = ms_of(CLOCK_THREAD_CPUTIME_ID);
    {
      const auto found = rig.store->select(matchers, range, 1'000'000, &stop);
      out.done = found.has_value();
      out.unavailable = found || found.error().code() == ErrorCode::kUnavailable;
    }
    ended = ms_of(CLOCK_THREAD_CPUTIME_ID);
    while (!seen) std::this_thread::yield();  // its clock goes with it
  });
  clockid_t clock{};
  REQUIRE(::pthread_getcpuclockid(thread.native_handle(), &clock) == 0);
  while (ended < 0 && (began < 0 || ms_of(clock) < began + ms))
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  const double told = ms_of(clock);
  stop.stop = true;
  seen = true;
  thread.join();
  out.ms = ended - began;
  out.after_ms = ended - told;
  return out;
}

TEST_CASE("a sort that may be stopped is stable, and looks every 1,024 elements") {
  using Pair = std::pair<std::uint64_t, std::size_t>;
  std::size_t compared = 0, looks = 0, longest = 0;  // comparisons, since the last look; at most
  const auto less = [&](const Pair& a, const Pair& b) {
    longest = std::max(longest, ++compared);
    return a.first < b.first;
  };
  testing::SeededRng rng(7);
  for (const std::size_t size : {0U, 1U, 2U, 1024U, 1025U, 2049U, 5000U, 40'000U}) {
    std::vector<Pair> unsorted;
    for (std::size_t i = 0; i < size; ++i) unsorted.emplace_back(rng.next() % 300, i);
    std::vector<Pair> expected = unsorted;
    std::sort(expected.begin(), expected.end());
    compared = looks = longest = 0;
    const auto look = [&](std::size_t until) {
      return [&compared, &looks, until] {
        compared = 0;
        return ++looks == until;
      };
    };
    std::vector<Pair> all = unsorted;
    CHECK(stoppable_sort(all, less, look(0)));
    CHECK(all == expected);
    CHECK(longest <= kSortBlock * 12);
    for (std::size_t until = 1, most = looks; until <= most; until += 1 + most / 8) {
      all = unsorted;
      looks = 0;
      CHECK_FALSE(stoppable_sort(all, less, look(until)));
      CHECK(looks == until);
    }
  }
}

TEST_CASE("a selection that is told before it begins is none") {
  StoreRig rig;
  const auto writer = rig.group("g");
  const auto slot = writer->slot(LabelSet{{"__name__", "m"}});
  REQUIRE(slot);
  const std::vector<Row> rows = {row(*slot, 1)};
  REQUIRE(writer->append(rig.clock.now(), rows));
  StopFlag stop;
  const std::vector<Matcher> matchers = {Matcher::equal("__name__", "m")};
  const TimeRange range{rig.clock.now(), rig.clock.now()};
  CHECK(rig.store->select(matchers, range, 10, &stop));
  stop.stop = true;
  const auto found = rig.store->select(matchers, range, 10, &stop);
  REQUIRE_FALSE(found);
  CHECK(found.error().code() == ErrorCode::kUnavailable);
}

}  // namespace

// A selection takes ten times as long under the sanitizer.
#ifdef __SANITIZE_THREAD__
constexpr double kLongestMs = 1000;
#else
constexpr double kLongestMs = 100;
#endif

TEST_CASE("a selection of 100,000 series ends within 100 ms of being told to stop") {
  StoreRig rig(64, 1u << 20);
  rig.options.selection_cache_bytes = 0;  // each is found anew
  rig.open();
  const auto writers = fill(rig);
  const Selecting all = select_for(rig, 1e9);
  REQUIRE(all.done);
  std::size_t stopped = 0;
  for (int tenth = 0; tenth < 10; ++tenth) {
    const Selecting one = select_for(rig, all.ms * tenth / 10);
    CAPTURE(tenth);
    CAPTURE(all.ms);
    CHECK(one.unavailable);
    CHECK(one.after_ms < kLongestMs);
    if (!one.done) ++stopped;
  }
  CHECK(stopped >= 5);
}

}  // namespace nines::storage
