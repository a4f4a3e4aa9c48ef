#pragma once
// A file system in memory that forgets what was not synced, and fails on request.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/mutex.h"
#include "base/core/rng.h"
#include "base/fs/fs.h"

namespace nines::testing {

// As strict as POSIX lets a file system be:
//   - bytes are durable after File::sync(), a name after sync_dir() of its folder (rename() and
//     make_dirs() include that);
//   - after a failed sync the bytes written before it are never made durable, though they can still
//     be read and a later sync() succeeds;
//   - a failed pwrite() leaves the first half of its bytes.
// Thread-safe. Memory is taken page by page, so allocate() of a large file is cheap.
class MemFs final : public Fs {
 public:
  MemFs();

  // Power loss: everything that was not durable is gone. Files opened before must not be used
  // after.
  void crash();
  // Power loss with the disk's own write-back: every page written since the last sync may, by the
  // dice, have reached the disk or not.
  void crash(Rng& dice);

  // The `nth` operation from now (1: the next one) fails with kIo; with `from_then_on`, all later
  // ones too. 0: none fails. Every call of Fs and File that could fail in a kernel counts, except
  // info().
  void fail_nth(std::uint64_t nth, bool from_then_on = false);
  std::uint64_t operations() const;  // so far
  // The latest operations, oldest first (at least 1000 of them): "pwrite /a/b".
  std::vector<std::string> trace() const;
  std::uint64_t syncs() const;  // successful File::sync() calls so far

  // Total room; allocate() answers kLimit and pwrite() kIo beyond. Default 1 TiB.
  void set_capacity(std::uint64_t bytes);
  void set_now(Timestamp now);  // what files are stamped with

  // Shorthands for tests: a durable file with this text, folders made; the text of a file.
  void put(const std::string& path, std::string_view text);
  std::string text(const std::string& path) const;
  bool exists(const std::string& path) const;
  // Flips one bit of a file, durable or not.
  void flip_bit(const std::string& path, std::uint64_t offset, int bit);

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
  struct Node;
  struct State;
  class Handle;
  std::shared_ptr<State> state_;  // shared with open files, which may outlive the MemFs
};

}  // namespace nines::testing
