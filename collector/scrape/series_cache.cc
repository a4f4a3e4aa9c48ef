#include "collector/scrape/internal/series_cache.h"

#include <algorithm>

#include "base/core/release.h"

namespace nines::collector {

SeriesCache::SeriesCache(LineBlocks& blocks, std::string job)
    : blocks_(blocks), job_(std::move(job)), block_(blocks.latest(job_)), series_(size()) {}

void SeriesCache::begin() {
  cursor_ = 0;
  same_ = true;
  // Ten thousand targets wait between their scrapes: of most the last one was as the one before.
  if (order_.capacity() > 0) release(order_);
  if (fresh_.capacity() > 0) release(fresh_);
  if (fresh_places_.bucket_count() > 1) release(fresh_places_);
}

std::optional<SeriesCache::Place> SeriesCache::find_fresh(std::string_view series) const {
  const auto found = fresh_places_.find(series);
  return found == fresh_places_.end() ? std::nullopt : std::optional(found->second);
}

SeriesCache::Place SeriesCache::add(std::string_view series) {
  const Place place = size() + static_cast<Place>(fresh_.size());
  fresh_.emplace_back(std::string(series), CachedSeries());
  fresh_places_.emplace(std::string(series), place);
  return place;
}

// From here on this scrape is not the last one again.
void SeriesCache::begin_order() {
  same_ = false;
  order_.reserve(size() + 8U);
  for (Place line = 0; line < cursor_; ++line) {
    const ExpectedSample was = block_->expected(line);
    order_.push_back({line, was.lead_bytes, was.lead_hash});
  }
}

void SeriesCache::use(Place place, const ExposedSample& sample) {
  Used used{place, sample.lead_bytes, sample.lead_hash};
  if (cursor_ < size()) {
    const ExpectedSample next = block_->expected(cursor_);
    if (sample.lead_known) {
      used.lead_bytes = next.lead_bytes;
      used.lead_hash = next.lead_hash;
    }
    if (same_ && place == cursor_ && used.lead_bytes == next.lead_bytes &&
        used.lead_hash == next.lead_hash) {
      ++cursor_;
      return;
    }
  }
  if (same_) begin_order();
  order_.push_back(used);
  if (place < size()) cursor_ = place + 1;
}

bool SeriesCache::settled(bool with_created) const {
  return std::all_of(series_.begin(), series_.end(), [&](const CachedSeries& series) {
    return series.known && series.retry_in == 0 && (with_created || !series.created);
  });
}

void SeriesCache::use_expected(std::size_t count) {
  if (!same_) {
    for (Place line = cursor_; line < cursor_ + count; ++line) {
      const ExpectedSample was = block_->expected(line);
      order_.push_back({line, was.lead_bytes, was.lead_hash});
    }
  }
  cursor_ += static_cast<std::uint32_t>(count);
}

std::size_t SeriesCache::bytes() const {
  std::size_t texts = 0;
  for (const auto& [text, series] : fresh_)
    texts += 2 * text.capacity();  // fresh_places_ has it too
  return series_.capacity() * sizeof(CachedSeries) + fresh_.capacity() * sizeof(fresh_[0]) + texts +
         fresh_places_.bucket_count() * sizeof(void*) + order_.capacity() * sizeof(Used);
}

void SeriesCache::commit() {
  if (same_ && cursor_ == size()) return;
  if (same_) begin_order();
  LineBlock block;
  std::vector<CachedSeries> series;
  series.reserve(order_.size());
  std::size_t bytes = 0;
  for (const Used& used : order_) bytes += series_at(used.place).size();
  block.reserve(order_.size(), bytes);
  for (const Used& used : order_) {
    block.add(series_at(used.place), used.lead_hash, used.lead_bytes);
    series.push_back(at(used.place));
  }
  block.finish();
  block_ = blocks_.share(job_, std::move(block));
  series_ = std::move(series);
  begin();
}

}  // namespace nines::collector
