// `nines backup` and `nines restore`.
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

}  // namespace

int backup_storage(const BackupVerbOptions& options) {
  const auto fs = make_posix_fs();
  const auto clock = make_real_clock();
  const Instant started = clock->elapsed();
  const std::string data = data_of(options);
  const auto report = storage::back_up(*fs, *clock, {data, options.folder, kVersion});
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
