#pragma once
// Which versions a label of their target names, and which a layout has: a query for one instance, or
// for a metric that one job has, must not look at ten thousand others.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/model/matcher.h"
#include "storage/metrics/internal/group.h"

namespace nines::storage {

// One thread at a time. Versions never change their labels nor their layout, so they are added once
// and leave once.
class VersionIndex {
 public:
  using Versions = std::vector<std::shared_ptr<Version>>;

  void add(const std::shared_ptr<Version>& version);
  // Those of `versions` leave. Costs a look at each list they are in, once for all of them.
  void remove(std::span<const std::shared_ptr<Version>> versions);

  // What a matcher asks for, when that is one or more exact, non-empty values: the lists of the
  // versions whose target has one of them, each in the order they were added.
  struct Lists {
    std::vector<const Versions*> lists;
    std::size_t versions = 0;  // in all of them
  };
  std::optional<Lists> find(const Matcher& matcher) const;
  // Those with this layout; never empty while there are any.
  const Versions& of(const Layout& layout) const;

 private:
  static std::string key(std::string_view name, std::string_view value);

  std::unordered_map<std::string, Versions> lists_;  // by label
  std::unordered_map<const Layout*, Versions> by_layout_;
};

}  // namespace nines::storage
