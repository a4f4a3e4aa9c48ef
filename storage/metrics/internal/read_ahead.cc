#include "storage/metrics/internal/read_ahead.h"

#include <utility>

namespace nines::storage {
namespace {

// A solid-state disk brings so much in the time that another of many requests takes; one with a
// limit of requests gains by more, but would read a fleet whole for one metric of it.
constexpr std::uint32_t kReadThrough = 16u << 10;

}  // namespace

// The disk is told of all pieces at once: it brings those at the end while the first are unpacked.
ReadAhead::ReadAhead(const ring::PieceReader& ring, std::vector<ring::Location> pages)
    : ring_(ring),
      pages_(std::move(pages)),
      pieces_(ring::pieces_of(pages_, {.gap = kReadThrough})) {
  for (const std::span<const ring::Location> piece : pieces_) ring_.will_read(piece);
}

void ReadAhead::help(const std::function<bool()>& stopped, const Visit& visit) {
  std::vector<std::byte> room;
  while (!stopped()) {
    const std::size_t mine = next_.fetch_add(1, std::memory_order_relaxed);
    if (mine >= pieces_.size()) return;
    ring_.read_piece(pieces_[mine], room, visit);
  }
}

}  // namespace nines::storage
