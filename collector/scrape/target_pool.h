#pragma once
// Runs work at many targets, each on its interval: the part that scraping and probing share.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/gate.h"
#include "base/core/mutex.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/net/http_client.h"
#include "collector/scrape/scraper.h"

namespace nines::collector {

// How one turn went.
struct TargetReport {
  bool up = false;
  bool cut = false;        // up, but the store took only a part; `error` says which and why
  std::string error;       // why it is down
  std::string body_start;  // of a body that failed to parse
  std::uint64_t samples = 0;
  std::shared_ptr<const FamilyDescriptions> described;  // see TargetStatus
};

// What is done at one target. request() on the scheduler's thread, or that of turn_now(); work() and
// end() on the executor, one at a time.
class TargetWork {
 public:
  virtual ~TargetWork() = default;
  // What to ask the target; nothing when the work needs no network. Reads only what never changes.
  virtual std::optional<HttpRequest> request() const = 0;
  // Writes the samples of the turn that began at `at`; `answer` is empty when there was no request.
  virtual TargetReport work(Timestamp at, Instant began,
                            std::optional<Result<HttpResponse>> answer) = 0;
  // The target has gone: its series end at `at`.
  virtual void end(Timestamp at) = 0;
};

struct TargetPlan {
  std::string key;                // what makes it the same target from load to load
  std::uint64_t fingerprint = 0;  // of everything that, when changed, needs new work
  std::uint64_t phase_hash = 0;   // spreads targets over the interval
  TargetStatus status;            // pool, url, kind, labels, interval, timeout
  std::function<std::unique_ptr<TargetWork>()> make;
};

struct TargetParts {
  HttpClient& http;
  Scheduler& scheduler;
  Executor& executor;
  Log& log;
  const char* component;  // in log lines
};

class TargetLoop;

// Thread-safe. A turn that comes while the one before is still under way is skipped.
class TargetPool {
 public:
  explicit TargetPool(TargetParts parts);
  ~TargetPool();
  TargetPool(const TargetPool&) = delete;
  TargetPool& operator=(const TargetPool&) = delete;

  // Targets with a known key and fingerprint go on; with a new fingerprint they get new work, and
  // no staleness markers in between; those that are not named end. The first of equal keys wins.
  void load(std::vector<TargetPlan> plans);
  void start();
  // Waits for work under way, cancels calls. Series do not end: after a restart they go on.
  void stop();
  std::vector<TargetStatus> targets() const;  // in the order of load()
  std::uint64_t skipped_turns() const;
  // A turn out of turn: at once, or the one under way when there is one; the plan of the others
  // stays. Blocks until it is over, for the target's timeout and 10 s at most. `target` is a URL or
  // an instance label; `pool` may be empty. kNotFound: there is none. kInvalid: there are several,
  // and the text says what tells them apart. kUnavailable: it has gone meanwhile, or was not over
  // in time.
  Result<TargetStatus> turn_now(const std::string& pool, const std::string& target);

 private:
  const TargetParts parts_;
  const std::shared_ptr<Gate> gate_;
  mutable Mutex mutex_;
  bool started_ NINES_GUARDED_BY(mutex_) = false;
  // Shared with callbacks on three threads, any of which may be the last to know a removed target.
  std::vector<std::shared_ptr<TargetLoop>> loops_ NINES_GUARDED_BY(mutex_);
  std::uint64_t skipped_before_ NINES_GUARDED_BY(mutex_) = 0;  // of loops that have gone
};

}  // namespace nines::collector
