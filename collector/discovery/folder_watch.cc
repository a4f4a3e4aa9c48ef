#include "collector/discovery/internal/folder_watch.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace nines::collector {
namespace {
// A finished write, or a name that comes and goes: also how ConfigMaps and editors replace files.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
}  // namespace

FolderWatch::FolderWatch(std::function<void(const std::string&)> changed)
    : changed_(std::move(changed)), fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (fd_ < 0) return;
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "nines-folders");
}

FolderWatch::~FolderWatch() {
  stop_.raise();
  if (thread_.joinable()) thread_.join();
  if (fd_ >= 0) ::close(fd_);
}

Result<void> FolderWatch::set(const std::set<std::string>& folders) {
  if (fd_ < 0) return Error(ErrorCode::kIo, "the kernel gives no inotify instance");
  const MutexLock lock(mutex_);
  std::set<std::string> known;
  for (auto it = folders_.begin(); it != folders_.end();) {
    if (folders.count(it->second) != 0) {
      known.insert(it->second);
      ++it;
      continue;
    }
    ::inotify_rm_watch(fd_, it->first);
    it = folders_.erase(it);
  }
  std::string trouble;
  for (const std::string& folder : folders) {
    if (known.count(folder) != 0) continue;
    const int watch = ::inotify_add_watch(fd_, folder.c_str(), kEvents);
    if (watch >= 0) {
      folders_.emplace(watch, folder);
    } else if (errno != ENOENT && errno != ENOTDIR) {
      trouble += (trouble.empty() ? "" : "; ") + folder + ": " +
                 (errno == ENOSPC ? "raise fs.inotify.max_user_watches" : std::strerror(errno));
    }
  }
  if (!trouble.empty()) return Error(ErrorCode::kIo, trouble);
  return {};
}

void FolderWatch::run() {
  for (;;) {
    pollfd fds[2] = {{fd_, POLLIN, 0}, {stop_.fd(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    alignas(inotify_event) char buffer[16 << 10];
    const ssize_t size = ::read(fd_, buffer, sizeof buffer);
    std::set<std::string> changed;
    {
      const MutexLock lock(mutex_);
      for (ssize_t at = 0; at < size;) {
        inotify_event event{};
        std::memcpy(&event, buffer + at, sizeof event);
        at += static_cast<ssize_t>(sizeof event + event.len);
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
          for (const auto& [watch, folder] : folders_) changed.insert(folder);
        }
        const auto known = folders_.find(event.wd);
        if (known == folders_.end()) continue;
        changed.insert(known->second);
        // The watch has ended with its folder; set() begins another.
        if ((event.mask & IN_IGNORED) != 0) folders_.erase(known);
      }
    }
    for (const std::string& folder : changed) changed_(folder);
  }
}

}  // namespace nines::collector
