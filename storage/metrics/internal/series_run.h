#pragma once
// Series of one version that lie near each other, read one after the other: where they are is
// looked up once, and times that they share are put together once.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/model/sample.h"
#include "storage/metrics/internal/group.h"
#include "storage/metrics/internal/page.h"

namespace nines::storage {

class StoreImpl;

// Is told when a page is not in memory, and may bring it and others before it is read by itself.
class PageMisses {
 public:
  virtual ~PageMisses() = default;
  virtual void missed() = 0;
};

struct ShelvedPage {
  PageRef ref;
  std::shared_ptr<const Page> page;  // null: not read yet
};

// One thread at a time. What it shows is the store as it was at begin().
class SeriesRun {
 public:
  SeriesRun(const StoreImpl& store, PageMisses& misses) : store_(store), misses_(misses) {}

  // Goes on with these slots (ascending) of a version, in the closed range.
  void begin(const Version& version, std::vector<std::uint32_t> slots, std::int64_t from,
             std::int64_t to);
  bool holds(const Version& version, std::uint32_t slot, std::int64_t from, std::int64_t to) const;

  // Replaces `out` with the samples of a slot that it holds; see ReadingOn::read_on(). None: they
  // are more than floats at the times of their neighbours, or damaged; they are to be read for
  // themselves.
  std::optional<bool> read(std::uint32_t slot, SampleColumns& out);
  // `out` was filled by somebody else.
  void forget_times() { times_given_ = 0; }

 private:
  friend class StoreImpl;  // fill_run()

  // What slots that are in the same pages share.
  struct Block {
    std::uint32_t number = 0;         // of its first slot, in kPageSlots
    bool regular = false;             // false: nothing is known of it
    std::vector<std::size_t> pages;   // of pages_, in order of time
    std::size_t before = 0;           // samples that they have before the range
    std::vector<std::int64_t> times;  // of pages and open rows, in the range
    std::uint64_t times_id = 0;       // equal for equal times
  };
  Block& block_of(std::uint32_t slot);
  bool join_times(Block& block);
  bool read_pages(const Block& block, std::uint32_t slot, double* out, std::size_t& at);

  const StoreImpl& store_;
  PageMisses& misses_;
  const Version* version_ = nullptr;
  std::int64_t from_ = 0, to_ = 0;
  std::vector<std::uint32_t> slots_;
  std::vector<ShelvedPage> pages_;
  bool too_many_pages_ = false;  // to keep
  std::vector<std::int64_t> open_times_;
  std::vector<double> open_values_;  // open_times_.size() per slot
  std::vector<bool> whole_;          // by slot: its open samples are these, and no others
  std::vector<Block> blocks_;
  // The newest times there were, and whose `out` has now (0: unknown).
  std::vector<std::int64_t> known_times_;
  std::uint64_t known_id_ = 0, times_given_ = 0;
};

}  // namespace nines::storage
