#include "storage/metrics/internal/page_directory.h"

#include <algorithm>
#include <iterator>

namespace nines::storage {

std::uint64_t PageDirectory::present(const Run& run, std::size_t page) {
  if (!run.present.empty()) return run.present[page];
  return all_present({run.pages[page].first(), run.pages[page].end()});
}

std::size_t PageDirectory::first_with(const Run& run, std::uint32_t slot) {
  const auto after =
      std::upper_bound(run.pages.begin(), run.pages.end(), slot,
                       [](std::uint32_t s, const Entry& e) { return s < e.first(); });
  return after == run.pages.begin() ? 0 : static_cast<std::size_t>(after - run.pages.begin()) - 1;
}

void PageDirectory::add(const PageRef& page) {
  ++changes_;
  const bool follows = !runs_.empty() && runs_.back().generation == page.location.generation &&
                       runs_.back().pages.back().end() <= page.slots.first;
  if (!follows) {
    if (!runs_.empty()) {
      runs_.back().pages.shrink_to_fit();
      runs_.back().present.shrink_to_fit();
    }
    Run& fresh = runs_.emplace_back();
    fresh.generation = page.location.generation;
    fresh.segment = page.location.segment;
  }
  Run& run = runs_.back();
  run.times.include(page.times);
  const std::uint64_t all = all_present(page.slots);
  if (page.present != all && run.present.empty()) {
    for (const Entry& e : run.pages) run.present.push_back(all_present({e.first(), e.end()}));
  }
  const bool listed = !run.present.empty() || page.present != all;
  run.pages.push_back({page.location.offset, page.location.length,
                       page.slots.first << kCountBits | (page.slots.end - page.slots.first - 1)});
  if (listed) run.present.push_back(page.present);
}

void PageDirectory::remove(const ring::Location& at) {
  ++changes_;
  for (auto run = runs_.begin(); run != runs_.end(); ++run) {
    if (run->generation != at.generation) continue;
    const auto page = std::find_if(run->pages.begin(), run->pages.end(),
                                   [&](const Entry& e) { return e.offset == at.offset; });
    if (page == run->pages.end()) continue;
    if (!run->present.empty())
      run->present.erase(run->present.begin() + (page - run->pages.begin()));
    run->pages.erase(page);
    if (run->pages.empty()) runs_.erase(run);
    return;
  }
}

void PageDirectory::forget(std::uint64_t generation) {
  ++changes_;
  std::erase_if(runs_, [&](const Run& run) { return run.generation == generation; });
}

std::uint64_t PageDirectory::size() const {
  std::uint64_t n = 0;
  for (const Run& run : runs_) n += run.pages.size();
  return n;
}

ring::TimeBounds PageDirectory::times() const {
  ring::TimeBounds bounds;
  for (const Run& run : runs_) bounds.include(run.times);
  return bounds;
}

ring::TimeBounds PageDirectory::times_of(std::uint64_t generation) const {
  ring::TimeBounds bounds;
  for (const Run& run : runs_) {
    if (run.generation == generation) bounds.include(run.times);
  }
  return bounds;
}

std::size_t PageDirectory::bytes() const {
  std::size_t bytes = runs_.capacity() * sizeof(Run);
  for (const Run& run : runs_)
    bytes += run.pages.capacity() * sizeof(Entry) + run.present.capacity() * sizeof(std::uint64_t);
  return bytes;
}

void PageDirectory::take_present(std::int64_t from, std::int64_t to,
                                 std::vector<std::uint32_t>& slots,
                                 std::vector<std::uint32_t>& found) const {
  // The newest first: mostly it has them all.
  for (auto run = runs_.rbegin(); run != runs_.rend() && !slots.empty(); ++run) {
    if (run->times.min > to || run->times.max < from) continue;
    std::erase_if(slots, [&](std::uint32_t slot) {
      for (std::size_t i = first_with(*run, slot); i < run->pages.size(); ++i) {
        const Entry& page = run->pages[i];
        if (page.first() > slot) break;
        if (slot < page.end() && (present(*run, i) >> (slot - page.first()) & 1) != 0) {
          found.push_back(slot);
          return true;
        }
      }
      return false;
    });
  }
}

}  // namespace nines::storage
