#pragma once
// The file calls that durability, tailing and /proc reading need, and nothing else. Tests pass a
// faulty Fs (tests/support/mem_fs.h).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"

namespace nines {

struct FileInfo {
  std::uint64_t size = 0;       // bytes
  std::uint64_t allocated = 0;  // bytes on disk (st_blocks * 512)
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  Timestamp modified{};
  bool is_directory = false;
};

// An open file, addressed by offset. pread() from any thread; writes and sync one thread at a time.
class File {
 public:
  virtual ~File() = default;
  // Reads up to out.size() bytes at `offset`; fewer only at the end of the file. kIo.
  virtual Result<std::size_t> pread(std::uint64_t offset, std::span<std::byte> out) const = 0;
  // Writes all bytes or fails (kIo); what was written before a failure is unknown.
  virtual Result<void> pwrite(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  // Data, and the metadata needed to read it back, survive power loss after this. After a failure
  // the caller must not trust the file again (the kernel may have dropped the pages).
  virtual Result<void> sync() = 0;
  // Reserves blocks for [0, size) and sets the length. kLimit when the disk has not that much left
  // (nothing stays reserved), kIo when the file system cannot reserve.
  virtual Result<void> allocate(std::uint64_t size) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<FileInfo> info() const = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // read-write; made when missing
};

struct DiskSpace {
  std::uint64_t total = 0;         // bytes of the file system that holds the path
  std::uint64_t free = 0;          // bytes an unprivileged process may still use
  std::uint64_t free_to_root = 0;  // bytes free, with those kept for root
  std::uint64_t inodes = 0;        // 0: the file system does not count them
  std::uint64_t inodes_free = 0;
  bool read_only = false;
};

// Thread-safe. Errors: kNotFound, kIo (text: "open /a/b: No such file or directory").
class Fs {
 public:
  virtual ~Fs() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<FileInfo> info(const std::string& path) = 0;                 // follows symlinks
  virtual Result<std::vector<std::string>> list(const std::string& dir) = 0;  // names, sorted
  virtual Result<void> make_dirs(const std::string& dir) = 0;
  virtual Result<void> rename(const std::string& from,
                              const std::string& to) = 0;  // and syncs the folder
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> sync_dir(const std::string& dir) = 0;
  virtual Result<DiskSpace> space(const std::string& path) = 0;
  // Holds an exclusive advisory lock on `path` (made when missing) until the returned object dies.
  // kUnavailable when another process holds it (the text has its process id).
  virtual Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
};

// The whole file as text; at most `bytes_max` (kLimit beyond). For small files: /proc,
// configuration.
Result<std::string> read_file(Fs& fs, const std::string& path, std::uint64_t bytes_max = 16u << 20);

// Writes `path` whole or not at all: temporary file, sync, rename, sync of the folder.
Result<void> write_file_atomically(Fs& fs, const std::string& path, std::string_view text);

// The names of files matching a shell pattern (* ? [a-z], and ** for any depth); sorted.
Result<std::vector<std::string>> glob_files(Fs& fs, const std::string& pattern);

// The machine's own file system.
std::unique_ptr<Fs> make_posix_fs();

}  // namespace nines
