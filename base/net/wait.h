#pragma once
// Waiting for a socket with a deadline, and with a way to be called off.

#include "base/core/clock.h"
#include "base/core/result.h"

namespace nines {

// Raised once, seen by everybody who waits with it. Thread-safe.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  void raise();
  bool raised() const;
  int fd() const { return fd_; }  // readable once raised

 private:
  const int fd_;
};

// How long somebody is willing to wait, all waits together. One thread.
class Patience {
 public:
  // `stop` may be null.
  Patience(const Clock& clock, Duration span, const StopSignal* stop)
      : clock_(clock), span_(span), until_(clock.elapsed() + span), stop_(stop) {}

  Duration span() const { return span_; }
  Duration left() const;  // not below zero, rounded up
  Instant now() const { return clock_.elapsed(); }
  const Clock& clock() const { return clock_; }
  const StopSignal* stop() const { return stop_; }
  // kUnavailable: "timed out after 5s", or "stopped".
  Result<void> readable(int fd) const;
  Result<void> writable(int fd) const;
  Error timed_out() const;

 private:
  Result<void> wait(int fd, short events) const;

  const Clock& clock_;
  const Duration span_;
  const Instant until_;
  const StopSignal* const stop_;
};

}  // namespace nines
