// Pages brought before they are asked for.
#include <algorithm>
#include <utility>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {

// Unpacked they must stay in the cache until they are read, beside what is in it.
std::uint64_t StoreImpl::ahead_bytes_max() const {
  constexpr std::uint64_t kMost = 16u << 20, kPartOfCache = 8;
  return piece_reader_ == nullptr
             ? 0
             : std::min<std::uint64_t>(kMost, options_.page_cache_bytes / kPartOfCache);
}

void StoreImpl::expect(const Version& version, std::uint32_t slot, Ahead& ahead) const {
  const std::uint32_t block = slot / kPageSlots;
  if (!ahead.blocks.emplace(&version, block).second) return;
  const auto first = static_cast<std::ptrdiff_t>(ahead.pages.size());
  {
    const std::lock_guard lock(mutex_);
    version.pages[paged_class(ring::SegmentClass::kRaw)].each_page_of(
        block * kPageSlots, (block + 1) * kPageSlots, ahead.from, ahead.to,
        [&](const PageRef& page) { ahead.pages.push_back(page.location); });
  }
  const auto held = [&](const ring::Location& at) { return cache_.holds(at); };
  ahead.pages.erase(std::remove_if(ahead.pages.begin() + first, ahead.pages.end(), held),
                    ahead.pages.end());
  for (auto page = ahead.pages.begin() + first; page != ahead.pages.end(); ++page)
    ahead.bytes += page->length;
}

std::shared_ptr<ReadAhead> StoreImpl::bring(Ahead ahead) const {
  return std::make_shared<ReadAhead>(*piece_reader_, std::move(ahead.pages));
}

// What is damaged is left to whoever asks for it.
void StoreImpl::help(ReadAhead& ahead, const StopFlag* stop) const {
  const auto stopped = [&] {
    return stop != nullptr && stop->stop.load(std::memory_order_relaxed);
  };
  ahead.help(stopped, [this](const ring::Frame& frame) {
    if (Result<std::shared_ptr<const Page>> page = Page::open(chunk::as_text(frame.payload)))
      cache_.put(frame.location, *std::move(page), true);
  });
}

}  // namespace nines::storage
