#pragma once
// The life of one target: wait for its turn, ask, work on the answer, wait again.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/core/gate.h"
#include "base/core/mutex.h"
#include "collector/scrape/target_pool.h"

namespace nines::collector {

// Thread-safe. Callbacks hold it weakly until their turn, so that the pool decides how long it
// lives.
class TargetLoop : public std::enable_shared_from_this<TargetLoop> {
 public:
  TargetLoop(TargetPlan plan, const TargetParts& parts, std::shared_ptr<Gate> gate);

  using TurnDone = std::function<void(const TargetStatus*)>;  // null: there will be no turn

  void start();
  // A turn at once, unless one is under way. `done` hears, on any thread, how that turn went.
  void turn_now(TurnDone done);
  // No further turn. Unless `silently`, the series end once work under way is done.
  void retire(bool silently);
  // For stop(), with the gate closed: forgets the timer and the call.
  void drop();

  TargetStatus status() const;
  std::uint64_t skipped() const;
  const std::string& key() const { return plan_.key; }
  std::uint64_t fingerprint() const { return plan_.fingerprint; }

 private:
  enum class State : std::uint8_t { kIdle, kAsking, kWorking, kEnded };
  using Answer = std::optional<Result<HttpResponse>>;

  void plan_turn(Timestamp after) NINES_REQUIRES(mutex_);
  void turn(Timestamp planned);
  void ask(Timestamp at);
  static void tell(const std::vector<TurnDone>& waiting, const TargetStatus* status);
  void take_answer(Timestamp at, Instant began, Answer answer);
  void post(std::function<void()> task);
  void work(Timestamp at, Instant began, Answer answer);
  void end();
  // The callback, with the loop and the gate looked after: it runs only while both are there.
  std::function<void()> guarded(std::function<void(TargetLoop&)> task);

  const TargetPlan plan_;
  const TargetParts parts_;
  const std::shared_ptr<Gate> gate_;
  const std::unique_ptr<TargetWork> work_;
  const Duration phase_;
  mutable Mutex mutex_;
  State state_ NINES_GUARDED_BY(mutex_) = State::kIdle;
  bool retired_ NINES_GUARDED_BY(mutex_) = false;
  bool silently_ NINES_GUARDED_BY(mutex_) = false;
  bool cut_ NINES_GUARDED_BY(mutex_) = false;  // as its last report said
  TimerId timer_ NINES_GUARDED_BY(mutex_) = TimerId::kNone;
  HttpCallId call_ NINES_GUARDED_BY(mutex_) = HttpCallId::kNone;
  std::uint64_t skipped_ NINES_GUARDED_BY(mutex_) = 0;
  TargetStatus status_ NINES_GUARDED_BY(mutex_);
  std::vector<TurnDone> waiting_ NINES_GUARDED_BY(mutex_);  // for the turn under way
};

}  // namespace nines::collector
