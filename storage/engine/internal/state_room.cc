#include "storage/engine/internal/state_room.h"

#include <algorithm>
#include <utility>

namespace nines::storage {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kIndexBytes = 64 * kKiB;  // of the WAL's index (state.db-shm), lock file

}  // namespace

StateRoom::StateRoom(Fs& fs, Log& log, std::string folder, std::uint64_t reserve_bytes)
    : fs_(fs),
      log_(log),
      folder_(std::move(folder)),
      wal_bytes_(std::clamp(reserve_bytes / 8, 256 * kKiB, 4096 * kKiB) / 4096 * 4096),
      bytes_max_((reserve_bytes - wal_bytes_ - kIndexBytes) / 4096 * 4096) {}

StateLimits StateRoom::limits() const {
  StateLimits limits;
  limits.bytes_max = bytes_max_;
  limits.wal_bytes_max = wal_bytes_;
  return limits;
}

void StateRoom::before_open() {
  const std::string path = folder_ + "/state.reserve";
  if (!fs_.info(path)) return;
  if (auto removed = fs_.remove(path); !removed) log_.warn("storage", "{}", removed.error().what());
}

// Zeros behind its end mean nothing to SQLite: it reads a WAL as far as checksums go.
void StateRoom::after_open() {
  const std::string path = folder_ + "/state.db-wal";
  const auto info = fs_.info(path);
  if (!info || info->size >= wal_bytes_) return;
  auto file = fs_.open(path, OpenMode::kReadWrite);
  Result<void> taken = file ? (*file)->allocate(wal_bytes_) : Result<void>(std::move(file).error());
  if (!taken)
    log_.warn("storage", "the journal of state.db has no room of its own: {}",
              taken.error().what());
}

void StateRoom::after_close() {
  auto file = fs_.open(folder_ + "/state.reserve", OpenMode::kCreate);
  if (!file) return;
  // Without it the next start may find a full disk: no more than that.
  if (auto taken = (*file)->allocate(wal_bytes_ + kIndexBytes / 2); !taken)
    log_.warn("storage", "no room for state.reserve: {}", taken.error().what());
}

}  // namespace nines::storage
