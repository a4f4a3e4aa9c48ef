// The kernel's file calls behind Fs.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs/fs.h"
#include "base/fs/read_soon.h"

namespace nines {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirMode = 0750;

Error failed(std::string_view call, const std::string& path, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return {missing ? ErrorCode::kNotFound : ErrorCode::kIo,
          std::string(call) + " " + path + ": " + std::strerror(error)};
}

FileInfo to_info(const struct stat& s) {
  FileInfo info;
  info.size = static_cast<std::uint64_t>(s.st_size);
  info.allocated = static_cast<std::uint64_t>(s.st_blocks) * 512;
  info.device = s.st_dev;
  info.inode = s.st_ino;
  info.modified = Timestamp(std::chrono::duration_cast<Duration>(
      std::chrono::seconds(s.st_mtim.tv_sec) + std::chrono::nanoseconds(s.st_mtim.tv_nsec)));
  info.is_directory = S_ISDIR(s.st_mode);
  return info;
}

class PosixFile final : public File, public ReadingSoon {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<std::size_t> pread(std::uint64_t offset, std::span<std::byte> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n =
          ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("read", path_, errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Result<void> pwrite(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return failed("write", path_, n < 0 ? errno : EIO);
      done += static_cast<std::size_t>(n);
    }
    return {};
  }

  void will_read(std::uint64_t offset, std::uint64_t length) const noexcept override {
    ::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(length),
                    POSIX_FADV_WILLNEED);
  }

  Result<void> sync() override {
    // Never again after a failure, not even EINTR aside: the kernel may have dropped the pages.
    if (::fdatasync(fd_) != 0) return failed("fdatasync", path_, errno);
    return {};
  }

  Result<void> allocate(std::uint64_t size) override {
    struct stat before {};
    if (::fstat(fd_, &before) != 0) return failed("stat", path_, errno);
    // Asked first, so that a request that cannot fit does not fill the disk on its way to failing.
    const std::uint64_t held = static_cast<std::uint64_t>(before.st_blocks) * 512;
    struct statvfs disk {};
    if (size > held && ::fstatvfs(fd_, &disk) == 0 &&
        std::uint64_t{disk.f_bavail} * disk.f_frsize < size - held) {
      return no_room(size);
    }
    int error = 0;
    do {
      error = ::fallocate(fd_, 0, 0, static_cast<off_t>(size)) == 0 ? 0 : errno;
    } while (error == EINTR);
    if (error == 0) {
      if (static_cast<std::uint64_t>(before.st_size) > size) return truncate(size);
      return {};
    }
    // What was reserved before it failed goes back.
    if (::ftruncate(fd_, before.st_size) != 0) return failed("truncate", path_, errno);
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) return no_room(size);
    return Error(ErrorCode::kIo, "reserve " + std::to_string(size) + " bytes for " + path_ + ": " +
                                     std::strerror(error));
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return failed("truncate", path_, errno);
    return {};
  }

  Result<FileInfo> info() const override {
    struct stat s {};
    if (::fstat(fd_, &s) != 0) return failed("stat", path_, errno);
    return to_info(s);
  }

 private:
  Error no_room(std::uint64_t size) const {
    return {ErrorCode::kLimit, "reserve " + std::to_string(size) + " bytes for " + path_ + ": " +
                                   std::strerror(ENOSPC)};
  }

  const int fd_;
  const std::string path_;
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class PosixFs final : public Fs {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    // O_NONBLOCK: a named pipe among log files must not hang the reader; files do not heed it.
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    flags |= mode == OpenMode::kRead ? O_RDONLY : O_RDWR;
    if (mode == OpenMode::kCreate) flags |= O_CREAT;
    int fd = -1;
    do {
      fd = ::open(path.c_str(), flags, kFileMode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) return failed("open", path, errno);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
  }

  Result<FileInfo> info(const std::string& path) override {
    struct stat s {};
    if (::stat(path.c_str(), &s) != 0) return failed("stat", path, errno);
    return to_info(s);
  }

  Result<std::vector<std::string>> list(const std::string& dir) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(dir.c_str()), &::closedir);
    if (!handle) return failed("list", dir, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(handle.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    if (errno != 0) return failed("list", dir, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<void> make_dirs(const std::string& dir) override {
    if (::mkdir(dir.c_str(), kDirMode) == 0) return sync_dir(parent_of(dir));
    const int error = errno;
    if (error == EEXIST) {
      NINES_TRY(const FileInfo there, info(dir));
      if (!there.is_directory) return failed("mkdir", dir, ENOTDIR);
      return {};
    }
    const std::string parent = parent_of(dir);
    if (error != ENOENT || parent == dir) return failed("mkdir", dir, error);
    if (Result<void> made = make_dirs(parent); !made) return made;
    if (::mkdir(dir.c_str(), kDirMode) != 0 && errno != EEXIST) return failed("mkdir", dir, errno);
    return sync_dir(parent);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from + " to " + to, errno);
    if (Result<void> synced = sync_dir(parent_of(to)); !synced) return synced;
    if (parent_of(from) != parent_of(to)) return sync_dir(parent_of(from));
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return failed("remove", path, errno);
    return {};
  }

  Result<void> sync_dir(const std::string& dir) override {
    const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed("open", dir, errno);
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    // Some file systems have no notion of syncing a folder and say EINVAL.
    if (error != 0 && error != EINVAL) return failed("fsync", dir, error);
    return {};
  }

  Result<DiskSpace> space(const std::string& path) override {
    struct statvfs s {};
    if (::statvfs(path.c_str(), &s) != 0) return failed("statvfs", path, errno);
    DiskSpace space;
    space.total = std::uint64_t{s.f_blocks} * s.f_frsize;
    space.free = std::uint64_t{s.f_bavail} * s.f_frsize;
    space.free_to_root = std::uint64_t{s.f_bfree} * s.f_frsize;
    space.inodes = s.f_files;
    space.inodes_free = s.f_ffree;
    space.read_only = (s.f_flag & ST_RDONLY) != 0;
    return space;
  }

  Result<std::unique_ptr<File>> lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, kFileMode);
    if (fd < 0) return failed("open", path, errno);
    auto file = std::make_unique<PosixFile>(fd, path);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return failed("lock", path, errno);
      char holder[24] = {};
      const ssize_t got = ::pread(fd, holder, sizeof holder - 1, 0);
      return Error(
          ErrorCode::kUnavailable,
          path + " is held by another process" +
              (got > 0 ? " (pid " + std::string(holder, static_cast<std::size_t>(got)) + ")" : ""));
    }
    // For whoever finds it held; the lock holds without it.
    const std::string pid = std::to_string(::getpid());
    if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, pid.data(), pid.size(), 0);
    return std::unique_ptr<File>(std::move(file));
  }
};

}  // namespace

std::unique_ptr<Fs> make_posix_fs() {
  return std::make_unique<PosixFs>();
}

}  // namespace nines
