#include "collector/scrape/internal/description_table.h"

#include <algorithm>
#include <utility>

#include "base/text/text.h"

namespace nines::collector {

std::shared_ptr<const FamilyDescriptions> DescriptionTable::share(FamilyDescriptions fresh) {
  std::uint64_t hash = fresh.size();
  for (const auto& [family, metadata] : fresh) {
    hash = hash64(family, hash);
    hash = hash64(metadata.help, hash + static_cast<std::uint64_t>(metadata.type));
    hash = hash64(metadata.unit, hash);
  }
  const MutexLock lock(mutex_);
  std::weak_ptr<const FamilyDescriptions>& known = by_hash_[hash];
  std::shared_ptr<const FamilyDescriptions> same = known.lock();
  if (!same || *same != fresh) {
    fresh.shrink_to_fit();
    same = std::make_shared<const FamilyDescriptions>(std::move(fresh));
    known = same;
  }
  if (by_hash_.size() > tidy_at_) {
    std::erase_if(by_hash_, [](const auto& entry) { return entry.second.expired(); });
    tidy_at_ = std::max<std::size_t>(256, 2 * by_hash_.size());
  }
  return same;
}

std::size_t DescriptionTable::size() const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      by_hash_.begin(), by_hash_.end(), [](const auto& entry) { return !entry.second.expired(); }));
}

}  // namespace nines::collector
