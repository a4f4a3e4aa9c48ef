#include "collector/send/internal/pieces.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace nines::collector {
namespace {

// Up to here trying every sample by itself costs little.
constexpr std::size_t kHalvedAlways = 16;

bool same_instant(const SendItem& a, const SendItem& b) {
  return a.time_ms == b.time_ms && a.unit == b.unit;
}

// The end of the instant that begins at `at`.
std::size_t instant_end(const SendItems& items, std::size_t at) {
  std::size_t end = at + 1;
  while (end < items.size() && same_instant(items[at], items[end])) ++end;
  return end;
}

SendPiece take(SendItems& items, std::size_t from, std::size_t to, bool may_repeat, bool cut) {
  SendPiece piece;
  piece.items.assign(std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(from)),
                     std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(to)));
  piece.may_repeat = may_repeat;
  piece.cut = cut;
  return piece;
}

std::vector<SendPiece> cut_lane(SendItems items, std::size_t samples_max, bool may_repeat) {
  std::vector<SendPiece> pieces;
  std::size_t from = 0;
  std::size_t to = 0;
  while (from < items.size()) {
    const std::size_t end = to < items.size() ? instant_end(items, to) : to;
    if (to < items.size() && end - from <= samples_max) {
      to = end;
      continue;
    }
    if (to > from) {
      pieces.push_back(take(items, from, to, may_repeat, false));
      from = to;
      continue;
    }
    for (; from < end; from += std::min(samples_max, end - from)) {
      const std::size_t part = std::min(samples_max, end - from);
      pieces.push_back(take(items, from, from + part, may_repeat, true));
    }
    to = from = end;
  }
  return pieces;
}

}  // namespace

std::vector<std::vector<SendPiece>> cut_into_lanes(SendItems items, std::size_t lanes,
                                                   std::size_t samples_max, bool may_repeat) {
  const std::size_t needed = (items.size() + samples_max - 1) / samples_max;
  const std::size_t count = std::clamp<std::size_t>(needed, 1, std::max<std::size_t>(1, lanes));
  std::vector<SendItems> by_lane(count);
  for (SendItem& item : items) by_lane[item.unit % count].push_back(std::move(item));
  std::vector<std::vector<SendPiece>> out;
  for (SendItems& lane : by_lane) {
    if (!lane.empty()) out.push_back(cut_lane(std::move(lane), samples_max, may_repeat));
  }
  return out;
}

std::vector<SendPiece> split_refused(SendPiece piece) {
  std::vector<SendPiece> parts;
  SendItems& items = piece.items;
  if (items.size() < 2) return parts;
  if (instant_end(items, 0) < items.size()) {
    for (std::size_t from = 0; from < items.size();) {
      const std::size_t end = instant_end(items, from);
      parts.push_back(take(items, from, end, true, piece.cut));
      from = end;
    }
    return parts;
  }
  if (items.size() > kHalvedAlways && !piece.cut) return parts;
  const std::size_t middle = items.size() / 2;
  const std::size_t size = items.size();
  parts.push_back(take(items, 0, middle, true, true));
  parts.push_back(take(items, middle, size, true, true));
  return parts;
}

}  // namespace nines::collector
