#pragma once
// The lines of one scrape in their order, which the targets of a job mostly have in common.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/core/mutex.h"
#include "collector/exposition/parser.h"

namespace nines::collector {

// Immutable once it is finish()ed; then any number of threads may read.
class LineBlock {
 public:
  // A series text with the comments that stand before it; see ExposedSample.
  void add(std::string_view series, std::uint64_t lead_hash, std::uint32_t lead_bytes);
  void finish();

  std::uint32_t size() const { return static_cast<std::uint32_t>(lines_.size()); }
  std::string_view series(std::uint32_t line) const {
    const std::size_t end = line + 1 < lines_.size() ? lines_[line + 1].begin : text_.size();
    return std::string_view(text_).substr(lines_[line].begin, end - lines_[line].begin);
  }
  ExpectedSample expected(std::uint32_t line) const {
    return {series(line), lines_[line].lead_hash, lines_[line].lead_bytes};
  }
  // The first line with this series.
  std::optional<std::uint32_t> find(std::string_view series) const;
  std::uint64_t hash() const { return hash_; }  // of all of it
  bool operator==(const LineBlock& other) const;

 private:
  struct Line {
    std::uint32_t begin = 0;  // in text_
    std::uint32_t lead_bytes = 0;
    std::uint64_t lead_hash = 0;
    bool operator==(const Line&) const = default;
  };
  std::string text_;
  std::vector<Line> lines_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> by_hash_;  // of the series, and the line
  std::uint64_t hash_ = 0;
};

// Blocks in use, each once. Thread-safe.
class LineBlocks {
 public:
  // `fresh`, or the block of the same content that somebody has already. New targets of the job
  // begin with it.
  std::shared_ptr<const LineBlock> share(const std::string& job, LineBlock fresh);
  std::shared_ptr<const LineBlock> latest(const std::string& job) const;  // null: none in use
  std::size_t size() const;                                               // in use

 private:
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, std::weak_ptr<const LineBlock>> by_hash_
      NINES_GUARDED_BY(mutex_);
  std::map<std::string, std::weak_ptr<const LineBlock>> latest_ NINES_GUARDED_BY(mutex_);
  std::size_t tidy_at_ NINES_GUARDED_BY(mutex_) = 256;  // blocks
};

}  // namespace nines::collector
