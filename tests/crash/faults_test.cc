// Every Nth call of the disk fails, once and for ever; every Nth allocation fails; the disk is
// full. What was acknowledged stays readable, the store goes on or says no, and the next start
// finds it.

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/crash/states.h"
#include "tests/crash/store_bench.h"
#include "tests/support/mem_fs.h"

namespace {
// Counts down in the thread under test; -1: off. NOLINTNEXTLINE(*-non-const-global-variables)
std::atomic<std::int64_t> allocations_left{-1};

void* allocate_or_fail(std::size_t size) {
  if (allocations_left.load(std::memory_order_relaxed) >= 0 &&
      allocations_left.fetch_sub(1, std::memory_order_relaxed) == 0) {
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) {
  return allocate_or_fail(size);
}
void* operator new[](std::size_t size) {
  return allocate_or_fail(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return allocate_or_fail(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  return operator new(size, tag);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace nines {
namespace {

using testing::MemFs;
using testing::StoreBench;

struct Run {
  testing::Times synced;                               // of metrics, acknowledged by sync()
  std::map<std::uint64_t, std::uint64_t> synced_line;  // of logs, by stream
  bool out_of_memory = false;
};

// A life of both stores. False answers are allowed; what was answered true is remembered.
void live(StoreBench& bench, Fs& fs, Run& run) {
  auto ring = bench.open_ring(fs);
  if (!ring) return;
  auto metrics = bench.open_metrics(**ring);
  if (!metrics) return;
  auto logs = bench.open_logs(**ring);
  if (!logs) return;
  auto group = (*metrics)->open_group("g");
  if (!group) return;
  std::vector<storage::Row> rows(4);
  for (std::uint64_t i = 0; i < rows.size(); ++i) {
    const auto slot = (*group)->slot({{"__name__", "m"}, {"n", std::to_string(i)}});
    if (!slot) return;
    rows[i].slot = *slot;
  }
  testing::Times appended;
  std::uint64_t line_number = 0;
  for (int step = 0; step < 60; ++step) {
    bench.clock.advance(Duration{1000});
    const std::int64_t now = to_millis(bench.clock.now());
    for (std::uint64_t i = 0; i < rows.size(); ++i) rows[i].value = testing::value_at(i, now);
    try {
      if (const auto done = (*group)->append(bench.clock.now(), rows)) {
        for (std::uint64_t i = 0; i < rows.size(); ++i) appended[i].push_back(now);
      }
      const std::uint64_t number = static_cast<std::uint64_t>(now);
      const std::string text = testing::line_text(1, number, testing::line_length(number));
      const storage::LogLine line{bench.clock.now_nanos(), text};
      if ((*logs)->append(LabelSet{{"s", "1"}}, {&line, 1})) line_number = number;
      if (step % 5 == 4) {
        (*metrics)->tend();
        if ((*metrics)->sync()) run.synced = appended;
        if ((*logs)->flush() && line_number != 0) run.synced_line[1] = line_number;
      }
      if (step == 40 && (*metrics)->flush()) run.synced = appended;
      if (step == 45) (void)(*logs)->cut();
    } catch (const std::bad_alloc&) {
      run.out_of_memory = true;
      break;  // a program without memory ends: what it acknowledged must be on disk
    }
  }
  group->reset();
}

// A healthy start after it: everything acknowledged is there.
std::string after(StoreBench& bench, Fs& fs, const Run& run) {
  auto ring = bench.open_ring(fs);
  if (!ring) return "ring: " + ring.error().what();
  auto metrics = bench.open_metrics(**ring);
  if (!metrics) return "metrics: " + metrics.error().what();
  auto logs = bench.open_logs(**ring);
  if (!logs) return "logs: " + logs.error().what();
  const testing::MetricAnswer m = testing::read_metrics(**metrics);
  if (!m.wrong.empty()) return m.wrong;
  for (const auto& [series, times] : run.synced) {
    const auto have = m.times.find(series);
    if (have == m.times.end() ||
        !std::includes(have->second.begin(), have->second.end(), times.begin(), times.end())) {
      return "series " + std::to_string(series) + " lost synced samples";
    }
  }
  testing::LogAnswer l = testing::read_lines(**logs);
  if (!l.wrong.empty()) return l.wrong;
  for (const auto& [stream, number] : run.synced_line) {
    const auto& have = l.lines[stream];
    if (std::find(have.begin(), have.end(), number) == have.end()) return "lost synced lines";
  }
  return {};
}

TEST_CASE("every Nth call of the disk fails, once and from then on, with a power cut after it") {
  StoreBench counting;
  MemFs whole;
  whole.put("/r/x", "");
  Run clean;
  live(counting, whole, clean);
  const std::uint64_t operations = whole.operations();
  REQUIRE(operations > 100);
  std::uint64_t lives = 0;
  // Pages are made by append, or by tend; the disk fails once, or for ever; the power stays, or
  // not.
  for (int kind = 0; kind < 8; ++kind) {
    const bool waits = (kind & 4) != 0, for_ever = (kind & 2) != 0, power_cut = (kind & 1) != 0;
    for (std::uint64_t nth = 1; nth <= operations; ++nth) {
      StoreBench bench;
      bench.metric_options.flush_at_once_samples = waits ? 0 : SIZE_MAX;
      MemFs fs;
      fs.put("/r/x", "");
      const std::size_t base = fs.trace().size();
      fs.fail_nth(nth, for_ever);
      Run run;
      live(bench, fs, run);
      fs.fail_nth(0);
      const std::vector<std::string> trace = fs.trace();
      const std::string failed = base + nth <= trace.size() ? trace[base + nth - 1] : "not reached";
      if (power_cut) {
        testing::SeededRng dice(nth);
        fs.crash(dice);
      }
      const std::string wrong = after(bench, fs, run);
      const std::string which = std::to_string(nth) + (for_ever ? " and all later" : "") +
                                (power_cut ? ", then a power cut" : "");
      REQUIRE_MESSAGE(wrong.empty(), wrong, " (call ", which, ": ", failed, ")");
      ++lives;
    }
  }
  MESSAGE("lives with a failing disk: ", lives, " of ", operations, " calls");
}

TEST_CASE("every Nth call of the disk fails in recovery: refused or right, and right afterwards") {
  StoreBench bench;
  MemFs fs;
  fs.put("/r/x", "");
  Run run;
  live(bench, fs, run);
  std::uint64_t starts = 0;
  for (std::uint64_t nth = 1; nth < 2000; ++nth) {
    const std::uint64_t before = fs.operations();
    fs.fail_nth(nth);
    (void)after(bench, fs, run);
    const bool reached = fs.operations() - before >= nth;
    fs.fail_nth(0);
    const std::string wrong = after(bench, fs, run);
    REQUIRE_MESSAGE(wrong.empty(), wrong, " (call ", nth, ")");
    ++starts;
    if (!reached) break;
  }
  MESSAGE("starts with a failing disk: ", starts);
}

TEST_CASE("every Nth allocation fails in append, flush and recovery") {
  std::uint64_t failures = 0;
  std::int64_t step = 1;
  for (std::int64_t nth = 0;; nth += step) {
    StoreBench bench;
    if (nth % 2 == 1) bench.metric_options.flush_at_once_samples = 0;  // tend makes the pages
    MemFs fs;
    fs.put("/r/x", "");
    Run run;
    bool failed = false;
    {
      allocations_left = nth;
      try {
        live(bench, fs, run);
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      allocations_left = -1;
      failed = failed || run.out_of_memory;
    }
    const std::string wrong = after(bench, fs, run);
    REQUIRE_MESSAGE(wrong.empty(), wrong, " (allocation ", nth, ")");
    failures += failed ? 1 : 0;
    if (!failed && nth > 0 && failures > 0 && nth > 200'000) break;
    if (nth > 300) step = 1 + nth / 400;  // thinner, the later
    if (nth > 400'000) break;
  }
  MESSAGE("allocations that failed: ", failures);
}

TEST_CASE("a full disk refuses at the first start and leaves nothing; the ring never needs more") {
  StoreBench bench;
  for (int round = 0; round < 100; ++round) {
    MemFs fs;
    fs.put("/r/x", "");
    fs.set_capacity(bench.ring_options.bytes / 2 + static_cast<std::uint64_t>(round) * 1000);
    const auto refused = bench.open_ring(fs);
    REQUIRE(!refused);
    CHECK(refused.error().code() == ErrorCode::kLimit);
    CHECK(refused.error().what().find("budget") != std::string::npos);
    CHECK(fs.list("/r")->size() == 1);
    fs.set_capacity(bench.ring_options.bytes + 65'536);
    Run run;
    live(bench, fs, run);
    fs.set_capacity(bench.ring_options.bytes);  // not a byte is free: nothing of ours grows
    live(bench, fs, run);
    REQUIRE(run.synced.size() == 4);
    const std::string wrong = after(bench, fs, run);
    REQUIRE_MESSAGE(wrong.empty(), wrong);
  }
}

}  // namespace
}  // namespace nines
