// What the store promises to one thread it promises to many: writers, readers, deletions and the
// thread that tends go on side by side while the ring goes round.
#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/core/mutex.h"
#include "tests/unit/storage/metrics/store_rig.h"

namespace nines::storage {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kStart = 1'699'999'200'000;  // a whole hour
constexpr int kRounds = 5'000;
constexpr int kSeries = 12;  // of a group at first; another one every 500 rounds

class SharedClock final : public Clock {
 public:
  Timestamp now() const override { return from_millis(ms_); }
  Instant elapsed() const override { return Instant(std::chrono::milliseconds(ms_)); }
  void set(std::int64_t ms) {
    std::int64_t was = ms_;
    while (was < ms && !ms_.compare_exchange_weak(was, ms)) {
    }
  }

 private:
  std::atomic<std::int64_t> ms_{kStart};
};

// Hard to compress, so that the ring goes round.
double value_at(std::int64_t time, int series) {
  const auto mixed = (static_cast<std::uint64_t>(time) * 31 + static_cast<std::uint64_t>(series)) *
                     0x9E3779B97F4A7C15ULL;
  return static_cast<double>(mixed >> 20);
}

LabelSet labels_of(const std::string& group, int series) {
  return {{"__name__", "m" + std::to_string(series)}, {"instance", group}, {"job", "j"}};
}

struct Threads {
  testing::MemFs fs;
  SharedClock clock;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  testing::MemoryState state;
  std::unique_ptr<ring::Ring> ring;
  std::unique_ptr<MetricStore> store;
  std::atomic<int> writing{2};
  Mutex mutex;
  std::map<int, int> faults NINES_GUARDED_BY(mutex);  // by line: doctest checks in one thread
  std::atomic<std::uint64_t> reads{0};

  Threads() {
    REQUIRE(fs.make_dirs("/data"));
    ring::RingOptions options;
    options.path = "/data";
    options.segment_bytes = 64u << 10;
    options.bytes = 20 * options.segment_bytes + 8192;
    options.parts = {250, 250, 250, 250, 0, 0};
    auto opened = ring::Ring::open(options, fs, clock, *log);
    REQUIRE_MESSAGE(opened, opened.error().what());
    ring = *std::move(opened);
    MetricStoreOptions store_options;
    store_options.flush_at_once_samples = 0;  // pages are made while others append and read
    auto made = MetricStore::open(store_options, {*ring, state, clock, *log, *telemetry});
    REQUIRE_MESSAGE(made, made.error().what());
    store = *std::move(made);
  }
  void must(bool held, int line = __builtin_LINE()) {
    if (held) return;
    const MutexLock lock(mutex);
    ++faults[line];
  }

  // A row of all series a minute.
  void write(const std::string& name) {
    auto writer = store->open_group({name, {{"instance", name}, {"job", "j"}}, "j"});
    must(writer.has_value());
    std::vector<Slot> slots;
    for (int round = 0; writer && round < kRounds; ++round) {
      const std::int64_t at = kStart + round * kMinute;
      clock.set(at);
      while (static_cast<int>(slots.size()) < kSeries + round / 500) {
        const auto slot = (*writer)->slot(labels_of(name, static_cast<int>(slots.size())));
        must(slot.has_value());
        slots.push_back(slot ? *slot : Slot{});
      }
      std::vector<Row> rows;
      for (std::size_t i = 0; i < slots.size(); ++i)
        rows.push_back(row(slots[i], value_at(at, static_cast<int>(i))));
      const auto done = (*writer)->append(from_millis(at), rows);
      must(done && done->appended == rows.size());
      const ExemplarRow exemplar{slots[0], {LabelSet{{"id", std::to_string(round)}}, 1, at, true}};
      must((*writer)->append_exemplars(std::span(&exemplar, 1)).has_value());
    }
    --writing;
  }

  // Samples after `dropped_until` are all there, each with its value.
  void read_samples(const SeriesSelection& selection, std::size_t index, int series) {
    SampleColumns columns;
    must(selection.read(index, {from_millis(0), from_millis(INT64_MAX / 2)}, columns).has_value());
    const auto dropped = store->retention().dropped_until;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      must(columns.values[i] == value_at(columns.times[i], series));
      if (i == 0 || (dropped && from_millis(columns.times[i - 1]) <= *dropped)) continue;
      must(columns.times[i] - columns.times[i - 1] == kMinute);
    }
  }
  // No window between the first and the last is missing, or lacks a sample.
  void read_windows(const SeriesSelection& selection, std::size_t index, Tier tier) {
    std::vector<TierWindow> windows;
    must(selection.read_tier(index, tier, {from_millis(0), from_millis(INT64_MAX / 2)}, windows)
             .has_value());
    for (std::size_t i = 2; i < windows.size(); ++i) {
      must(windows[i].end - windows[i - 1].end == tier_step(tier));
      must(windows[i - 1].count == tier_step(tier) / kMinute);
    }
  }
  void read(const std::string& name) {
    const std::vector<Matcher> all{Matcher::equal("job", "j")};
    const TimeRange ever{from_millis(0), from_millis(INT64_MAX / 2)};
    for (int n = 0; writing > 0; n = (n + 1) % kSeries) {
      const std::vector<Matcher> one{Matcher::equal("__name__", "m" + std::to_string(n)),
                                     Matcher::equal("instance", name)};
      const auto found = store->select(one, ever, 10, nullptr);
      must(found && (*found)->size() <= 1);
      if (n == 1 || !found || (*found)->size() == 0) continue;  // 1 is deleted from
      read_samples(**found, 0, n);
      read_windows(**found, 0, n % 2 == 0 ? Tier::k5m : Tier::k1h);
      must(store->select(all, ever, 1000, nullptr).has_value());
      must(store->label_values("__name__", all, ever, 0).has_value());
      must(store->label_names({}, ever, 0).has_value());
      static_cast<void>(store->exemplars(std::span(&all, 1), ever));
      static_cast<void>(store->metadata());
      ++reads;
    }
  }
  void erase() {
    const std::vector<Matcher> one{Matcher::equal("__name__", "m1")};
    while (writing > 0) {
      const std::int64_t to = to_millis(clock.now()) - 10 * kMinute;
      const auto erased = store->delete_series(std::span(&one, 1),
                                               {from_millis(to - 10 * kMinute), from_millis(to)});
      must(erased || erased.error().code() == ErrorCode::kLimit);
      must(store->clean_deletions().has_value());
      for (int i = 0; i < 20 && writing > 0; ++i) std::this_thread::yield();
    }
  }
  void tend() {
    while (writing > 0) {
      store->set_metadata("m0", {MetricType::kGauge, std::to_string(reads), ""});
      store->tend();
      must(store->sync().has_value());
      StoreStatus status;
      store->add_status(status, 5);
      must(status.damage.empty());
    }
  }
};

TEST_CASE("writers, readers, deletions and the thread that tends do not disturb each other") {
  Threads t;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { t.write("a"); });
  threads.emplace_back([&] { t.write("b"); });
  threads.emplace_back([&] { t.read("a"); });
  threads.emplace_back([&] { t.read("b"); });
  threads.emplace_back([&] { t.erase(); });
  threads.emplace_back([&] { t.tend(); });
  for (std::thread& thread : threads) thread.join();
  {
    const MutexLock lock(t.mutex);
    for (const auto& fault : t.faults) CHECK_MESSAGE(fault.second == 0, "line " << fault.first);
  }
  CHECK(t.reads > 0);
  CHECK(t.store->retention().dropped_until.has_value());
  StoreStatus status;
  t.store->add_status(status, 0);
  CHECK(status.damage.empty());
}

}  // namespace
}  // namespace nines::storage
