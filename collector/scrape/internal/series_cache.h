#pragma once
// Remembers what each series text of a target means, and in which order they come.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/text/text.h"
#include "collector/exposition/parser.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct CachedSeries {
  storage::Slot slot{};
  bool dropped = false;  // by metric relabelling: it has no slot and never will
  std::uint32_t retry_in =
      0;  // scrapes until a refused series is offered again; 0: it has its slot
  std::uint32_t position = 0;   // in the last scrape's order
  std::uint64_t order = 0;      // the order that position is in
  std::uint64_t lead_hash = 0;  // of the comments that stood before it last time
  std::uint32_t lead_bytes = 0;

  void remember_lead(const ExposedSample& sample) {
    lead_hash = sample.lead_hash;
    lead_bytes = sample.lead_bytes;
  }
};

// One thread. A scrape is begin(), then for each sample expected()/take_expected() or find()/add(),
// and use(); then commit(), or nothing when it failed.
class SeriesCache {
 public:
  using Entry = std::pair<const std::string, CachedSeries>;

  void begin() {
    cursor_ = 0;
    next_.clear();
    same_ = true;
  }

  // What came next in the last scrape; nothing at its end.
  ExpectedSample expected() const {
    if (cursor_ >= order_.size()) return {};
    const Entry& next = *order_[cursor_];
    return {next.first, next.second.lead_hash, next.second.lead_bytes};
  }
  Entry& take_expected() { return *order_[cursor_]; }
  Entry* find(std::string_view text) {
    const auto found = entries_.find(text);
    return found == entries_.end() ? nullptr : &*found;
  }
  Entry& add(std::string_view text) { return *entries_.try_emplace(std::string(text)).first; }

  // The entry is this scrape's next one; what follows it last time is expected after it.
  void use(Entry& entry) {
    if (cursor_ < order_.size() && order_[cursor_] == &entry) {
      ++cursor_;
    } else {
      same_ = false;
      if (entry.second.order == order_number_) cursor_ = entry.second.position + std::size_t{1};
    }
    next_.push_back(&entry);
  }

  // This scrape's order becomes the expectation. Series that have been away for a while are
  // forgotten once they outnumber the others, so that a target that churns does not grow without
  // end.
  void commit() {
    if (same_ && next_.size() == order_.size()) return;
    order_.swap(next_);
    ++order_number_;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      order_[i]->second.position = static_cast<std::uint32_t>(i);
      order_[i]->second.order = order_number_;
    }
    if (entries_.size() > 2 * order_.size() + kSlack) {
      std::erase_if(entries_, [this](const auto& e) { return e.second.order != order_number_; });
    }
  }

  std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::size_t kSlack = 1000;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return static_cast<std::size_t>(hash64(text));
    }
  };

  std::unordered_map<std::string, CachedSeries, Hash, std::equal_to<>> entries_;  // nodes stay put
  std::vector<Entry*> order_, next_;
  std::size_t cursor_ = 0;
  std::uint64_t order_number_ = 1;
  bool same_ = true;
};

}  // namespace nines::collector
