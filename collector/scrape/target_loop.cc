#include "collector/scrape/internal/target_loop.h"

#include <utility>

#include "collector/scrape/aligned_time.h"

namespace nines::collector {
namespace {
constexpr Duration kRetryPost{50};  // when the executor's queue is full
}

TargetLoop::TargetLoop(TargetPlan plan, const TargetParts& parts, std::shared_ptr<Gate> gate)
    : plan_(std::move(plan)),
      parts_(parts),
      gate_(std::move(gate)),
      work_(plan_.make()),
      phase_(phase_of(plan_.phase_hash, plan_.status.interval)),
      status_(plan_.status) {}

std::function<void()> TargetLoop::guarded(std::function<void(TargetLoop&)> task) {
  return [weak = weak_from_this(), gate = gate_, task = std::move(task)] {
    const GatePass pass(gate);
    if (!pass) return;
    if (const std::shared_ptr<TargetLoop> self = weak.lock()) task(*self);
  };
}

void TargetLoop::start() {
  const MutexLock lock(mutex_);
  plan_turn(parts_.scheduler.clock().now());
}

// The wall clock says when, the stopwatch does the waiting: a step of the clock costs at most one
// interval, never a stop.
void TargetLoop::plan_turn(Timestamp after) {
  const Timestamp now = parts_.scheduler.clock().now();
  const Timestamp planned =
      next_turn(std::max(after, now - plan_.status.interval), plan_.status.interval, phase_);
  const Timestamp next = planned > now ? planned : next_turn(now, plan_.status.interval, phase_);
  timer_ =
      parts_.scheduler.after(next - now, guarded([next](TargetLoop& self) { self.turn(next); }));
}

void TargetLoop::turn(Timestamp planned) {
  const Clock& clock = parts_.scheduler.clock();
  const Timestamp now = clock.now();
  const Duration interval = plan_.status.interval;
  {
    const MutexLock lock(mutex_);
    if (retired_) return;
    // A clock that was set back or forward meanwhile: go on from where it stands.
    const bool stepped = now - planned > interval / 2 || planned - now > interval / 2;
    plan_turn(stepped ? now : planned);
    if (state_ != State::kIdle) {
      ++skipped_;
      return;
    }
    state_ = State::kAsking;
    call_ = HttpCallId::kNone;
  }
  ask(stamp_of(now, planned, interval));
}

void TargetLoop::turn_now(TurnDone done) {
  bool gone = false;
  {
    const MutexLock lock(mutex_);
    gone = retired_;
    if (!gone) {
      waiting_.push_back(std::move(done));
      if (state_ != State::kIdle) return;
      state_ = State::kAsking;
      call_ = HttpCallId::kNone;
    }
  }
  if (gone) return done(nullptr);
  ask(parts_.scheduler.clock().now());
}

void TargetLoop::tell(const std::vector<TurnDone>& waiting, const TargetStatus* status) {
  for (const TurnDone& done : waiting) done(status);
}

// The turn is ours: state_ is kAsking.
void TargetLoop::ask(Timestamp at) {
  const Instant began = parts_.scheduler.clock().elapsed();
  std::optional<HttpRequest> request = work_->request();
  if (!request) {
    take_answer(at, began, std::nullopt);
    return;
  }
  const HttpCallId call = parts_.http.send(
      *std::move(request),
      [weak = weak_from_this(), gate = gate_, at, began](Result<HttpResponse> answer) {
        const GatePass pass(gate);
        if (!pass) return;
        if (const auto self = weak.lock()) self->take_answer(at, began, std::move(answer));
      });
  bool late = false;
  {
    const MutexLock lock(mutex_);
    if (state_ == State::kAsking) call_ = call;
    late = state_ == State::kEnded;  // retired before the call had a number
  }
  if (late) parts_.http.cancel(call);
}

void TargetLoop::take_answer(Timestamp at, Instant began, Answer answer) {
  {
    const MutexLock lock(mutex_);
    if (state_ != State::kAsking) return;
    state_ = State::kWorking;
    call_ = HttpCallId::kNone;
  }
  // std::function copies, an answer should not be: it is moved out of the shared place by its turn.
  const auto held = std::make_shared<Answer>(std::move(answer));
  // Strongly, unlike a timer: a target that is removed meanwhile still has its series to end.
  post([self = shared_from_this(), gate = gate_, at, began, held] {
    const GatePass pass(gate);
    if (pass) self->work(at, began, std::move(*held));
  });
}

// A full queue must not turn into a hole in `up`: the answer waits, and with it the target's turn.
void TargetLoop::post(std::function<void()> task) {
  if (parts_.executor.post(task)) return;
  parts_.scheduler.after(kRetryPost,
                         [self = shared_from_this(), gate = gate_, task = std::move(task)] {
                           const GatePass pass(gate);
                           if (pass) self->post(task);
                         });
}

void TargetLoop::work(Timestamp at, Instant began, Answer answer) {
  TargetReport report = work_->work(at, began, std::move(answer));
  const auto took =
      std::chrono::duration_cast<Duration>(parts_.scheduler.clock().elapsed() - began);
  const TargetHealth health = report.up ? TargetHealth::kUp : TargetHealth::kDown;
  TargetHealth before{};
  bool last = false, was_cut = false;
  std::vector<TurnDone> waiting;
  TargetStatus told;
  {
    const MutexLock lock(mutex_);
    was_cut = std::exchange(cut_, report.cut);
    before = std::exchange(status_.health, health);
    status_.last_error = report.error;
    status_.body_start = std::move(report.body_start);
    status_.last_scrape = at;
    status_.last_duration = took;
    status_.last_samples = report.samples;
    status_.described = std::move(report.described);
    waiting.swap(waiting_);
    if (!waiting.empty()) told = status_;
    state_ = retired_ ? State::kEnded : State::kIdle;
    last = retired_ && !silently_;
  }
  if (health == TargetHealth::kDown && before != health) {
    parts_.log.warn(parts_.component, "target down pool={} url={} error=\"{}\"", plan_.status.pool,
                    plan_.status.url, report.error);
  } else if (health == TargetHealth::kUp && before == TargetHealth::kDown) {
    parts_.log.info(parts_.component, "target up again pool={} url={}", plan_.status.pool,
                    plan_.status.url);
  }
  if (report.cut && !was_cut) {
    parts_.log.warn(parts_.component, "target cut off pool={} url={} error=\"{}\"",
                    plan_.status.pool, plan_.status.url, report.error);
  } else if (was_cut && report.up && !report.cut) {
    parts_.log.info(parts_.component, "target within its limits again pool={} url={}",
                    plan_.status.pool, plan_.status.url);
  }
  tell(waiting, &told);
  if (last) end();
}

void TargetLoop::end() {
  work_->end(parts_.scheduler.clock().now());
}

void TargetLoop::retire(bool silently) {
  HttpCallId call{};
  {
    const MutexLock lock(mutex_);
    if (retired_) return;
    retired_ = true;
    silently_ = silently;
    parts_.scheduler.cancel(timer_);
    call = call_;
  }
  // Without the lock: cancel() waits for an answer that is just being taken.
  parts_.http.cancel(call);
  std::vector<TurnDone> waiting;
  {
    const MutexLock lock(mutex_);
    if (state_ == State::kWorking) return;  // work() ends it
    state_ = State::kEnded;
    waiting.swap(waiting_);
  }
  tell(waiting, nullptr);
  if (silently) return;
  // The pool forgets this loop now, so the task keeps it.
  const auto ending = [self = shared_from_this(), gate = gate_] {
    const GatePass pass(gate);
    if (pass) self->end();
  };
  if (!parts_.executor.post(ending)) ending();
}

void TargetLoop::drop() {
  HttpCallId call{};
  std::vector<TurnDone> waiting;
  {
    const MutexLock lock(mutex_);
    retired_ = true;
    parts_.scheduler.cancel(timer_);
    call = call_;
    waiting.swap(waiting_);
  }
  parts_.http.cancel(call);
  tell(waiting, nullptr);
}

TargetStatus TargetLoop::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

std::uint64_t TargetLoop::skipped() const {
  const MutexLock lock(mutex_);
  return skipped_;
}

}  // namespace nines::collector
