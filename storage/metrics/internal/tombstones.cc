#include "storage/metrics/internal/tombstones.h"

#include <algorithm>
#include <span>

#include "storage/chunk/bytes.h"

namespace nines::storage {
namespace {

constexpr std::uint8_t kVersion = 1;

bool matches(const Tombstone& one, const LabelSet& labels) {
  return std::any_of(one.sets.begin(), one.sets.end(),
                     [&](const std::vector<Matcher>& set) { return matches_all(set, labels); });
}

template <typename T, typename Gone>
void erase_marked(std::vector<T>& column, std::size_t size, std::size_t begin, const Gone& gone) {
  if (column.empty()) return;  // histograms and start times: none at all
  column.resize(size);
  std::size_t kept = begin;
  for (std::size_t i = begin; i < size; ++i) {
    if (gone[i - begin]) continue;
    if (kept != i) column[kept] = std::move(column[i]);
    ++kept;
  }
  column.resize(kept);
}

}  // namespace

bool selects_all(const std::vector<Matcher>& set) {
  return std::all_of(set.begin(), set.end(), [](const Matcher& m) { return m.matches_empty(); });
}

bool Tombstones::drop_before(const RingPlaces& oldest) {
  return std::erase_if(all_, [&](const Tombstone& one) {
           return std::equal(one.before.begin(), one.before.end(), oldest.begin(),
                             [](const RingPlace& a, const RingPlace& b) { return a <= b; });
         }) > 0;
}

std::vector<DeletedSpan> Tombstones::spans(const LabelSet& labels) const {
  std::vector<DeletedSpan> out;
  for (const Tombstone& one : all_) {
    if (matches(one, labels)) out.push_back({one.from, one.to, one.before});
  }
  return out;
}

bool Tombstones::hides_exemplar(const LabelSet& labels, std::int64_t time_ms) const {
  return std::any_of(all_.begin(), all_.end(), [&](const Tombstone& one) {
    return time_ms >= one.from && time_ms <= std::min(one.to, one.created_ms) &&
           matches(one, labels);
  });
}

std::string Tombstones::encode() const {
  std::string out;
  chunk::put_byte(out, kVersion);
  chunk::put_varint(out, all_.size());
  for (const Tombstone& one : all_) {
    chunk::put_varint(out, one.sets.size());
    for (const std::vector<Matcher>& set : one.sets) {
      chunk::put_varint(out, set.size());
      for (const Matcher& matcher : set) {
        chunk::put_byte(out, static_cast<std::uint8_t>(matcher.op()));
        chunk::put_text(out, matcher.name());
        chunk::put_text(out, matcher.value());
      }
    }
    chunk::put_signed(out, one.from);
    chunk::put_signed(out, one.to);
    for (const RingPlace& place : one.before) {
      chunk::put_varint(out, place.generation);
      chunk::put_varint(out, place.offset);
    }
    chunk::put_signed(out, one.created_ms);
  }
  return out;
}

Result<Tombstones> Tombstones::decode(std::string_view text) {
  const auto damaged = [] {
    return Error(ErrorCode::kCorrupt, "the list of deletions is damaged");
  };
  Tombstones out;
  if (text.empty()) return out;
  chunk::ByteReader in(text);
  if (in.byte() != kVersion) return damaged();
  const std::size_t count = in.count();
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    Tombstone one;
    const std::size_t sets = in.count();
    for (std::size_t s = 0; s < sets && !in.failed(); ++s) {
      std::vector<Matcher> set;
      const std::size_t matchers = in.count();
      for (std::size_t m = 0; m < matchers && !in.failed(); ++m) {
        const std::uint8_t op = in.byte();
        std::string name(in.text());
        std::string value(in.text());
        if (in.failed() || op > static_cast<std::uint8_t>(MatchOp::kNotRegex)) return damaged();
        auto matcher = Matcher::make(static_cast<MatchOp>(op), std::move(name), std::move(value));
        if (!matcher) return damaged();
        set.push_back(*std::move(matcher));
      }
      if (selects_all(set)) return damaged();
      one.sets.push_back(std::move(set));
    }
    one.from = in.signed_varint();
    one.to = in.signed_varint();
    for (RingPlace& place : one.before) {
      place.generation = in.varint();
      const std::uint64_t offset = in.varint();
      if (offset > UINT32_MAX) return damaged();
      place.offset = static_cast<std::uint32_t>(offset);
    }
    one.created_ms = in.signed_varint();
    out.all_.push_back(std::move(one));
  }
  if (in.failed() || in.left() > 0) return damaged();
  return out;
}

void erase_deleted(SampleColumns& columns, std::size_t begin, RingPlace place,
                   const std::vector<DeletedSpan>& spans) {
  const std::size_t size = columns.size();
  std::vector<bool> gone(size - begin);
  bool any = false;
  for (std::size_t i = begin; i < size; ++i) {
    const std::int64_t time = columns.times[i];
    gone[i - begin] = std::any_of(spans.begin(), spans.end(), [&](const DeletedSpan& span) {
      return time >= span.from && time <= span.to &&
             place < span.before[paged_class(ring::SegmentClass::kRaw)];
    });
    any = any || gone[i - begin];
  }
  if (!any) return;
  erase_marked(columns.values, size, begin, gone);
  erase_marked(columns.histograms, size, begin, gone);
  erase_marked(columns.start_times, size, begin, gone);
  erase_marked(columns.times, size, begin, gone);
}

void erase_deleted(std::vector<TierWindow>& windows, std::size_t begin, Tier tier, RingPlace place,
                   const std::vector<DeletedSpan>& spans) {
  const std::size_t cls =
      paged_class(tier == Tier::k5m ? ring::SegmentClass::kT5m : ring::SegmentClass::kT1h);
  const auto hidden = [&](const TierWindow& window) {
    return std::any_of(spans.begin(), spans.end(), [&](const DeletedSpan& span) {
      return span.from <= window.end && span.to > window.end - tier_step(tier) &&
             place < span.before[cls];
    });
  };
  windows.erase(
      std::remove_if(windows.begin() + static_cast<std::ptrdiff_t>(begin), windows.end(), hidden),
      windows.end());
}

}  // namespace nines::storage
