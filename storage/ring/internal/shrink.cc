#include "storage/ring/internal/shrink.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "storage/ring/internal/quotas.h"
#include "storage/ring/internal/segment_headers.h"

namespace nines::storage::ring {
namespace {

constexpr std::size_t kNoClass = kSegmentClasses;

// The class whose oldest segment goes next; `left`: how many each still has.
std::size_t class_to_cut(const Quotas& left, const Quotas& quotas) {
  std::size_t best = kNoClass;
  std::uint32_t most_over = 0;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (is_journal(static_cast<SegmentClass>(i)) || left[i] <= quotas[i]) continue;
    if (left[i] - quotas[i] > most_over) {
      most_over = left[i] - quotas[i];
      best = i;
    }
  }
  if (best != kNoClass) return best;
  // Only journals are above their share: what is in pages and blocks makes room for them.
  for (const bool journals : {false, true}) {
    for (std::size_t i = 0; i < kSegmentClasses; ++i) {
      if (is_journal(static_cast<SegmentClass>(i)) != journals || left[i] < 2) continue;
      if (best == kNoClass || left[i] > left[best]) best = i;
    }
    if (best != kNoClass) return best;
  }
  return kNoClass;
}

}  // namespace

ShrinkPlan plan_shrink(const std::vector<HeldSegment>& held, const Parts& parts,
                       std::uint32_t segments) {
  std::array<std::vector<const HeldSegment*>, kSegmentClasses> by_class;
  Quotas left{};
  const HeldSegment* newest = nullptr;
  for (const HeldSegment& segment : held) {
    if (!newest || segment.generation > newest->generation) newest = &segment;
    if (!segment.live) continue;
    by_class[static_cast<std::size_t>(segment.cls)].push_back(&segment);
    ++left[static_cast<std::size_t>(segment.cls)];
  }
  const auto older = [](const HeldSegment* a, const HeldSegment* b) {
    return a->generation < b->generation;
  };
  for (auto& all : by_class) std::sort(all.begin(), all.end(), older);

  std::set<const HeldSegment*> kept;
  for (const auto& all : by_class) kept.insert(all.begin(), all.end());
  if (newest && newest->generation > 0) kept.insert(newest);
  const Quotas quotas = share_out(parts, segments);
  std::vector<const HeldSegment*> victims;
  while (kept.size() > segments) {
    const std::size_t cls = class_to_cut(left, quotas);
    if (cls == kNoClass) break;
    const HeldSegment* oldest = by_class[cls][by_class[cls].size() - left[cls]];
    --left[cls];
    kept.erase(oldest);
    victims.push_back(oldest);
  }
  std::sort(victims.begin(), victims.end(), older);
  // Free ones fill up: first those that can stay where they are.
  for (const bool low : {true, false}) {
    for (const HeldSegment& segment : held) {
      if (kept.size() >= segments) break;
      if (!segment.live && (segment.number < segments) == low) kept.insert(&segment);
    }
  }

  ShrinkPlan plan;
  for (const HeldSegment* victim : victims) plan.given_up.push_back(victim->number);
  std::set<std::uint32_t> open_places;
  for (std::uint32_t i = 0; i < segments; ++i) open_places.insert(i);
  for (const HeldSegment* segment : kept) open_places.erase(segment->number);
  // Movers take the victims' places from the oldest on, then those of free segments.
  std::vector<std::uint32_t> places;
  for (const HeldSegment* victim : victims) {
    if (open_places.erase(victim->number) > 0) places.push_back(victim->number);
  }
  places.insert(places.end(), open_places.begin(), open_places.end());
  std::size_t next_place = 0;
  for (const HeldSegment& segment : held) {
    if (kept.contains(&segment) && segment.number >= segments && next_place < places.size())
      plan.moves.push_back({segment.number, places[next_place++]});
  }
  std::set<std::uint32_t> gone_otherwise;
  for (const ShrinkPlan::Move& move : plan.moves) gone_otherwise.insert({move.from, move.to});
  const auto remove = [&](const HeldSegment& segment) {
    if (!kept.contains(&segment) && gone_otherwise.insert(segment.number).second)
      plan.removed.push_back(segment.number);
  };
  for (const HeldSegment* victim : victims) remove(*victim);
  for (const HeldSegment& segment : held) remove(segment);
  return plan;
}

Result<std::string> shrink_files(Fs& fs, const std::string& folder, const Super& super,
                                 const Parts& parts, std::uint32_t segments) {
  const auto path = [&](std::uint32_t i) { return folder + "/" + segment_name(i); };
  std::vector<HeldSegment> held;
  for (std::uint32_t i = 0; i < super.segments; ++i) {
    Segment segment;
    auto file = fs.open(path(i), OpenMode::kRead);
    if (!file) {
      if (file.error().code() != ErrorCode::kNotFound) return std::move(file).error();
      continue;  // a shrinking that was cut short has removed it
    }
    segment.file = *std::move(file);
    std::vector<std::string> damage;  // told when the ring is opened afterwards
    if (auto read = read_segment_headers(super.uuid, segment_name(i), segment, damage); !read)
      return std::move(read).error();
    held.push_back({i, segment.live, segment.cls, segment.generation});
  }
  const ShrinkPlan plan = plan_shrink(held, parts, segments);
  std::array<std::uint32_t, kSegmentClasses> given_up{};
  for (const HeldSegment& segment : held) {
    if (std::count(plan.given_up.begin(), plan.given_up.end(), segment.number) > 0)
      ++given_up[static_cast<std::size_t>(segment.cls)];
  }
  for (const ShrinkPlan::Move& move : plan.moves) {
    if (auto moved = fs.rename(path(move.from), path(move.to)); !moved)
      return std::move(moved).error();
  }
  for (const std::uint32_t i : plan.removed) {
    if (auto removed = fs.remove(path(i)); !removed) return std::move(removed).error();
  }
  if (auto synced = fs.sync_dir(folder); !synced) return std::move(synced).error();
  std::string list;
  for (std::size_t i = 0; i < kSegmentClasses; ++i) {
    if (given_up[i] == 0) continue;
    list += fmt::format("{}{} of {}", list.empty() ? "" : ", ", given_up[i],
                        to_string(static_cast<SegmentClass>(i)));
  }
  return fmt::format(
      "the budget is smaller: from {} to {} segments of {} KiB; given up, the oldest first: {}",
      super.segments, segments, super.segment_bytes >> 10, list.empty() ? "nothing" : list);
}

}  // namespace nines::storage::ring
