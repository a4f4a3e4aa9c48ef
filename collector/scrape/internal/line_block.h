#pragma once
// The lines of one scrape in their order, which the targets of a job mostly have in common.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/core/mutex.h"
#include "collector/exposition/parser.h"

namespace nines::collector {

// Immutable once it is finish()ed; then any number of threads may read.
class LineBlock {
 public:
  void reserve(std::size_t lines, std::size_t text_bytes);  // of them in all
  // A series text with the comments that stand before it; see ExposedSample.
  void add(std::string_view series, std::uint64_t lead_hash, std::uint32_t lead_bytes);
  void finish();

  std::uint32_t size() const { return static_cast<std::uint32_t>(lines_.size() - 1); }
  std::string_view series(std::uint32_t line) const {
    return {text_.data() + lines_[line].begin, lines_[line + 1].begin - lines_[line].begin - 1};
  }
  ExpectedSample expected(std::uint32_t line) const {
    return {series(line), lines_[line].lead_hash, lines_[line].lead_bytes};
  }
  // From `line` on. Only of one that is finished.
  ExpectedLines expected_lines(std::uint32_t line) const {
    return {text_.data(), lines_.data() + line, size() - line};
  }
  // The first line with this series; kNone when there is none.
  std::uint32_t find(std::string_view series) const;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint64_t hash() const { return hash_; }  // of all of it
  bool operator==(const LineBlock& other) const;

 private:
  std::string text_;                                 // as ExpectedLines wants it
  std::vector<ExpectedLine> lines_{ExpectedLine()};  // the last one is where the next begins
  std::vector<std::uint32_t> by_hash_;  // a hash table of lines, each plus one; 0: free
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
