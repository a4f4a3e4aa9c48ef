#pragma once
// How other threads reach the front's epoll loop.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/core/mutex.h"

namespace nines::web {

// An answer for a connection that was waiting for it.
struct Completion {
  std::uint64_t connection = 0;
  int status = 0;
  std::string bytes;  // the head; small answers whole
  std::string body;   // what follows them
};

// Thread-safe; take() is the front's.
class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  int fd() const {
    return fd_;
  }  // readable while there is something to take; -1: could not be made
  void deliver(Completion completion);
  void touch_stream(std::uint64_t connection);  // its buffer has changed
  void stop();

  struct Letters {
    std::vector<Completion> completions;
    std::vector<std::uint64_t> streams;
    bool stop = false;
  };
  Letters take();

 private:
  void ring() const;

  const int fd_;
  Mutex mutex_;
  Letters letters_ NINES_GUARDED_BY(mutex_);
};

}  // namespace nines::web
