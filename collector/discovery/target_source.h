#pragma once
// One place that knows targets: the interface on which kinds of discovery come in.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "collector/discovery/target.h"

namespace nines::collector {

// What asking a source came to.
struct FoundTargets {
  std::optional<TargetGroups> groups;  // all of the source's; nothing: those of before stay
  std::vector<std::string> errors;     // each of one failed file, name, request
};
using FoundDone = std::function<void(FoundTargets)>;

class TargetSource {
 public:
  virtual ~TargetSource() = default;
  virtual std::string kind() const = 0;  // "file", "http", "dns", "consul"
  virtual std::string what() const = 0;  // files, URL, names, server, for people
  virtual std::string key() const = 0;   // all that is configured; equal keys are one source
  virtual Duration refresh_interval() const = 0;
  // Runs on a thread that may wait, never twice at once; ends in exactly one `done`, on any thread,
  // before or after it has returned.
  virtual void refresh(FoundDone done) = 0;
  // Folders in which a change is a reason to refresh at once; asked after each refresh.
  virtual std::vector<std::string> folders() const { return {}; }
};

}  // namespace nines::collector
