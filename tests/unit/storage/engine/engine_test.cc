// The engine as the application opens it: real files, a clock that stands still.
#include "storage/engine/engine.h"

#include <map>

#include <doctest/doctest.h>

#include "tests/support/sim_clock.h"
#include "tests/support/temp_dir.h"

namespace nines::storage {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::int64_t kStartMs = 1'700'000'000'000;

struct Room {
  testing::TempDir dir;
  std::unique_ptr<Fs> fs = make_posix_fs();
  testing::SimClock clock{from_millis(kStartMs)};
  testing::SimScheduler scheduler{clock};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();

  Options options(std::uint64_t budget = 32 * kMiB) const {
    Options o;
    o.path = dir / "data";
    o.budget_bytes = budget;
    return o;
  }
  Result<std::unique_ptr<Engine>> open(const Options& o) {
    return Engine::open(o, {*fs, clock, scheduler, *log, *telemetry});
  }
  std::unique_ptr<Engine> must_open(const Options& o) {
    auto engine = open(o);
    REQUIRE_MESSAGE(engine, engine.error().what());
    return *std::move(engine);
  }
  // What `du` would say of the folder.
  std::uint64_t on_disk() {
    std::uint64_t sum = 0;
    const auto names = fs->list(dir / "data");
    REQUIRE(names);
    for (const std::string& name : *names) sum += fs->info(dir / ("data/" + name))->allocated;
    return sum;
  }
};

std::size_t samples_of(Engine& engine, const char* metric) {
  const Matcher matcher = Matcher::equal("__name__", metric);
  const TimeRange all{from_millis(kStartMs - 3'600'000), from_millis(kStartMs + 3'600'000)};
  auto found = engine.querier().select(std::span(&matcher, 1), all, 100);
  REQUIRE(found);
  std::size_t sum = 0;
  SampleColumns columns;
  for (std::size_t i = 0; i < (*found)->size(); ++i) {
    REQUIRE((*found)->read(i, all, columns));
    sum += columns.size();
  }
  return sum;
}

TEST_CASE("an engine takes its whole budget from the disk at once, and no more") {
  Room room;
  const auto engine = room.must_open(room.options());
  const StoreStatus status = engine->status(10);
  CHECK(status.budget_bytes == 32 * kMiB);
  CHECK(status.path == room.dir / "data");
  CHECK(room.on_disk() <= 32 * kMiB);
  CHECK(room.on_disk() >= 29 * kMiB);  // SQLite's reserve of 2 MiB is taken when it is used
  REQUIRE(status.classes.size() == 6);
  CHECK(status.damage.empty());
}

TEST_CASE("samples, log lines and state are there again after the engine was closed") {
  Room room;
  {
    const auto engine = room.must_open(room.options());
    auto writer = engine->appender().open_group("g");
    REQUIRE(writer);
    const auto slot = (*writer)->slot(LabelSet({{"__name__", "m"}, {"job", "a"}}));
    REQUIRE(slot);
    for (int i = 0; i < 100; ++i) {
      const Row row{*slot, 1.5 * i, nullptr, Row::kBatchTime, 0};
      REQUIRE((*writer)->append(from_millis(kStartMs + i * 1000 - 100'000), std::span(&row, 1)));
    }
    const LogLine line{LogTime(std::chrono::milliseconds(kStartMs)), "hello"};
    REQUIRE(engine->log_appender().append(LabelSet({{"app", "x"}}), std::span(&line, 1)));
  }
  const auto engine = room.must_open(room.options());
  CHECK(samples_of(*engine, "m") == 100);
  std::string seen;
  const Matcher app = Matcher::equal("app", "x");
  const LogRange all{LogTime{}, LogTime(std::chrono::milliseconds(kStartMs + 1))};
  const auto scanned = engine->log_querier().scan(
      std::span(&app, 1), all, LogOrder::kOldestFirst,
      [&](const LabelSet&, const LogLine& line) { return seen = line.text, true; });
  REQUIRE(scanned);
  CHECK(seen == "hello");
}

TEST_CASE("a folder belongs to one engine at a time") {
  Room room;
  auto first = room.must_open(room.options());
  const auto second = room.open(room.options());
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == ErrorCode::kUnavailable);
  CHECK(second.error().what().find(room.dir / "data") != std::string::npos);
  first.reset();
  CHECK(room.open(room.options()));
}

TEST_CASE("a budget the disk cannot hold is refused, with what is free") {
  Room room;
  const auto engine = room.open(room.options(1ULL << 50));
  REQUIRE_FALSE(engine);
  CHECK(engine.error().code() == ErrorCode::kLimit);
  CHECK(engine.error().what().find("free") != std::string::npos);
}

TEST_CASE("a budget may grow and shrink from start to start, and the disk shows it") {
  Room room;
  const auto fill = [&](Engine& engine, int from, int n) {
    auto writer = engine.appender().open_group("g" + std::to_string(from));
    REQUIRE(writer);
    const auto slot =
        (*writer)->slot(LabelSet({{"__name__", "m"}, {"from", std::to_string(from)}}));
    REQUIRE(slot);
    for (int i = 0; i < n; ++i) {
      const Row row{*slot, 1.5 * i, nullptr, Row::kBatchTime, 0};
      REQUIRE((*writer)->append(from_millis(kStartMs + i * 1000 - 100'000), std::span(&row, 1)));
    }
  };
  std::size_t samples = 0;
  for (const std::uint64_t budget : {32 * kMiB, 64 * kMiB, 40 * kMiB, 17 * kMiB, 48 * kMiB}) {
    const auto engine = room.must_open(room.options(budget));
    CAPTURE(budget);
    CHECK(samples_of(*engine, "m") == samples);  // little enough to stay in every size
    fill(*engine, static_cast<int>(budget >> 20), 90);
    samples += 90;
    CHECK(engine->status(0).budget_bytes == budget);
    CHECK(room.on_disk() <= budget);
    CHECK(room.on_disk() >= budget - budget / 16 - 3 * kMiB);
  }
}

TEST_CASE("quotas say what a class gets of the ring, and may change from start to start") {
  Room room;
  Options options = room.options(64 * kMiB);
  const auto segments = [](Engine& engine) {
    std::map<std::string, std::uint64_t> out;
    for (const ClassStatus& c : engine.status(0).classes) out[c.name] = c.segments;
    return out;
  };
  const auto defaults = segments(*room.must_open(options));
  std::uint64_t all = 0;
  for (const auto& [name, n] : defaults) all += n;
  options.quota = {{"raw", 20}, {"logs", 40}};
  const auto chosen = segments(*room.must_open(options));
  std::uint64_t sum = 0;
  for (const auto& [name, n] : chosen) sum += n;
  CHECK(sum == all);
  CHECK(chosen.at("raw") == all * 20 / 100);
  CHECK(chosen.at("logs") >= all * 2 / 5);
  CHECK(chosen.at("journal") > defaults.at("journal"));
  options.quota = {{"raw", 20}, {"logs", 2}};
  const auto refused = room.open(options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kInvalid);
  CHECK(refused.error().what().find("`logs = 2` is too little") != std::string::npos);
  options.quota = {};
  CHECK(segments(*room.must_open(options)) == defaults);
}

TEST_CASE("a budget too small for the folder's segments is refused, with the least there can be") {
  Room room;
  Options options = room.options(64 * kMiB);
  options.segment_bytes = 4 * kMiB;
  REQUIRE(room.open(options));
  options.budget_bytes = 32 * kMiB;
  const auto refused = room.open(options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kInvalid);
  CHECK(refused.error().what().find("segments of 4 MiB, which need a budget of at least 57 MiB") !=
        std::string::npos);
  REQUIRE(room.open(room.options(57 * kMiB)));
}

TEST_CASE("a budget without room for a ring is refused, with the least there can be") {
  Room room;
  for (const std::uint64_t budget : {std::uint64_t{0}, kMiB, 2 * kMiB}) {
    CAPTURE(budget);
    const auto engine = room.open(room.options(budget));
    REQUIRE_FALSE(engine);
    CHECK(engine.error().code() == ErrorCode::kInvalid);
    CHECK(engine.error().what().find("at least") != std::string::npos);
  }
  CHECK(room.open(room.options(16 * kMiB)));
}

TEST_CASE("a share of the disk is a budget too") {
  Room room;
  Options options = room.options();
  const auto space = room.fs->space(room.dir.path());
  REQUIRE(space);
  options.budget_percent = 100.0 * 32 * kMiB / static_cast<double>(space->total);
  const auto engine = room.must_open(options);
  const std::uint64_t budget = engine->status(0).budget_bytes;
  CHECK(budget >= 32 * kMiB - 4096);
  CHECK(budget <= 32 * kMiB + 4096);
}

TEST_CASE("a folder without a name is refused") {
  Room room;
  Options options = room.options();
  options.path.clear();
  const auto engine = room.open(options);
  REQUIRE_FALSE(engine);
  CHECK(engine.error().code() == ErrorCode::kInvalid);
}

}  // namespace
}  // namespace nines::storage
