#include "collector/scrape/internal/line_block.h"

#include <algorithm>
#include <bit>

#include "base/text/text.h"

namespace nines::collector {
void LineBlock::reserve(std::size_t lines, std::size_t text_bytes) {
  lines_.reserve(lines + 1);
  text_.reserve(text_bytes + lines + ExpectedLines::kReadPast);
}

void LineBlock::add(std::string_view series, std::uint64_t lead_hash, std::uint32_t lead_bytes) {
  lines_.back().lead_hash = lead_hash;
  lines_.back().lead_bytes = lead_bytes;
  text_ += series;
  text_ += ' ';
  lines_.push_back({static_cast<std::uint32_t>(text_.size()), 0, 0});
}

void LineBlock::finish() {
  text_.resize(text_.size() + ExpectedLines::kReadPast);
  lines_.shrink_to_fit();
  by_hash_.assign(std::bit_ceil(size() + size() / 2U + 1U), 0);
  std::uint64_t leads = 0;
  for (std::uint32_t line = 0; line < size(); ++line) {
    std::size_t place = hash64(series(line)) & (by_hash_.size() - 1);
    while (by_hash_[place] != 0) place = (place + 1) & (by_hash_.size() - 1);
    by_hash_[place] = line + 1;
    leads = hash64({}, leads ^ lines_[line].lead_hash ^ lines_[line].begin);
  }
  hash_ = hash64(text_, leads);
}

std::uint32_t LineBlock::find(std::string_view wanted) const {
  std::size_t place = hash64(wanted) & (by_hash_.size() - 1);
  // Lines of one series went in by their order.
  while (by_hash_[place] != 0) {
    const std::uint32_t line = by_hash_[place] - 1;
    if (series(line) == wanted) return line;
    place = (place + 1) & (by_hash_.size() - 1);
  }
  return kNone;
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
