#pragma once
// A data folder on the real file system with every store in it, as the engine keeps them.

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "base/fs/fs.h"
#include "base/telemetry/telemetry.h"
#include "storage/logs/log_store.h"
#include "storage/metrics/metric_store.h"
#include "storage/ring/ring.h"
#include "storage/state/sqlite_state.h"
#include "tests/support/sim_clock.h"
#include "tests/support/temp_dir.h"

namespace nines::storage {

struct FolderRig {
  static constexpr std::int64_t kStart = 1'700'000'000'000;  // of the clock, milliseconds

  testing::TempDir dir;
  std::string path = dir / "data";
  std::unique_ptr<Fs> fs = make_posix_fs();
  testing::SimClock clock{from_millis(kStart)};
  testing::SimScheduler scheduler{clock};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  ring::RingOptions ring_options;
  std::unique_ptr<File> lock;
  std::unique_ptr<ring::Ring> ring;
  std::unique_ptr<StateStore> state;
  std::unique_ptr<MetricStore> metrics;
  std::unique_ptr<LogStore> logs;
  std::unique_ptr<GroupWriter> writer;
  std::int64_t next_ms = kStart;  // of the sample add_samples() appends next

  explicit FolderRig(std::uint64_t segments = 48, std::uint32_t segment_bytes = 64u << 10) {
    ring_options.segment_bytes = segment_bytes;
    ring_options.bytes = segments * segment_bytes + 8192;
    open();
  }
  ~FolderRig() { close(); }
  FolderRig(const FolderRig&) = delete;
  FolderRig& operator=(const FolderRig&) = delete;

  void open() { open(path); }
  void open(const std::string& folder) {
    REQUIRE(fs->make_dirs(folder));
    auto locked = fs->lock(folder + "/lock");
    REQUIRE_MESSAGE(locked, locked.error().what());
    lock = *std::move(locked);
    ring_options.path = folder;
    auto opened = ring::Ring::open(ring_options, *fs, clock, *log);
    REQUIRE_MESSAGE(opened, opened.error().what());
    ring = *std::move(opened);
    auto stated = open_sqlite_state(folder + "/state.db", clock, *log);
    REQUIRE_MESSAGE(stated, stated.error().what());
    state = *std::move(stated);
    auto measured = MetricStore::open({}, {*ring, *state, clock, *log, *telemetry});
    REQUIRE_MESSAGE(measured, measured.error().what());
    metrics = *std::move(measured);
    LogOptions options;
    options.sync_interval = Duration(0);
    options.block_bytes = 8u << 10;
    options.head_bytes = 32u << 10;
    options.line_bytes_max = 4096;
    auto logged = LogStore::open(*ring, options, {clock, scheduler, *log, *telemetry});
    REQUIRE_MESSAGE(logged, logged.error().what());
    logs = *std::move(logged);
  }
  void close() {
    writer.reset();
    logs.reset();
    metrics.reset();
    state.reset();
    ring.reset();
    lock.reset();
  }

  // `rows` instants of 10 series, one a second, ending nowhere near a round number.
  void add_samples(int rows) {
    if (!writer) {
      auto made = metrics->open_group("scrape/shop");
      REQUIRE(made);
      writer = *std::move(made);
    }
    std::vector<Row> row(10);
    for (int i = 0; i < rows; ++i, next_ms += 1000) {
      for (std::size_t k = 0; k < row.size(); ++k) {
        const auto slot = writer->slot(series(k));
        REQUIRE(slot);
        row[k].slot = *slot;
        row[k].value = value(k, next_ms);
      }
      clock.advance(Duration(1000));
      REQUIRE(writer->append(from_millis(next_ms), row));
    }
  }
  static LabelSet series(std::size_t k) {
    return LabelSet{{"__name__", "shop_" + std::to_string(k % 3)},
                    {"instance", "shop-1"},
                    {"job", "shop"},
                    {"path", "/p" + std::to_string(k)}};
  }
  // Digits that no codec makes small.
  static double value(std::size_t k, std::int64_t ms) {
    std::uint64_t z = static_cast<std::uint64_t>(ms) * 0x9E3779B97F4A7C15ULL + k;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    return static_cast<double>(z >> 20) / 4096;
  }
  std::size_t lines_added = 0;
  void add_lines(int n) {
    for (int i = 0; i < n; ++i, ++lines_added) {
      const std::string text = "line " + std::to_string(value(1, static_cast<int>(lines_added)));
      const LogLine line{LogTime(from_millis(kStart)) +
                             std::chrono::milliseconds(static_cast<std::int64_t>(lines_added)),
                         text};
      REQUIRE(logs->append(LabelSet{{"app", "shop"}}, std::span(&line, 1)));
    }
  }
  // Every sample of the folder's series, in time and value.
  static std::size_t count_samples(const Querier& querier) {
    const Matcher any = *Matcher::make(MatchOp::kRegex, "__name__", ".+");
    const TimeRange all{from_millis(0), from_millis(INT64_MAX / 2)};
    const auto found = querier.select(std::span(&any, 1), all, 1000);
    REQUIRE(found);
    std::size_t n = 0;
    SampleColumns columns;
    for (std::size_t i = 0; i < (*found)->size(); ++i) {
      REQUIRE((*found)->read(i, all, columns));
      n += columns.size();
    }
    return n;
  }
  static std::size_t count_lines(const LogQuerier& querier) {
    const Matcher app = Matcher::equal("app", "shop");
    std::size_t n = 0;
    const auto scanned = querier.scan(
        std::span(&app, 1), {LogTime{}, LogTime(std::chrono::nanoseconds(INT64_MAX))},
        LogOrder::kOldestFirst, [&n](const LabelSet&, const LogLine&) { return ++n > 0; });
    REQUIRE(scanned);
    return n;
  }
};

}  // namespace nines::storage
