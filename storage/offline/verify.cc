#include "storage/offline/verify.h"

#include <string_view>
#include <utility>

#include "base/text/text.h"
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

// Source: proc(5), /proc/locks: "1: FLOCK  ADVISORY  WRITE 123 08:01:456 0 EOF", the numbers being
// the process and the file's device and inode.
std::string folder_holder(Fs& fs, const std::string& path) {
  const std::string lock = path + "/lock";
  const auto info = fs.info(lock);
  const auto pid = read_file(fs, lock);
  const auto locks = read_file(fs, "/proc/locks");
  if (!info || !pid || pid->empty() || !locks) return {};
  const std::string process = " " + *pid + " ";
  const std::string file = ":" + std::to_string(info->inode) + " ";
  for (const std::string_view line : split(*locks, '\n')) {
    if (line.find(" FLOCK ") != line.npos && line.find(process) != line.npos &&
        line.find(file) != line.npos)
      return lock + " is held by another process (pid " + *pid + ")";
  }
  return {};
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
