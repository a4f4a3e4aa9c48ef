#include "collector/scrape/internal/line_block.h"

#include <algorithm>

#include "base/text/text.h"

namespace nines::collector {
namespace {

std::uint32_t short_hash(std::string_view series) {
  return static_cast<std::uint32_t>(hash64(series));
}

}  // namespace

void LineBlock::add(std::string_view series, std::uint64_t lead_hash, std::uint32_t lead_bytes) {
  lines_.push_back({static_cast<std::uint32_t>(text_.size()), lead_bytes, lead_hash});
  text_ += series;
}

void LineBlock::finish() {
  text_.shrink_to_fit();
  lines_.shrink_to_fit();
  by_hash_.reserve(lines_.size());
  std::uint64_t leads = 0;
  for (std::uint32_t line = 0; line < size(); ++line) {
    by_hash_.emplace_back(short_hash(series(line)), line);
    leads = hash64({}, leads ^ lines_[line].lead_hash ^ lines_[line].begin);
  }
  std::sort(by_hash_.begin(), by_hash_.end());
  hash_ = hash64(text_, leads);
}

std::optional<std::uint32_t> LineBlock::find(std::string_view wanted) const {
  const std::uint32_t hash = short_hash(wanted);
  for (auto it = std::lower_bound(by_hash_.begin(), by_hash_.end(), std::pair(hash, 0U));
       it != by_hash_.end() && it->first == hash; ++it) {
    if (series(it->second) == wanted) return it->second;
  }
  return std::nullopt;
}

bool LineBlock::operator==(const LineBlock& other) const {
  return hash_ == other.hash_ && text_ == other.text_ && lines_ == other.lines_;
}

std::shared_ptr<const LineBlock> LineBlocks::share(const std::string& job, LineBlock fresh) {
  const MutexLock lock(mutex_);
  std::weak_ptr<const LineBlock>& known = by_hash_[fresh.hash()];
  std::shared_ptr<const LineBlock> block = known.lock();
  if (!block || !(*block == fresh)) {
    block = std::make_shared<const LineBlock>(std::move(fresh));
    known = block;
  }
  latest_[job] = block;
  if (by_hash_.size() > tidy_at_) {
    std::erase_if(by_hash_, [](const auto& entry) { return entry.second.expired(); });
    std::erase_if(latest_, [](const auto& entry) { return entry.second.expired(); });
    tidy_at_ = std::max<std::size_t>(256, 2 * by_hash_.size());
  }
  return block;
}

std::shared_ptr<const LineBlock> LineBlocks::latest(const std::string& job) const {
  const MutexLock lock(mutex_);
  const auto known = latest_.find(job);
  return known == latest_.end() ? nullptr : known->second.lock();
}

std::size_t LineBlocks::size() const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      by_hash_.begin(), by_hash_.end(), [](const auto& entry) { return !entry.second.expired(); }));
}

}  // namespace nines::collector
