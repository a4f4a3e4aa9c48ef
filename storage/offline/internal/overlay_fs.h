#pragma once
// A folder as it lies on disk, with what is written to it kept in memory: nothing reaches the disk.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/core/mutex.h"
#include "base/fs/fs.h"

namespace nines::storage {

// Reads go through to `base` until a page was written here; written pages, lengths, new, removed
// and renamed files live in memory and die with this object. Locks are not taken, room is never
// short, allocate() costs nothing. Files must not outlive it. Thread-safe as Fs is.
class OverlayFs final : public Fs {
 public:
  explicit OverlayFs(Fs& base) : base_(base) {}

  std::uint64_t bytes_held() const { return held_.load(std::memory_order_relaxed); }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& dir) override;
  Result<void> make_dirs(const std::string& dir) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_dir(const std::string& dir) override;
  Result<DiskSpace> space(const std::string& path) override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;

 private:
  class Node;
  class Handle;
  // The file, or null when there is none. `create`: makes an empty one then.
  Result<std::shared_ptr<Node>> node(const std::string& path, bool create) NINES_REQUIRES(mutex_);

  Fs& base_;
  std::atomic<std::uint64_t> held_{0};
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> nodes_ NINES_GUARDED_BY(mutex_);  // null: removed
};

}  // namespace nines::storage
