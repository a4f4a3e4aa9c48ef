#pragma once
// Lets callbacks of other threads in while a part is open, and waits for them when it closes.

#include <condition_variable>
#include <memory>
#include <mutex>

namespace nines {

// Shared by the part and by each callback it has handed out (hence shared_ptr): a callback that
// comes after the end finds the gate closed and touches nothing else. Thread-safe.
class Gate {
 public:
  // False once closed. Each true is followed by one leave().
  bool enter() {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    ++inside_;
    return true;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--inside_ == 0 && closed_) empty_.notify_all();
  }
  // Nobody comes in any more; returns when the last one is out. Never from inside.
  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    empty_.wait(lock, [this] { return inside_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable empty_;
  int inside_ = 0;
  bool closed_ = false;
};

// In for as long as it lives, if it got in.
class GatePass {
 public:
  explicit GatePass(std::shared_ptr<Gate> gate) : gate_(std::move(gate)), in_(gate_->enter()) {}
  ~GatePass() {
    if (in_) gate_->leave();
  }
  GatePass(const GatePass&) = delete;
  GatePass& operator=(const GatePass&) = delete;
  explicit operator bool() const { return in_; }

 private:
  const std::shared_ptr<Gate> gate_;
  const bool in_;
};

}  // namespace nines
