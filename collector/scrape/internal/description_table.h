#pragma once
// The descriptions in use, each once: the targets of a job mostly say the same.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/core/mutex.h"
#include "collector/scrape/descriptions.h"

namespace nines::collector {

// Thread-safe.
class DescriptionTable {
 public:
  // `fresh`, or what somebody has already that says the same.
  std::shared_ptr<const FamilyDescriptions> share(FamilyDescriptions fresh);
  std::size_t size() const;  // in use

 private:
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, std::weak_ptr<const FamilyDescriptions>> by_hash_
      NINES_GUARDED_BY(mutex_);
  std::size_t tidy_at_ NINES_GUARDED_BY(mutex_) = 256;
};

}  // namespace nines::collector
