#pragma once
// Every checksum of a data folder: for `nines verify` and `nines storage list`.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/fs/fs.h"
#include "storage/ring/check.h"

namespace nines::storage {

// Keeps a nines from starting in the folder while it is looked at.
struct FolderHold {
  std::unique_ptr<File> lock;  // null: the folder has no lock file, or it cannot be taken
  std::string holder;          // not empty: another process runs here; says which
};
FolderHold hold_folder(Fs& fs, const std::string& path);
// Whether a process runs in the folder, asked without taking its lock even for a moment: "PATH/lock
// is held by another process (pid 123)". Empty: none, or the kernel does not tell.
std::string folder_holder(Fs& fs, const std::string& path);

struct FolderCheck {
  ring::RingCheck ring;
  std::uint64_t pages = 0;   // of metric samples, decoded whole
  std::uint64_t blocks = 0;  // of log lines, unpacked
  std::vector<std::string> state_problems;  // of state.db
  std::uint64_t damaged() const { return ring.damage.size() + state_problems.size(); }
};

// Reads everything. `live`: a nines writes to the folder meanwhile. Errors as ring::check_ring().
Result<FolderCheck> check_folder(Fs& fs, const std::string& path, bool live);

}  // namespace nines::storage
