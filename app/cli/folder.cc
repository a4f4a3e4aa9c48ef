#include "app/cli/internal/folder.h"

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/descriptors.h"
#include "app/config/config.h"
#include "app/server/application.h"
#include "base/core/real_clock.h"
#include "storage/engine/ring_shape.h"
#include "storage/offline/verify.h"

namespace nines::app {

Result<storage::ring::Parts> parts_of_config(const std::string& file) {
  const auto fs = make_posix_fs();
  NINES_TRY(const config::Config config, config::load_file(*fs, file));
  storage::ring::Parts parts = storage::ring::RingOptions{}.parts;
  if (const auto mistake = storage::share_quotas(config.storage.quota, {}, parts))
    return Error(ErrorCode::kInvalid, file + ": [storage] quota: " + mistake->text);
  return parts;
}

int with_folder(const StorageOptions& options, const storage::OpenedFolder::Options& how,
                const std::function<int(const AskedFolder&)>& ask) {
  raise_descriptor_limit();
  const std::string path = options.data.empty() ? default_data_path() : options.data;
  const auto fs = make_posix_fs();
  const auto clock = make_real_clock();
  const auto scheduler = make_real_scheduler(*clock);
  const auto log = make_stderr_log(LogLevel::kWarn);
  const auto telemetry = make_telemetry();
  const std::string holder = storage::folder_holder(*fs, path);
  if (!holder.empty()) {
    fmt::print(stderr, "nines: {}: a running nines writes here; this is what it has now\n", holder);
  }
  const auto opened =
      storage::OpenedFolder::open(*fs, path, {*clock, *scheduler, *log, *telemetry}, how);
  if (!opened) {
    fmt::print(stderr, "nines: {}\n", opened.error().what());
    return opened.error().code() == ErrorCode::kNotFound ? kExitNotFound : kExitFailure;
  }
  return ask({path, !holder.empty(), **opened});
}

}  // namespace nines::app
