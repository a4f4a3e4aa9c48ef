#pragma once
// A data folder opened for a verb that asks it.

#include <functional>
#include <memory>
#include <string>

#include "app/cli/internal/storage_verbs.h"
#include "base/core/result.h"
#include "storage/offline/opened_folder.h"

namespace nines::app {

struct AskedFolder {
  std::string path;
  bool live = false;  // a nines runs on it
  const storage::OpenedFolder& stores;
};

// Of the folder's ring, as the configuration in `file` shares it out. Errors as config::load().
Result<storage::ring::Parts> parts_of_config(const std::string& file);

// Opens the folder, says on stderr when a running nines writes to it, and calls `ask`. Returns the
// exit code: that of `ask`, or of what went wrong, which is said on stderr.
int with_folder(const StorageOptions& options, const storage::OpenedFolder::Options& how,
                const std::function<int(const AskedFolder&)>& ask);

}  // namespace nines::app
