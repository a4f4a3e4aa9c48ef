// kill -9, again and again, at any moment: what was acknowledged is there at the next start, whole
// and in order, in metrics, log lines and state. NINES_CRASH_SCALE=20 makes 20,000 cycles of it.

#include <atomic>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/core/real_clock.h"
#include "storage/engine/engine.h"
#include "tests/crash/states.h"
#include "tests/crash/store_bench.h"

namespace nines {
namespace {

constexpr std::uint64_t kSeries = 20;

// Shared with the process that will be killed: what it was told is done.
struct Ledger {
  std::atomic<std::int64_t> scrape{0};   // time of the newest acknowledged one
  std::atomic<std::uint64_t> line{0};    // number of the newest acknowledged one
  std::atomic<std::uint64_t> value{0};   // of the key "n" in the state
  std::atomic<std::uint64_t> starts{0};  // that found everything
  std::atomic<std::int64_t> slowest_ms{0};
  std::atomic<std::int64_t> slowest_cpu_ms{0};  // of processor time: others use this machine, too
  std::atomic<std::uint64_t> late{0};  // starts that took more than a second by the clock
  std::atomic<std::uint64_t> wraps{0};
  char wrong[400] = {};
};

std::int64_t cpu_ms() {
  timespec at{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
  return std::int64_t{at.tv_sec} * 1000 + at.tv_nsec / 1'000'000;
}

void complain(Ledger& ledger, const std::string& what) {
  std::snprintf(ledger.wrong, sizeof ledger.wrong, "%s", what.c_str());
  _exit(3);
}

void check_everything(storage::Engine& engine, Ledger& ledger, std::uint64_t cycle) {
  // One series each time: all of it.
  const std::uint64_t series = cycle % kSeries;
  const Matcher one[] = {Matcher::equal("__name__", "m"),
                         Matcher::equal("n", std::to_string(series))};
  const storage::TimeRange all{Timestamp{Duration{0}}, Timestamp{Duration{4'000'000'000'000}}};
  const auto selection = engine.querier().select(one, all, 100);
  if (!selection) complain(ledger, selection.error().what());
  SampleColumns columns;
  for (std::size_t i = 0; i < (*selection)->size(); ++i) {
    if (const auto read = (*selection)->read(i, all, columns); !read)
      complain(ledger, read.error().what());
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (columns.values[k] != testing::value_at(series, columns.times[k]))
        complain(ledger, "a wrong value");
      // Scrapes are one apart: a gap is a loss in the middle.
      if (k > 0 && columns.times[k] != columns.times[k - 1] + 1)
        complain(ledger, "samples lost in the middle");
    }
    if (columns.size() > 0 && columns.times.front() > testing::kBenchStart + 1) ledger.wraps = 1;
  }
  const std::int64_t newest = columns.size() == 0 ? 0 : columns.times.back();
  if (newest < ledger.scrape) {
    complain(ledger, "acknowledged samples lost: " + std::to_string(ledger.scrape - newest));
  }
  ledger.scrape = std::max<std::int64_t>(newest, ledger.scrape);

  std::uint64_t last = 0, first = 0;
  const Matcher stream[] = {Matcher::equal("s", "1")};
  std::uint64_t seen = 0;
  const auto stats = engine.log_querier().scan(
      stream, {LogTime{}, LogTime{std::chrono::nanoseconds{INT64_MAX}}},
      storage::LogOrder::kNewestFirst, [&](const LabelSet&, const storage::LogLine& line) {
        const std::uint64_t number = std::strtoull(std::string(line.text).c_str(), nullptr, 10);
        if (line.text != testing::line_text(1, number, testing::line_length(number)))
          complain(ledger, "a wrong line");
        if (last == 0) last = number;
        if (first != 0 && number != first - 1)
          complain(ledger, "lines lost in the middle, or twice");
        first = number;
        return ++seen < 3000;
      });
  if (!stats) complain(ledger, stats.error().what());
  if (last < ledger.line)
    complain(ledger, "acknowledged lines lost: " + std::to_string(ledger.line - last));
  ledger.line = last;

  const auto value = engine.state().get_value("n");
  if (!value) complain(ledger, value.error().what());
  const std::uint64_t n = *value ? std::stoull(**value) : 0;
  if (n < ledger.value) complain(ledger, "acknowledged state lost");
  ledger.value = n;
}

[[noreturn]] void write_until_killed(const std::string& path, Ledger& ledger, std::uint64_t cycle) {
  const auto fs = make_posix_fs();
  const auto clock = make_real_clock();
  testing::SimClock still{Timestamp{Duration{testing::kBenchStart}}};
  testing::SimScheduler scheduler{still};
  const auto log = make_null_log();
  const auto telemetry = make_telemetry();
  storage::Options options;
  options.path = path;
  options.budget_bytes = 18u << 20;
  options.future_max = Duration{4'000'000'000'000};
  options.rows_per_page = 16;
  const Instant began = clock->elapsed();
  const std::int64_t cpu_began = cpu_ms();
  auto engine = storage::Engine::open(options, {*fs, still, scheduler, *log, *telemetry});
  if (!engine) complain(ledger, engine.error().what());
  const auto took = std::chrono::duration_cast<Duration>(clock->elapsed() - began).count();
  ledger.slowest_ms = std::max<std::int64_t>(ledger.slowest_ms, took);
  if (took > 1000) ++ledger.late;
  ledger.slowest_cpu_ms = std::max<std::int64_t>(ledger.slowest_cpu_ms, cpu_ms() - cpu_began);
  check_everything(**engine, ledger, cycle);
  ++ledger.starts;
  auto group = *(*engine)->appender().open_group("g");
  std::vector<storage::Row> rows(kSeries);
  for (std::uint64_t i = 0; i < kSeries; ++i) {
    rows[i].slot = *group->slot({{"__name__", "m"}, {"n", std::to_string(i)}});
  }
  std::int64_t now = std::max<std::int64_t>(ledger.scrape, testing::kBenchStart);
  std::uint64_t number = ledger.line;
  for (std::uint64_t turn = 0;; ++turn) {
    ++now;
    for (std::uint64_t i = 0; i < kSeries; ++i) rows[i].value = testing::value_at(i, now);
    if (!group->append(Timestamp{Duration{now}}, rows)) complain(ledger, "append");
    ledger.scrape = now;
    ++number;
    const std::string text = testing::line_text(1, number, testing::line_length(number));
    const storage::LogLine line{
        LogTime{std::chrono::nanoseconds{static_cast<std::int64_t>(number)}}, text};
    if (!(*engine)->log_appender().append(LabelSet{{"s", "1"}}, {&line, 1}))
      complain(ledger, "log append");
    ledger.line = number;
    if (turn % 50 == 0) {
      const std::uint64_t next = ledger.value + 1;
      if (!(*engine)->state().set_value("n", std::to_string(next))) complain(ledger, "state");
      ledger.value = next;
    }
  }
}

TEST_CASE("nothing acknowledged is lost by kill -9 at any moment, and the start is quick") {
  const std::uint64_t cycles = testing::crash_count(1000);
  std::string path = "/dev/shm/nines-kill-";
  path.append(6, 'X');  // what mkdtemp fills in
  REQUIRE(mkdtemp(path.data()) != nullptr);
  void* memory =
      mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  auto* ledger = new (memory) Ledger;
  testing::SeededRng dice(99);
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) write_until_killed(path, *ledger, cycle);
    // Half of them right in the start, wherever it is; half after it was found good, while writing.
    const std::uint64_t before = ledger->starts;
    if (cycle % 2 == 1) {
      for (int wait = 0;
           wait < 10'000 && ledger->starts == before && waitpid(child, nullptr, WNOHANG) == 0;
           ++wait) {
        usleep(1000);
      }
    }
    usleep(static_cast<useconds_t>(dice.below(30'000)));
    kill(child, SIGKILL);
    int status = 0;
    const pid_t reaped = waitpid(child, &status, 0);
    const std::string wrong = ledger->wrong;
    REQUIRE_MESSAGE(wrong.empty(), wrong, " (cycle ", cycle, ")");
    REQUIRE(reaped == child);
    REQUIRE(WIFSIGNALED(status));
  }
  CHECK(ledger->starts >= cycles / 2);
  CHECK(ledger->slowest_cpu_ms <= 1000);
  CHECK(ledger->late * 100 <= ledger->starts);  // somebody else had the machine
  MESSAGE(cycles, " kills, ", ledger->starts.load(), " of them after a verified start; ",
          ledger->scrape - testing::kBenchStart, " scrapes, ", ledger->line.load(), " lines, ring ",
          std::string(ledger->wraps != 0 ? "went round" : "did not go round"), "; slowest start ",
          ledger->slowest_ms.load(), " ms, of which the processor at most ",
          ledger->slowest_cpu_ms.load(), " ms");
  const std::string remove = "rm -rf " + path;
  CHECK(std::system(remove.c_str()) == 0);  // NOLINT(concurrency-mt-unsafe)
  munmap(memory, sizeof(Ledger));
}

}  // namespace
}  // namespace nines
