#include "collector/host/internal/run_command.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nines::collector {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// The child's standard streams: nothing in, `out`, nothing for errors; no signal stays blocked.
int spawn(const std::vector<std::string>& argv, int out, pid_t& pid) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error = ::posix_spawnp(&pid, words[0], &files, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return error;
}

// Until the end of the stream. A timer's descriptor bounds the whole, however the bytes trickle.
Result<std::string> read_all(int fd, int timer, std::size_t bytes_max) {
  std::string text;
  std::array<char, 16 << 10> part;
  for (;;) {
    pollfd both[2] = {{fd, POLLIN, 0}, {timer, POLLIN, 0}};
    if (::poll(both, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return Error(ErrorCode::kUnavailable, std::strerror(errno));
    }
    if (both[1].revents != 0) return Error(ErrorCode::kUnavailable, "did not end in time");
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(ErrorCode::kUnavailable, std::strerror(errno));
    if (got == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
    if (text.size() > bytes_max) {
      return Error(ErrorCode::kLimit, "wrote more than " + std::to_string(bytes_max) + " bytes");
    }
  }
}

}  // namespace

Result<std::string> run_command(const std::vector<std::string>& argv, Duration timeout,
                                std::size_t bytes_max) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error(ErrorCode::kUnavailable, std::strerror(errno));
  const Descriptor in(ends[0]);
  Descriptor out(ends[1]);
  const Descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  itimerspec when{};
  const auto ms = std::max<std::int64_t>(timeout.count(), 1);
  when.it_value.tv_sec = static_cast<time_t>(ms / 1000);
  when.it_value.tv_nsec = static_cast<long>(ms % 1000 * 1'000'000);
  if (timer.get() < 0 || ::timerfd_settime(timer.get(), 0, &when, nullptr) != 0) {
    return Error(ErrorCode::kUnavailable, std::strerror(errno));
  }
  pid_t pid = 0;
  if (const int error = spawn(argv, out.get(), pid); error != 0) {
    return Error(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                 argv[0] + ": " + std::strerror(error));
  }
  out.close();
  Result<std::string> text = read_all(in.get(), timer.get(), bytes_max);
  // Nothing more is wanted of it; one that ended by itself is not touched by the signal.
  if (!text) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return std::move(text).error().in(argv[0]);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return Error(ErrorCode::kUnavailable, argv[0] + ": ended with status " + std::to_string(status));
}

}  // namespace nines::collector
