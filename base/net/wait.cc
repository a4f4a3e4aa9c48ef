#include "base/net/wait.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/net/fiber_pool.h"

namespace nines {

StopSignal::StopSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

StopSignal::~StopSignal() {
  if (fd_ >= 0) ::close(fd_);
}

void StopSignal::raise() {
  const std::uint64_t one = 1;
  // Can only fail when it is raised already.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

bool StopSignal::raised() const {
  pollfd fd{fd_, POLLIN, 0};
  return ::poll(&fd, 1, 0) > 0;
}

Duration Patience::left() const {
  return std::max(Duration(0), std::chrono::ceil<Duration>(until_ - clock_.elapsed()));
}

Error Patience::timed_out() const {
  const auto ms = span_.count();
  return {ErrorCode::kUnavailable,
          "timed out after " +
              (ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms")};
}

Result<void> Patience::readable(int fd) const {
  return wait(fd, POLLIN);
}
Result<void> Patience::writable(int fd) const {
  return wait(fd, POLLOUT);
}

Result<void> Patience::wait(int fd, short events) const {
  for (;;) {
    pollfd fds[2] = {{fd, events, 0}, {stop_ != nullptr ? stop_->fd() : -1, POLLIN, 0}};
    const int ready = poll_here(fds, 2, left());
    if (ready < 0 && errno != EINTR) return Error(ErrorCode::kIo, std::strerror(errno));
    if (fds[1].revents != 0) return Error(ErrorCode::kUnavailable, "stopped");
    if (ready > 0 && fds[0].revents != 0) return {};
    if (left() == Duration(0)) return timed_out();
  }
}

}  // namespace nines
