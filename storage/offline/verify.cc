#include "storage/offline/verify.h"

#include <utility>

#include "storage/logs/frame_check.h"
#include "storage/metrics/frame_check.h"
#include "storage/state/sqlite_check.h"

namespace nines::storage {

FolderHold hold_folder(Fs& fs, const std::string& path) {
  FolderHold hold;
  const std::string lock = path + "/lock";
  if (!fs.info(lock)) return hold;
  auto taken = fs.lock(lock);
  if (taken) {
    hold.lock = *std::move(taken);
  } else if (taken.error().code() == ErrorCode::kUnavailable) {
    hold.holder = taken.error().what();
  }
  return hold;
}

Result<FolderCheck> check_folder(Fs& fs, const std::string& path, bool live) {
  FolderCheck out;
  ring::CheckOptions options;
  options.live = live;
  NINES_TRY(out.ring, ring::check_ring(fs, path, options, [&out](ring::SegmentClass cls) {
    using ring::SegmentClass;
    return cls == SegmentClass::kLogs || cls == SegmentClass::kLogJournal
               ? make_log_frame_check(cls, out.blocks)
               : make_metric_frame_check(cls, out.pages);
  }));
  Result<std::vector<std::string>> state = check_sqlite_state(path + "/state.db");
  if (state) {
    out.state_problems = *std::move(state);
  } else {
    out.state_problems.push_back(state.error().what());
  }
  return out;
}

}  // namespace nines::storage
