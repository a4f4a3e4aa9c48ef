#pragma once
// Unpacked pages; those nobody has asked for lately are dropped first.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "storage/ring/ring.h"

namespace nines::storage {

// A flat table, since queries ask for many thousands of pages: each look-up touches one line of
// memory, and nothing is moved to tell that a page was asked for. A hand goes round and drops what
// was not since it came by last ("CLOCK", F. J. Corbato, "A Paging Experiment with the Multics
// System", 1968).
// Thread-safe. The newest page is kept however large it is.
template <typename Page>
class PageCache {
 public:
  explicit PageCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  std::shared_ptr<const Page> get(const ring::Location& location) {
    const std::lock_guard lock(mutex_);
    if (held_ == 0) return nullptr;
    Slot& slot = slots_[find(location)];
    if (!slot.page) return nullptr;
    slot.asked_for = true;
    return slot.page;
  }

  // Without asking for it.
  bool holds(const ring::Location& location) {
    const std::lock_guard lock(mutex_);
    return held_ > 0 && slots_[find(location)].page != nullptr;
  }

  // `wanted`: somebody is about to ask for it.
  void put(const ring::Location& location, std::shared_ptr<const Page> page, bool wanted = false) {
    const std::size_t bytes = page->bytes();
    const std::lock_guard lock(mutex_);
    while (held_ > 0 && bytes_ + bytes > bytes_max_) drop_one();
    if (2 * (held_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[find(location)];
    if (slot.page) return;
    slot = {location.generation, location.offset, wanted, std::move(page)};
    bytes_ += bytes;
    ++held_;
  }

 private:
  struct Slot {
    std::uint64_t generation = 0;
    std::uint32_t offset = 0;
    bool asked_for = false;
    std::shared_ptr<const Page> page;  // null: the slot is free
  };

  std::size_t home(std::uint64_t generation, std::uint32_t offset) const {
    const std::uint64_t mixed =
        (generation * 0x9E3779B97F4A7C15ULL ^ offset) * 0xC2B2AE3D27D4EB4FULL;
    return static_cast<std::size_t>(mixed >> 20) & (slots_.size() - 1);
  }
  std::size_t next(std::size_t i) const { return (i + 1) & (slots_.size() - 1); }
  // Where the page is, or would be put.
  std::size_t find(const ring::Location& at) const {
    std::size_t i = home(at.generation, at.offset);
    while (slots_[i].page &&
           (slots_[i].offset != at.offset || slots_[i].generation != at.generation)) {
      i = next(i);
    }
    return i;
  }

  void grow() {
    std::vector<Slot> before(std::max<std::size_t>(64, slots_.size() * 2));
    std::swap(before, slots_);
    hand_ = 0;
    for (Slot& slot : before) {
      if (slot.page) slots_[free_from(home(slot.generation, slot.offset))] = std::move(slot);
    }
  }
  std::size_t free_from(std::size_t i) const {
    while (slots_[i].page) i = next(i);
    return i;
  }

  void drop_one() {
    for (;; hand_ = next(hand_)) {
      Slot& slot = slots_[hand_];
      if (!slot.page) continue;
      if (!slot.asked_for) break;
      slot.asked_for = false;
    }
    bytes_ -= slots_[hand_].page->bytes();
    --held_;
    slots_[hand_].page.reset();
    // Those behind it that would not be found past a free slot are put anew.
    for (std::size_t i = next(hand_); slots_[i].page; i = next(i)) {
      Slot moved = std::exchange(slots_[i], {});
      slots_[free_from(home(moved.generation, moved.offset))] = std::move(moved);
    }
  }

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::vector<Slot> slots_;  // none, or a power of two, at most half of them in use
  std::size_t held_ = 0;
  std::size_t bytes_ = 0;
  std::size_t hand_ = 0;
};

}  // namespace nines::storage
