#include "storage/api/remediation_journal.h"

namespace nines::storage {

const char* to_string(RunState state) noexcept {
  switch (state) {
    case RunState::kIntent:
      return "intent";
    case RunState::kActed:
      return "acted";
    case RunState::kVerified:
      return "verified";
    case RunState::kFailed:
      return "failed";
    case RunState::kUnknown:
      return "unknown";
    case RunState::kSkipped:
      return "skipped";
  }
  return "unknown";
}

}  // namespace nines::storage
