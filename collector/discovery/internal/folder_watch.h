#pragma once
// Hears from the kernel when something in a folder changes.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "base/core/mutex.h"
#include "base/core/result.h"
#include "base/net/wait.h"

namespace nines::collector {

// One thread asleep in poll(). `changed` runs on it with the folder's name as given.
class FolderWatch {
 public:
  explicit FolderWatch(std::function<void(const std::string& folder)> changed);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Watches these, and no others any more. Folders that cannot be watched (missing, or past the
  // kernel's limit) are left out and tried again at the next call; the answer says how many of them
  // exist, and why.
  Result<void> set(const std::set<std::string>& folders);

 private:
  void run();

  const std::function<void(const std::string&)> changed_;
  const int fd_;
  StopSignal stop_;
  Mutex mutex_;
  std::map<int, std::string> folders_ NINES_GUARDED_BY(mutex_);  // by watch
  std::thread thread_;  // last: it uses everything above
};

}  // namespace nines::collector
