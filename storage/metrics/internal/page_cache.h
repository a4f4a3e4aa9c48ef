#pragma once
// Unpacked pages, the least recently used dropped first.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "storage/ring/ring.h"

namespace nines::storage {

// Thread-safe. The newest page is kept however large it is.
template <typename Page>
class PageCache {
 public:
  explicit PageCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  std::shared_ptr<const Page> get(const ring::Location& location) {
    const std::lock_guard lock(mutex_);
    const auto it = by_key_.find({location.generation, location.offset});
    if (it == by_key_.end()) return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return it->second->page;
  }

  void put(const ring::Location& location, std::shared_ptr<const Page> page) {
    const std::lock_guard lock(mutex_);
    const Key key{location.generation, location.offset};
    if (by_key_.contains(key)) return;
    bytes_ += page->bytes();
    order_.push_front({key, std::move(page)});
    by_key_[key] = order_.begin();
    while (bytes_ > bytes_max_ && order_.size() > 1) {
      bytes_ -= order_.back().page->bytes();
      by_key_.erase(order_.back().key);
      order_.pop_back();
    }
  }

 private:
  using Key = std::pair<std::uint64_t, std::uint32_t>;  // generation, offset
  struct HashOfKey {
    std::size_t operator()(const Key& key) const {
      return (key.first * 0x9E3779B97F4A7C15ULL) ^ (key.second * 0xC2B2AE3D27D4EB4FULL >> 7);
    }
  };
  struct Kept {
    Key key;
    std::shared_ptr<const Page> page;
  };
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Kept> order_;  // newest first
  std::unordered_map<Key, typename std::list<Kept>::iterator, HashOfKey> by_key_;
};

}  // namespace nines::storage
