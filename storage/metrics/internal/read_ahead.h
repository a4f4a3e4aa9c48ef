#pragma once
// Pages that are read soon, brought in the order they lie in by few large reads.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "storage/ring/pieces.h"

namespace nines::storage {

// Threads that read the same selection share one: each takes the next piece until none is left, so
// that nobody waits for another who unpacks. Begin it before anybody helps.
class ReadAhead {
 public:
  using Visit = std::function<void(const ring::Frame&)>;

  ReadAhead(const ring::PieceReader& ring, std::vector<ring::Location> pages);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  // Visits each page of the pieces that it takes, unless `stopped` says true before.
  void help(const std::function<bool()>& stopped, const Visit& visit);

 private:
  const ring::PieceReader& ring_;
  std::vector<ring::Location> pages_;
  const std::vector<std::span<const ring::Location>> pieces_;  // of pages_
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace nines::storage
