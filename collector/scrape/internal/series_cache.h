#pragma once
// What each line of a target's last scrape meant, and in which order they came.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text/text.h"
#include "collector/exposition/parser.h"
#include "collector/scrape/internal/line_block.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct CachedSeries {
  storage::Slot slot{};
  // Scrapes until a refused series is offered again; 0: it has its slot.
  std::uint8_t retry_in = 0;
  bool dropped = false;  // by metric relabelling: it has no slot and never will
  bool created = false;  // a _created line: `slot` is its number in StartTimes
  bool known = false;    // false: nobody has asked yet what the line means for this target
};

// One thread. A scrape is begin(), then for each sample expected_place(), find() or add(), and
// use(); then commit(), or nothing when it failed. Lines are shared with other targets of the job;
// what they mean is the target's own.
class SeriesCache {
 public:
  using Place = std::uint32_t;  // of a line, during one scrape

  SeriesCache(LineBlocks& blocks, std::string job);

  void begin();
  // What came next in the last scrape; nothing at its end.
  ExpectedSample expected() const {
    return cursor_ < size() ? block_->expected(cursor_) : ExpectedSample();
  }
  ExpectedLines expected_lines() const {
    return cursor_ < size() ? block_->expected_lines(cursor_) : ExpectedLines();
  }
  Place expected_place() const { return cursor_; }
  std::optional<Place> find(std::string_view series) const {
    if (block_) {
      if (const Place line = block_->find(series); line != LineBlock::kNone) return line;
    }
    return fresh_places_.empty() ? std::nullopt : find_fresh(series);
  }
  Place add(std::string_view series);
  CachedSeries& at(Place place) {
    return place < size() ? series_[place] : fresh_[place - size()].second;
  }
  // The line is this scrape's next one; what followed it last time is expected after it.
  void use(Place place, const ExposedSample& sample);
  // The next `count` of those expected came, as they were.
  void use_expected(std::size_t count);
  // This scrape's order becomes the expectation; lines that were not in it are forgotten.
  void commit();

  // Every line has a slot, was dropped or, `with_created`, says when others began: nobody need ask
  // what one means before its value is taken.
  bool settled(bool with_created) const;

  std::string_view text(Place place) const { return series_at(place); }

  std::uint32_t size() const { return block_ ? block_->size() : 0; }  // lines of the last scrape
  // Of memory, beyond the object and the lines that are shared.
  std::size_t bytes() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return static_cast<std::size_t>(hash64(text));
    }
  };
  struct Used {
    Place place = 0;
    std::uint32_t lead_bytes = 0;
    std::uint64_t lead_hash = 0;
  };
  std::string_view series_at(Place place) const {
    return place < size() ? block_->series(place) : std::string_view(fresh_[place - size()].first);
  }
  std::optional<Place> find_fresh(std::string_view series) const;
  void begin_order();

  LineBlocks& blocks_;
  const std::string job_;
  std::shared_ptr<const LineBlock> block_;  // may be null
  std::vector<CachedSeries> series_;        // of its lines
  // Of the scrape going on, as far as it differs from the last one.
  std::vector<std::pair<std::string, CachedSeries>> fresh_;
  std::unordered_map<std::string, Place, Hash, std::equal_to<>> fresh_places_;
  std::vector<Used> order_;  // when !same_
  std::uint32_t cursor_ = 0;
  bool same_ = true;  // so far: lines 0..cursor_-1 of the block
};

}  // namespace nines::collector
