// Timers belong to the whole program: a slow disk is waited for elsewhere.
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>

#include <doctest/doctest.h>

#include "base/core/real_clock.h"
#include "storage/engine/engine.h"
#include "tests/support/temp_dir.h"

namespace nines::storage {
namespace {

// Holds each sync() of a segment while the disk is slow.
class Disk {
 public:
  void slow(bool is) {
    const std::lock_guard lock(mutex_);
    slow_ = is;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    if (slow_) ++held_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !slow_; });
  }
  bool holds_one() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return held_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool slow_ = false;
  int held_ = 0;
};

class SlowFile final : public File {
 public:
  SlowFile(std::unique_ptr<File> file, Disk& disk) : file_(std::move(file)), disk_(disk) {}
  Result<std::size_t> pread(std::uint64_t offset, std::span<std::byte> out) const override {
    return file_->pread(offset, out);
  }
  Result<void> pwrite(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return file_->pwrite(offset, bytes);
  }
  Result<void> sync() override {
    disk_.pass();
    return file_->sync();
  }
  Result<void> allocate(std::uint64_t size) override { return file_->allocate(size); }
  Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
  Result<FileInfo> info() const override { return file_->info(); }

 private:
  const std::unique_ptr<File> file_;
  Disk& disk_;
};

class SlowFs final : public Fs {
 public:
  explicit SlowFs(Disk& disk) : disk_(disk) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    NINES_TRY(std::unique_ptr<File> file, fs_->open(path, mode));
    if (path.find("/seg-") == std::string::npos) return file;
    return std::unique_ptr<File>(std::make_unique<SlowFile>(std::move(file), disk_));
  }
  Result<FileInfo> info(const std::string& path) override { return fs_->info(path); }
  Result<std::vector<std::string>> list(const std::string& dir) override { return fs_->list(dir); }
  Result<void> make_dirs(const std::string& dir) override { return fs_->make_dirs(dir); }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return fs_->rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return fs_->remove(path); }
  Result<void> sync_dir(const std::string& dir) override { return fs_->sync_dir(dir); }
  Result<DiskSpace> space(const std::string& path) override { return fs_->space(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return fs_->lock(path); }

 private:
  Disk& disk_;
  const std::unique_ptr<Fs> fs_ = make_posix_fs();
};

struct Room {
  testing::TempDir dir;
  Disk disk;
  SlowFs fs{disk};
  std::unique_ptr<Clock> clock = make_real_clock();
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  std::unique_ptr<Scheduler> scheduler = make_real_scheduler(*clock);
  std::unique_ptr<Engine> engine;
  std::unique_ptr<GroupWriter> writer;
  Slot slot{};
  int samples = 0;

  Room() {
    Options options;
    options.path = dir / "data";
    options.budget_bytes = 32ULL << 20;
    options.sync_interval = Duration(20);
    auto opened = Engine::open(options, {fs, *clock, *scheduler, *log, *telemetry});
    REQUIRE_MESSAGE(opened, opened.error().what());
    engine = *std::move(opened);
    auto group = engine->appender().open_group("g");
    REQUIRE(group);
    writer = *std::move(group);
    const auto given = writer->slot(LabelSet({{"__name__", "m"}}));
    REQUIRE(given);
    slot = *given;
  }
  void append_sample() {
    const Row row{slot, 1, nullptr, Row::kBatchTime, 0};
    const auto appended = writer->append(clock->now() + Duration(++samples), std::span(&row, 1));
    REQUIRE(appended);
    REQUIRE(appended->appended == 1);
  }
  void append_line() {
    const LogLine line{clock->now_nanos(), "hello"};
    REQUIRE(engine->log_appender().append(LabelSet({{"app", "x"}}), std::span(&line, 1)));
  }
  // Whether the timers' thread does others' work, when the store's own timers have had their turn.
  bool timers_run() {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> future = done->get_future();
    scheduler->after(Duration(300), [done] { done->set_value(); });
    return future.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  }
};

TEST_CASE("timers run on while samples wait for the disk") {
  Room room;
  room.append_sample();
  room.disk.slow(true);
  room.append_sample();
  CHECK(room.disk.holds_one());
  CHECK(room.timers_run());
  room.disk.slow(false);
}

TEST_CASE("timers run on while log lines wait for the disk") {
  Room room;
  room.append_line();
  room.disk.slow(true);
  room.append_line();
  CHECK(room.disk.holds_one());
  CHECK(room.timers_run());
  room.disk.slow(false);
}

TEST_CASE("an engine that is closed in the middle of its work waits for it") {
  Room room;
  room.append_sample();
  room.disk.slow(true);
  room.append_sample();
  REQUIRE(room.disk.holds_one());
  room.scheduler->after(Duration(100), [&room] { room.disk.slow(false); });
  room.writer.reset();
  room.engine.reset();
  CHECK(room.timers_run());
}

}  // namespace
}  // namespace nines::storage
