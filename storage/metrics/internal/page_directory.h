#pragma once
// Where the pages of one group are on the ring, in order of writing, and what each holds.

#include <cstdint>
#include <span>
#include <vector>

#include "storage/metrics/internal/page.h"
#include "storage/ring/ring.h"

namespace nines::storage {

struct PageRef {
  ring::Location location{};
  ring::TimeBounds times{};
  SlotRange slots;
  std::uint64_t present = 0;  // bit i: slot slots.first + i has samples in it
};

// One thread at a time. About twelve bytes a page.
class PageDirectory {
 public:
  // Pages written together come ascending by slot; what they share is kept once.
  void add(const PageRef& page);
  void remove(const ring::Location& location);
  void forget(std::uint64_t generation);  // the segment's life has ended
  bool empty() const { return runs_.empty(); }
  std::uint64_t size() const;
  ring::TimeBounds times() const;
  ring::TimeBounds times_of(std::uint64_t generation) const;  // empty: it has none of its pages
  std::size_t bytes() const;                                  // of memory

  // Another number whenever pages came or went.
  std::uint64_t changes() const { return changes_; }

  // Calls `visit(page)` for each page of the slots [first, end), if the pages written together with
  // it touch [from, to]; in order of writing.
  template <typename Visit>
  void each_page_of(std::uint32_t first, std::uint32_t end, std::int64_t from, std::int64_t to,
                    Visit&& visit) const {
    for (const Run& run : runs_) {
      if (run.times.min > to || run.times.max < from) continue;
      for (std::size_t i = first_with(run, first); i < run.pages.size(); ++i) {
        const Entry& page = run.pages[i];
        if (page.first() >= end) break;
        if (page.end() > first)
          visit(PageRef{location(run, page), run.times, {page.first(), page.end()},
                        present(run, i)});
      }
    }
  }
  // Calls `visit(location)` for each page that has samples of `slot`, if the pages written together
  // with it touch [from, to]; in order of writing.
  template <typename Visit>
  void each_page(std::uint32_t slot, std::int64_t from, std::int64_t to, Visit&& visit) const {
    for (const Run& run : runs_) {
      if (run.times.min > to || run.times.max < from) continue;
      for (std::size_t i = first_with(run, slot); i < run.pages.size(); ++i) {
        const Entry& page = run.pages[i];
        if (page.first() > slot) break;
        if (slot < page.end() && (present(run, i) >> (slot - page.first()) & 1) != 0)
          visit(location(run, page));
      }
    }
  }
  // Calls `visit(page)` for each page, in order of writing.
  template <typename Visit>
  void each(Visit&& visit) const {
    for (const Run& run : runs_) {
      for (std::size_t i = 0; i < run.pages.size(); ++i) {
        const Entry& page = run.pages[i];
        visit(PageRef{location(run, page), run.times, {page.first(), page.end()}, present(run, i)});
      }
    }
  }
  // Takes those of `slots` (ascending) that have samples in [from, to], as far as pages written
  // together tell, out of it and appends them to `found`, in any order.
  void take_present(std::int64_t from, std::int64_t to, std::vector<std::uint32_t>& slots,
                    std::vector<std::uint32_t>& found) const;

 private:
  static constexpr std::uint32_t kCountBits = 6;  // kPageSlots - 1 fits
  static_assert(kPageSlots <= 1U << kCountBits);
  struct Entry {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t slots = 0;  // first << kCountBits | count - 1
    std::uint32_t first() const { return slots >> kCountBits; }
    std::uint32_t end() const { return first() + (slots & ((1U << kCountBits) - 1)) + 1; }
  };
  struct Run {  // pages written together, into one segment
    std::uint64_t generation = 0;
    std::uint32_t segment = 0;
    ring::TimeBounds times;              // of all
    std::vector<Entry> pages;            // ascending by slot
    std::vector<std::uint64_t> present;  // of each; empty: all slots of all
  };
  static std::size_t first_with(const Run& run, std::uint32_t slot);
  static std::uint64_t present(const Run& run, std::size_t page);
  static ring::Location location(const Run& run, const Entry& page) {
    return {run.segment, page.offset, run.generation, page.length};
  }

  std::vector<Run> runs_;
  std::uint64_t changes_ = 0;
};

}  // namespace nines::storage
