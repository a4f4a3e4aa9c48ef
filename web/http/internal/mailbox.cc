#include "web/http/internal/mailbox.h"

#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace nines::web {

Mailbox::Mailbox() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Mailbox::~Mailbox() {
  if (fd_ >= 0) ::close(fd_);
}

void Mailbox::ring() const {
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the loop is awake already.
  [[maybe_unused]] const ssize_t n = ::write(fd_, &one, sizeof one);
}

void Mailbox::deliver(Completion completion) {
  {
    const MutexLock lock(mutex_);
    letters_.completions.push_back(std::move(completion));
  }
  ring();
}

void Mailbox::touch_stream(std::uint64_t connection) {
  {
    const MutexLock lock(mutex_);
    letters_.streams.push_back(connection);
  }
  ring();
}

void Mailbox::stop() {
  {
    const MutexLock lock(mutex_);
    letters_.stop = true;
  }
  ring();
}

Mailbox::Letters Mailbox::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(fd_, &count, sizeof count);
  const MutexLock lock(mutex_);
  Letters out = std::move(letters_);
  letters_ = Letters{};
  letters_.stop = out.stop;
  return out;
}

}  // namespace nines::web
