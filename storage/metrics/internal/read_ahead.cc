#include "storage/metrics/internal/read_ahead.h"

#include <utility>

namespace nines::storage {

// The disk is told of all pieces at once: it brings those at the end while the first are unpacked.
ReadAhead::ReadAhead(const ring::PieceReader& ring, std::vector<ring::Location> pages)
    : ring_(ring), pages_(std::move(pages)), pieces_(ring::pieces_of(pages_)) {
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
