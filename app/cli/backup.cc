// `nines backup` and `nines restore`.
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/storage_verbs.h"
#include "app/server/application.h"
#include "base/core/real_clock.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "storage/offline/backup.h"

namespace nines::app {
namespace {

int failed(const Error& error) {
  fmt::print(stderr, "nines: {}\n", error.what());
  return error.code() == ErrorCode::kNotFound ? kExitNotFound : kExitFailure;
}

std::string data_of(const BackupVerbOptions& options) {
  return options.data.empty() ? default_data_path() : options.data;
}

void name_damage(const std::vector<std::string>& damage, const char* what) {
  if (damage.empty()) return;
  fmt::print(stderr, "nines: {} {}:\n", damage.size(), what);
  for (const std::string& line : damage) fmt::print(stderr, "  {}\n", line);
}

// Lets a copy go on when what was copied so far has had its time.
class Pace {
 public:
  Pace(Scheduler& scheduler, std::uint64_t bytes_per_second)
      : scheduler_(scheduler),
        bytes_per_second_(static_cast<double>(bytes_per_second)),
        began_(scheduler.clock().elapsed()) {}

  void wait(std::uint64_t copied) {
    copied_ += copied;
    const std::chrono::duration<double> due(static_cast<double>(copied_) / bytes_per_second_);
    const Instant until = began_ + std::chrono::duration_cast<Instant::duration>(due);
    if (until <= scheduler_.clock().elapsed()) return;
    std::promise<void> over;
    scheduler_.at(until, [&over] { over.set_value(); });
    over.get_future().wait();
  }

 private:
  Scheduler& scheduler_;
  const double bytes_per_second_;
  const Instant began_;
  std::uint64_t copied_ = 0;
};

}  // namespace

int backup_storage(const BackupVerbOptions& options) {
  const auto fs = make_posix_fs();
  const auto clock = make_real_clock();
  const Instant started = clock->elapsed();
  const std::string data = data_of(options);
  storage::BackupOptions copying{data, options.folder, kVersion, {}};
  std::unique_ptr<Scheduler> scheduler;
  std::optional<Pace> pace;
  if (!options.rate_max.empty()) {
    const Result<std::uint64_t> rate = parse_bytes(options.rate_max);
    if (!rate || *rate < 1024) {
      fmt::print(stderr, "nines: --max-rate must be a size of at least 1KiB such as 20MiB, not {}\n",
                 options.rate_max);
      return kExitUsage;
    }
    scheduler = make_real_scheduler(*clock);
    pace.emplace(*scheduler, *rate);
    copying.pace = [&pace](std::uint64_t bytes) { pace->wait(bytes); };
  }
  const auto report = storage::back_up(*fs, *clock, copying);
  if (!report) return failed(report.error());
  const auto took = std::chrono::duration_cast<Duration>(clock->elapsed() - started);
  name_damage(report->damage, "places of the data are damaged, and are copied as they are");
  fmt::print("{} holds {} as of {}{}: {} files, {}, in {:.1f} s\n", options.folder, data,
             format_time(report->taken_at), report->live ? ", while nines ran" : "", report->files,
             format_bytes(report->bytes), to_seconds(took));
  return kExitOk;
}

int verify_backup(const StorageOptions& options) {
  const auto fs = make_posix_fs();
  const auto report = storage::check_backup(*fs, options.data);
  if (options.json) {
    JsonWriter json;
    json.begin_object().field("path", options.data).field("backup", true);
    json.field("damaged", std::uint64_t{report ? 0u : 1u});
    if (report) {
      json.field("files", report->files).field("taken_at", format_time(report->taken_at));
    } else {
      json.field("what", report.error().what());
    }
    fmt::print("{}\n", json.end_object().str());
    return report ? kExitOk : kExitFailure;
  }
  if (!report) return failed(report.error());
  name_damage(report->damage, "places were damaged when the backup was taken");
  fmt::print("a backup as of {}: {} files checked, 0 damaged\n", format_time(report->taken_at),
             report->files);
  return kExitOk;
}

int restore_storage(const BackupVerbOptions& options) {
  const auto fs = make_posix_fs();
  const std::string data = data_of(options);
  const auto report = storage::restore(*fs, {options.folder, data, options.force});
  if (!report) return failed(report.error());
  name_damage(report->damage, "places were damaged when the backup was taken");
  fmt::print(
      "{} is {} as of {}: {} files checked, ring of {}\n"
      "start it with: nines serve --data {}\n",
      data, options.folder, format_time(report->taken_at), report->files,
      format_bytes(report->ring_bytes), data);
  return kExitOk;
}

}  // namespace nines::app
