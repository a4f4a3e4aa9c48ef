#include "app/cli/internal/folder.h"

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/descriptors.h"
#include "app/server/application.h"
#include "base/core/real_clock.h"
#include "storage/offline/verify.h"

namespace nines::app {

int with_folder(const StorageOptions& options, const std::function<int(const AskedFolder&)>& ask) {
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
      storage::OpenedFolder::open(*fs, path, {*clock, *scheduler, *log, *telemetry}, {});
  if (!opened) {
    fmt::print(stderr, "nines: {}\n", opened.error().what());
    return opened.error().code() == ErrorCode::kNotFound ? kExitNotFound : kExitFailure;
  }
  return ask({path, !holder.empty(), **opened});
}

}  // namespace nines::app
