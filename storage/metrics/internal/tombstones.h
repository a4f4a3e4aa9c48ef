#pragma once
// What was deleted: which series, when, and up to which place of the ring.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "base/model/sample.h"
#include "storage/api/tier_window.h"
#include "storage/metrics/internal/group.h"
#include "storage/ring/ring.h"

namespace nines::storage {

// A place in a class of the ring; places ascend in the order of writing.
struct RingPlace {
  std::uint64_t generation = 0;
  std::uint32_t offset = 0;
  auto operator<=>(const RingPlace&) const = default;
  static RingPlace of(const ring::Location& at) { return {at.generation, at.offset}; }
};

// One for each class of pages: raw and the tiers, see paged_class().
using RingPlaces = std::array<RingPlace, kPagedClasses>;

// Of one series: samples in [from, to] that stand before `before` are deleted.
struct DeletedSpan {
  std::int64_t from = 0, to = 0;  // milliseconds
  RingPlaces before;
};

struct Tombstone {
  std::vector<std::vector<Matcher>> sets;  // series that match all of one
  std::int64_t from = 0, to = 0;
  RingPlaces before;            // pages from here on were written after the deletion
  std::int64_t created_ms = 0;  // exemplars have no place: those after it are not covered
};

// No matcher, or only such as a series without any label satisfies: nobody meant to delete that.
bool selects_all(const std::vector<Matcher>& set);

// Immutable once shared: readers keep the version they began with.
class Tombstones {
 public:
  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  void add(Tombstone one) { all_.push_back(std::move(one)); }
  // Those that cover nothing any more, when `oldest` is what the ring begins with now. True: some
  // went.
  bool drop_before(const RingPlaces& oldest);

  std::vector<DeletedSpan> spans(const LabelSet& labels) const;
  bool hides_exemplar(const LabelSet& labels, std::int64_t time_ms) const;

  std::string encode() const;
  static Result<Tombstones> decode(std::string_view text);  // kCorrupt

 private:
  std::vector<Tombstone> all_;
};

// Takes away the samples from index `begin` on, read at `place` of the raw ring, that are deleted.
void erase_deleted(SampleColumns& columns, std::size_t begin, RingPlace place,
                   const std::vector<DeletedSpan>& spans);
// Takes away the windows from index `begin` on, read at `place` of the tier's ring, that may have
// been made of deleted samples.
void erase_deleted(std::vector<TierWindow>& windows, std::size_t begin, Tier tier, RingPlace place,
                   const std::vector<DeletedSpan>& spans);

}  // namespace nines::storage
