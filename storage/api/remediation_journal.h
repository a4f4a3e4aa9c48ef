#pragma once
// The journal of remediation: the intent is written before the action, the outcome after it.

#include <cstdint>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"

namespace nines::storage {

enum class RunState : std::uint8_t {
  kIntent,    // written, the action may or may not have begun
  kActed,     // the action answered; verification is under way
  kVerified,  // the expression held: it helped
  kFailed,    // the action failed, or verification did not hold in time: escalated
  kUnknown,   // found as an intent after a crash, and verification did not hold: escalated
  kSkipped,   // a limit, mode or precondition said no (no action was taken)
};
const char* to_string(RunState state) noexcept;  // "intent", "acted", ...

struct RemediationRun {
  std::int64_t id = 0;          // given by the store
  std::string remediation;      // its name
  std::string episode;          // of the alert that triggered it
  std::string idempotency_key;  // unique
  std::string target;           // the alert's instance, or its labels
  RunState state = RunState::kIntent;
  Timestamp intent_at{};
  Timestamp acted_at{};
  Timestamp finished_at{};
  int action_status = 0;  // HTTP status, 0 when there was no answer
  std::string output;     // the answer's beginning, at most 4 KiB
  std::string reason;     // why skipped or failed
};

class RemediationJournal {
 public:
  virtual ~RemediationJournal() = default;
  // On disk when they return. add_run() with a key that is there already: kOutOfOrder.
  virtual Result<std::int64_t> add_run(const RemediationRun& run) = 0;
  virtual Result<void> update_run(const RemediationRun& run) = 0;
  virtual Result<std::vector<RemediationRun>> unfinished_runs() = 0;  // kIntent and kActed
  virtual Result<std::vector<RemediationRun>> runs_since(const std::string& remediation,
                                                         Timestamp since) = 0;
  virtual Result<std::vector<RemediationRun>> recent_runs(std::size_t limit) = 0;  // newest first
  // The durable kill switch: no action of any remediation while it is on.
  virtual Result<bool> remediation_stopped() = 0;
  virtual Result<void> set_remediation_stopped(bool stopped, const std::string& by) = 0;
};

}  // namespace nines::storage
