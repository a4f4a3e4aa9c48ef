// Pages of samples become windows of five minutes, these become hours, before they leave the ring.
#include <algorithm>
#include <shared_mutex>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/store_impl.h"

namespace nines::storage {
namespace {

using ring::SegmentClass;

constexpr const char* kDroppedKey = "metrics/dropped_until";
constexpr std::int64_t kLookEvery = 60'000;
constexpr Duration kFoldFor{200};  // of a tend
// A group silent for this long beyond the out-of-order window is taken to have ended.
constexpr std::int64_t kSilence = 7'200'000;

std::size_t number(Tier tier) {
  return static_cast<std::size_t>(tier);
}
SegmentClass class_of(Tier tier) {
  return tier == Tier::k5m ? SegmentClass::kT5m : SegmentClass::kT1h;
}
// What a page covers at most: 24 windows. Fewer cost more bytes each, more keep raw needed longer.
std::int64_t block(Tier tier) {
  return 24 * tier_step(tier);
}
const PageDirectory& source(const Version& version, Tier tier) {
  return version.pages[paged_class(tier == Tier::k5m ? SegmentClass::kRaw : SegmentClass::kT5m)];
}
std::int64_t rounded_down(std::int64_t time, std::int64_t step) {
  const std::int64_t up = window_end(time, step);
  return up == time ? up : up - step;
}

}  // namespace

// Hours are made of five minutes, so there are both or none.
bool StoreImpl::has_tiers() const {
  return parts_.ring.use(SegmentClass::kT5m).quota > 0 &&
         parts_.ring.use(SegmentClass::kT1h).quota > 0;
}

// Up to when no more samples of the version can come. `ended`: none at all are expected.
std::int64_t StoreImpl::settled(const Version& version, std::int64_t now, bool& ended) const {
  std::int64_t newest = version.pages[paged_class(SegmentClass::kRaw)].times().max;
  const auto group = catalog_.groups().find(version.group);
  const bool current = group != catalog_.groups().end() && group->second->current.get() == &version;
  if (current) newest = std::max(newest, group->second->newest);
  if (newest == INT64_MIN) return newest;
  const std::int64_t window = options_.out_of_order_window.count();
  ended = !current || now - newest - kSilence > window;
  std::int64_t until = ended ? newest : newest - window - 1;
  if (version.live) {
    if (const ring::TimeBounds open = version.live->bounds(); !open.empty())
      until = std::min(until, open.min - 1);
  }
  return until;
}

std::int64_t StoreImpl::due_until(const Version& version, Tier tier, std::int64_t now) const {
  bool ended = false;
  std::int64_t until = settled(version, now, ended);
  if (tier == Tier::k1h) until = std::min(until, version.tier_until[number(Tier::k5m)]);
  if (until == INT64_MIN) return until;
  return ended ? until : rounded_down(until, block(tier));
}

std::optional<StoreImpl::Fold> StoreImpl::next_fold(const std::shared_ptr<Version>& version,
                                                    Tier tier, std::int64_t limit) const {
  Fold fold;
  fold.version = version;
  fold.tier = tier;
  fold.deletions = deletions_;
  fold.after = version->tier_until[number(tier)];
  if (limit <= fold.after) return std::nullopt;
  fold.from = INT64_MAX;
  const auto look = [&](const ring::TimeBounds& times) {
    if (times.empty() || times.max <= fold.after || times.min > limit) return;
    fold.from = std::min(fold.from,
                         fold.after == INT64_MIN ? times.min : std::max(times.min, fold.after + 1));
  };
  ring::TimeBounds open;
  if (tier == Tier::k5m && version->live) open = version->live->bounds();
  look(open);
  source(*version, tier).each([&](const PageRef& page) { look(page.times); });
  if (fold.from == INT64_MAX) return std::nullopt;
  fold.to = std::min(limit, window_end(fold.from, block(tier)));
  source(*version, tier).each([&](const PageRef& page) {
    if (page.times.min <= fold.to && page.times.max >= fold.from) fold.pages.push_back(page);
  });
  // A page is one of the 64 slots it begins in, whole or a part; those in the order of writing.
  std::stable_sort(fold.pages.begin(), fold.pages.end(), [](const PageRef& a, const PageRef& b) {
    return a.slots.first / kPageSlots < b.slots.first / kPageSlots;
  });
  for (const PageRef& page : fold.pages) fold.slots = std::max(fold.slots, page.slots.end);
  fold.open = !open.empty() && open.min <= fold.to;
  if (fold.open)
    fold.slots = std::max(fold.slots, static_cast<std::uint32_t>(version->live->head.slots()));
  return fold;
}

std::vector<DeletedSpan> StoreImpl::Fold::deleted(std::uint32_t slot) const {
  if (deletions->empty()) return {};
  const std::shared_lock lock(version->layout->mutex);
  if (slot >= version->layout->index.size()) return {};
  return deletions->spans(version->labels_of(slot));
}

void StoreImpl::gather_samples(const Fold& fold, SlotRange slots, std::span<const PageRef> pages,
                               std::vector<std::vector<TierWindow>>& out) const {
  std::vector<std::pair<RingPlace, std::shared_ptr<const Page>>> open;
  for (const PageRef& ref : pages) {
    // Not through the cache, which is for queries.
    std::shared_ptr<const Page> page = cache_.get(ref.location);
    if (!page) {
      const Result<ring::OwnedFrame> frame = parts_.ring.read(ref.location);
      if (!frame) continue;
      const auto opened = Page::open(chunk::as_text(frame->payload));
      if (!opened) continue;
      page = *opened;
    }
    open.emplace_back(RingPlace::of(ref.location), std::move(page));
  }
  SampleColumns samples;
  for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
    samples.clear();
    const std::vector<DeletedSpan> deleted = fold.deleted(slot);
    for (const auto& [place, page] : open) {
      const std::size_t before = samples.size();
      if (!page->read(slot, samples)) cut_torn(samples);
      if (!deleted.empty()) erase_deleted(samples, before, place, deleted);
    }
    if (fold.open) fold.version->live->read(slot, samples);
    put_in_order(samples, fold.from, fold.to);
    fold_samples(samples, tier_step(fold.tier), out[slot - slots.first]);
  }
}

void StoreImpl::gather_windows(const Fold& fold, SlotRange slots, std::span<const PageRef> pages,
                               std::vector<std::vector<TierWindow>>& out) const {
  std::vector<std::int64_t> last(out.size(), fold.after);
  for (const PageRef& ref : pages) {
    std::size_t damaged = 0;
    const std::shared_ptr<const TierPage> page = load_tier(ref.location, damaged);
    // Whole pages only: what is made of a page is told by the end of what it covers.
    const std::int64_t until = page ? page->head().page.times.max : INT64_MIN;
    if (until > fold.to) continue;
    for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
      if (!page || until <= last[slot - slots.first]) continue;
      if (slot < page->head().page.slots.first || slot >= page->head().page.slots.end) continue;
      last[slot - slots.first] = until;
      // Damaged windows are lost, the others are not.
      std::vector<TierWindow>& windows = out[slot - slots.first];
      const std::size_t before = windows.size();
      if (!page->read(slot, windows)) continue;
      if (const std::vector<DeletedSpan> deleted = fold.deleted(slot); !deleted.empty())
        erase_deleted(windows, before, Tier::k5m, RingPlace::of(ref.location), deleted);
    }
  }
  for (std::vector<TierWindow>& windows : out) fold_windows(tier_step(fold.tier), windows);
}

std::vector<StoreImpl::FoldedPage> StoreImpl::fold_pages(const Fold& fold) const {
  std::vector<FoldedPage> out;
  const std::size_t page_max = parts_.ring.frame_max() / 4;
  std::size_t next = 0;
  for (std::uint32_t first = 0; first < fold.slots; first += kPageSlots) {
    const SlotRange slots{first, std::min(first + kPageSlots, fold.slots)};
    const std::size_t begin = next;
    while (next < fold.pages.size() && fold.pages[next].slots.first < slots.end) ++next;
    const std::span<const PageRef> pages(fold.pages.data() + begin, next - begin);
    std::vector<std::vector<TierWindow>> windows(slots.end - slots.first);
    if (fold.tier == Tier::k5m)
      gather_samples(fold, slots, pages, windows);
    else
      gather_windows(fold, slots, pages, windows);
    std::vector<SlotRange> uncut{slots};
    while (!uncut.empty()) {
      const SlotRange range = uncut.back();
      uncut.pop_back();
      const std::span<const std::vector<TierWindow>> part(
          windows.data() + (range.first - slots.first), range.end - range.first);
      if (std::all_of(part.begin(), part.end(), [](const auto& w) { return w.empty(); })) continue;
      FoldedPage page;
      page.head.tier = fold.tier;
      page.head.page.slots = range;
      page.head.page.times = {fold.from, fold.to};
      page.head.page.flushed = static_cast<std::uint64_t>(fold.to);
      encode_tier_columns(page.head, part, page.columns);
      if (page.columns.size() > page_max && range.end - range.first > 1) {
        const std::uint32_t middle = range.first + (range.end - range.first) / 2;
        uncut.push_back({middle, range.end});
        uncut.push_back({range.first, middle});
      } else {
        out.push_back(std::move(page));
      }
    }
  }
  return out;
}

Result<void> StoreImpl::write_fold(const Fold& fold, std::vector<FoldedPage>& pages) {
  PageLog& log = tiers_[number(fold.tier)];
  bool& writing = writing_[number(fold.tier)];
  const struct Reset {
    explicit Reset(bool& flag) : flag_(flag) { flag_ = true; }
    ~Reset() { flag_ = false; }
    bool& flag_;
  } reset(writing);
  // What is done is told by the newest pages: those before them are on disk first.
  if (log.unsynced(*fold.version)) {
    if (Result<void> synced = log.sync(); !synced) return synced;
  }
  for (FoldedPage& page : pages) {
    page.head.page.parts = static_cast<std::uint32_t>(pages.size());
    std::string payload;
    encode_tier_head(page.head, payload);
    payload += page.columns;
    if (Result<void> written =
            log.write(fold.version, kTierFrame, std::move(payload), page.head.page);
        !written) {
      return written;
    }
  }
  fold.version->tier_until[number(fold.tier)] = fold.to;
  return log.sync_if_due();
}

// At once, whether it is due or not.
void StoreImpl::fold_until(const std::shared_ptr<Version>& version, Tier tier, std::int64_t limit) {
  while (const auto fold = next_fold(version, tier, limit)) {
    std::vector<FoldedPage> pages = fold_pages(*fold);
    if (Result<void> written = write_fold(*fold, pages); !written) {
      parts_.log.error("storage", "the {} tier of {} lacks what is leaving: {}", to_string(tier),
                       version->group, written.error().what());
      return;
    }
  }
}

// Whatever tiers may lack something of. Looked for once a minute.
void StoreImpl::look_for_due(std::int64_t now) {
  const std::lock_guard lock(mutex_);
  forget_left();
  if (!due_.empty() || (folded_ms_ != INT64_MIN && now - folded_ms_ < kLookEvery)) return;
  folded_ms_ = now;
  note_raw();
  if (!has_tiers()) return;
  for (const auto& [name, group] : catalog_.groups()) {
    for (const std::shared_ptr<Version>& version : group->versions) {
      for (const Tier tier : {Tier::k5m, Tier::k1h}) {
        const std::int64_t have = version->tier_until[number(tier)];
        if (source(*version, tier).times().max > have) due_.emplace_back(version, tier);
      }
    }
  }
  std::reverse(due_.begin(), due_.end());  // taken from the back: hours after five minutes
}

// The next pages of a tier of one version. Reading and folding happen without the mutex: pages do
// not change. Whoever had to fold the same in between was quicker. False: nothing is due.
bool StoreImpl::fold_next(const std::shared_ptr<Version>& version, Tier tier, std::int64_t now) {
  std::optional<Fold> fold;
  {
    const std::lock_guard lock(mutex_);
    fold = next_fold(version, tier, due_until(*version, tier, now));
  }
  if (!fold || fold->open) return false;
  std::vector<FoldedPage> pages = fold_pages(*fold);
  const std::lock_guard lock(mutex_);
  if (version->tier_until[number(tier)] != fold->after || fold->deletions != deletions_)
    return true;
  if (Result<void> written = write_fold(*fold, pages); !written) {
    parts_.log.error("storage", "cannot write a page of the {} tier of {}: {}", to_string(tier),
                     version->group, written.error().what());
    return false;
  }
  return true;
}

// A part of what is due: all groups are at the same hour, and journals wait to be synced.
void StoreImpl::fold_due() {
  const std::int64_t now = to_millis(parts_.clock.now());
  look_for_due(now);
  const Instant until = parts_.clock.elapsed() + kFoldFor;
  while (!due_.empty() && parts_.clock.elapsed() < until) {
    const auto [version, tier] = due_.back();
    if (!fold_next(version, tier, now)) due_.pop_back();
  }
  const std::lock_guard lock(mutex_);
  for (PageLog& log : tiers_) {
    if (!log.unsynced()) continue;
    if (Result<void> synced = log.sync(); !synced)
      parts_.log.error("storage", "pages of tiers could not be synced: {}", synced.error().what());
  }
}

// A segment is about to be used anew, by whichever class: mostly its own, which holds the mutex.
// Who writes log lines must not wait for it.
void StoreImpl::leave(const ring::SegmentInfo& segment) {
  if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) {
    leave_now(segment);
    return;
  }
  const std::lock_guard lock(left_mutex_);
  left_.push_back(segment);
}

void StoreImpl::forget_left() {
  std::vector<ring::SegmentInfo> left;
  {
    const std::lock_guard lock(left_mutex_);
    left.swap(left_);
  }
  for (const ring::SegmentInfo& segment : left) {
    if (segment.cls == SegmentClass::kRaw) raise_dropped(segment.times);
    forget_segment(segment);
  }
}

// What is in the segment goes to the next tier first, and is there on disk. But not when it makes
// room for that very tier, which happens when shares have changed: it is old then, and was folded
// long ago.
void StoreImpl::leave_now(const ring::SegmentInfo& segment) {
  const Tier tier = segment.cls == SegmentClass::kRaw ? Tier::k5m : Tier::k1h;
  PageLog& log = tiers_[number(tier)];
  if (segment.cls != SegmentClass::kT1h && has_tiers() && !writing_[number(tier)]) {
    for (const auto& [name, group] : catalog_.groups()) {
      for (const std::shared_ptr<Version>& version : group->versions) {
        const ring::TimeBounds times = source(*version, tier).times_of(segment.generation);
        if (!times.empty()) fold_until(version, tier, times.max);
      }
    }
    if (log.unsynced()) {
      if (Result<void> synced = log.sync(); !synced) {
        parts_.log.error("storage", "pages of the {} tier could not be synced: {}", to_string(tier),
                         synced.error().what());
      }
    }
  }
  if (segment.cls == SegmentClass::kRaw) {
    raise_dropped(segment.times);
    raw_held_.erase(segment.generation);
    save_dropped();
  }
  forget_segment(segment);
}

void StoreImpl::raise_dropped(const ring::TimeBounds& times) {
  if (!times.empty()) dropped_until_ = std::max(dropped_until_.value_or(INT64_MIN), times.max);
}

// Also which segments there are: those that are not when we start again went otherwise, by a budget
// made smaller.
void StoreImpl::save_dropped() {
  std::string text;
  chunk::put_byte(text, dropped_until_ ? 1 : 0);
  chunk::put_signed(text, dropped_until_.value_or(0));
  chunk::put_varint(text, raw_held_.size());
  for (const auto& [generation, newest] : raw_held_) {
    chunk::put_varint(text, generation);
    chunk::put_signed(text, newest);
  }
  if (Result<void> kept = parts_.key_values.set_value(kDroppedKey, text); !kept)
    parts_.log.warn("storage", "not kept since when samples are held: {}", kept.error().what());
}

void StoreImpl::load_dropped() {
  const auto saved = parts_.key_values.get_value(kDroppedKey);
  if (saved && *saved) {
    const std::string text = **saved;
    chunk::ByteReader in(text);
    const bool dropped = in.byte() != 0;
    const std::int64_t until = in.signed_varint();
    if (dropped && !in.failed()) dropped_until_ = until;
    for (std::size_t n = in.count(2); n > 0; --n) {
      const std::uint64_t generation = in.varint();
      raw_held_[generation] = in.signed_varint();
    }
    if (in.failed()) raw_held_.clear();
  }
  note_raw();
}

// What is held now; what was and is not, is dropped.
void StoreImpl::note_raw() {
  std::map<std::uint64_t, std::int64_t> held;
  for (const ring::SegmentInfo& segment : parts_.ring.segments(SegmentClass::kRaw)) {
    if (!segment.times.empty()) held[segment.generation] = segment.times.max;
  }
  for (const auto& [generation, newest] : raw_held_) {
    if (held.contains(generation)) continue;
    ring::TimeBounds gone;
    gone.include(newest);
    raise_dropped(gone);
  }
  if (held == raw_held_) return;
  raw_held_.swap(held);
  save_dropped();
}

// --- a start ---

void StoreImpl::PagesSeen::add_tier(Version& version, const IndexedPage& page) {
  Together& newest = tier[&version];
  const auto to = static_cast<std::int64_t>(page.flushed);
  if (to < newest.to) return;
  if (to > newest.to) newest = {to, newest.to, page.parts, {}};
  newest.pages.push_back(page.page.location);
}

// Pages that a crash left without their fellows are made again, all of them.
void StoreImpl::recover_tier_marks(Tier tier, const PagesSeen& seen) {
  for (const auto& [version, newest] : seen.tier) {
    const bool whole = newest.pages.size() >= newest.parts;
    const std::int64_t until = whole ? newest.to : newest.before;
    version->tier_until[number(tier)] = until;
    // Whatever hours were made of has been five minutes, even where these are gone already.
    std::int64_t& finer = version->tier_until[number(Tier::k5m)];
    finer = std::max(finer, until);
    if (whole) continue;
    PageDirectory& directory = version->pages[paged_class(class_of(tier))];
    for (const ring::Location& at : newest.pages) directory.remove(at);
  }
}

}  // namespace nines::storage
