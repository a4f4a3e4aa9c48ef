#include "storage/metrics/internal/series_run.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/chunk/column.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

constexpr std::size_t kPagesMost = 2048;  // more would hold too much memory for a neighbour

}  // namespace

void StoreImpl::fill_run(SeriesRun& run) const {
  const Version& version = *run.version_;
  const std::lock_guard lock(mutex_);
  version.pages[paged_class(ring::SegmentClass::kRaw)].each_page_of(
      run.slots_.front(), run.slots_.back() + 1, run.from_, run.to_, [&](const PageRef& page) {
        run.pages_.push_back({page, nullptr});
      });
  if (!version.live) return;
  const ring::TimeBounds open = version.live->bounds();
  if (open.empty() || open.min > run.to_ || open.max < run.from_) return;
  std::vector<const GroupHead*> heads;
  if (version.live->closing) heads.push_back(version.live->closing.get());
  heads.push_back(&version.live->head);
  for (const GroupHead* head : heads) {
    const std::vector<std::int64_t>& times = head->row_times();
    run.open_times_.insert(run.open_times_.end(), times.begin(), times.end());
  }
  run.open_values_.resize(run.slots_.size() * run.open_times_.size());
  std::size_t row = 0;
  for (const GroupHead* head : heads) {
    head->read_rows(run.slots_, run.open_times_.size(), run.open_values_.data() + row, run.whole_);
    row += head->row_times().size();
  }
}

void SeriesRun::begin(const Version& version, std::vector<std::uint32_t> slots, std::int64_t from,
                      std::int64_t to) {
  version_ = &version;
  from_ = from, to_ = to;
  slots_ = std::move(slots);
  pages_.clear();
  open_times_.clear();
  open_values_.clear();
  whole_.assign(slots_.size(), true);
  blocks_.clear();
  store_.fill_run(*this);
  too_many_pages_ = pages_.size() > kPagesMost;
}

bool SeriesRun::holds(const Version& version, std::uint32_t slot, std::int64_t from,
                      std::int64_t to) const {
  return version_ == &version && from_ == from && to_ == to &&
         std::binary_search(slots_.begin(), slots_.end(), slot);
}

SeriesRun::Block& SeriesRun::block_of(std::uint32_t slot) {
  const std::uint32_t number = slot / kPageSlots;
  for (Block& block : blocks_) {
    if (block.number == number) return block;
  }
  Block& block = blocks_.emplace_back();
  block.number = number;
  block.regular = !too_many_pages_ && join_times(block);
  return block;
}

// False: pages cannot be read, or their times do not follow one another.
bool SeriesRun::join_times(Block& block) {
  std::size_t damaged = 0;
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    ShelvedPage& one = pages_[i];
    if (one.ref.slots.first / kPageSlots != block.number) continue;
    if (!one.page) one.page = store_.load(one.ref.location, damaged, &misses_);
    if (!one.page) return false;
    block.pages.push_back(i);
    one.page->times().append_to(block.times);
  }
  block.times.insert(block.times.end(), open_times_.begin(), open_times_.end());
  const auto not_after = [](std::int64_t a, std::int64_t b) { return a >= b; };
  std::vector<std::int64_t>& times = block.times;
  if (std::adjacent_find(times.begin(), times.end(), not_after) != times.end()) return false;
  const auto begin = std::lower_bound(times.begin(), times.end(), from_);
  block.before = static_cast<std::size_t>(begin - times.begin());
  times.erase(std::upper_bound(begin, times.end(), to_), times.end());
  times.erase(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(block.before));
  if (known_id_ == 0 || times != known_times_) {
    known_times_ = times;
    ++known_id_;
  }
  block.times_id = known_id_;
  return true;
}

// Writes what is in the range, in pages, to `out`; `at` is how many samples they all are. False:
// the slot is not regular in one of them, or damaged.
bool SeriesRun::read_pages(const Block& block, std::uint32_t slot, double* out, std::size_t& at) {
  const std::size_t end = block.before + block.times.size();
  for (const std::size_t i : block.pages) {
    const Page& page = *pages_[i].page;
    if (!page.only_floats(slot)) return false;
    const std::size_t rows = page.times().size();
    const std::size_t first = std::max(at, block.before);
    const std::size_t last = std::min(at + rows, end);
    if (first == at && last == at + rows) {
      if (!page.read_floats(slot, out + (at - block.before))) return false;
    } else if (first < last) {
      std::array<double, chunk::kColumnMax> all;
      if (!page.read_floats(slot, all.data())) return false;
      std::copy(all.data() + (first - at), all.data() + (last - at), out + (first - block.before));
    }
    at += rows;
  }
  return true;
}

std::optional<bool> SeriesRun::read(std::uint32_t slot, SampleColumns& out) {
  const auto place = static_cast<std::size_t>(std::lower_bound(slots_.begin(), slots_.end(), slot) -
                                              slots_.begin());
  if (!whole_[place]) return std::nullopt;
  const Block& block = block_of(slot);
  if (!block.regular) return std::nullopt;
  const std::size_t end = block.before + block.times.size();
  out.values.resize(block.times.size());
  std::size_t at = 0;
  if (!read_pages(block, slot, out.values.data(), at)) return std::nullopt;
  const std::size_t first = std::max(at, block.before);
  if (first < end) {
    std::copy_n(open_values_.data() + place * open_times_.size() + (first - at), end - first,
                out.values.data() + (first - block.before));
  }
  out.histograms.clear();
  out.start_times.clear();
  const bool same = times_given_ == block.times_id && out.times.size() == block.times.size();
  if (!same) out.times = block.times;
  times_given_ = block.times_id;
  return same;
}

}  // namespace nines::storage
