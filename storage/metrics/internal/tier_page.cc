#include "storage/metrics/internal/tier_page.h"

#include <algorithm>
#include <bit>

#include "storage/chunk/column.h"
#include "storage/metrics/internal/compress.h"

namespace nines::storage {
namespace {

using chunk::ByteReader;

// The first byte of a slot's column: what follows, in this order.
constexpr std::uint8_t kGaps = 1;       // a bitmap: the windows that have floats; else all have
constexpr std::uint8_t kOdd = 2;        // bitmaps: windows that ended, windows with histograms
constexpr std::uint8_t kOwnCounts = 4;  // counts and times of its own
constexpr std::uint8_t kStarts = 8;     // start times
constexpr std::uint8_t kResets = 16;    // resets and corrections
constexpr std::uint8_t kConstant = 32;  // one value a window, whose sum is count * value
constexpr std::uint8_t kRising = 64;    // the least is the first and the most the last

Error damaged() {
  return Error(ErrorCode::kCorrupt, "tier page: its bytes make no sense");
}

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

template <typename Has>
void put_bitmap(std::string& out, std::size_t size, Has&& has) {
  const std::size_t begin = out.size();
  out.resize(begin + (size + 7) / 8);
  for (std::size_t i = 0; i < size; ++i) {
    if (has(i)) out[begin + i / 8] = static_cast<char>(out[begin + i / 8] | 1 << (i % 8));
  }
}
bool bit_at(std::string_view bitmap, std::size_t i) {
  return ((static_cast<unsigned char>(bitmap[i / 8]) >> (i % 8)) & 1) != 0;
}

// What most slots of a page agree on, window by window.
struct Shared {
  std::int64_t count = 0;
  std::int64_t first = 0;  // first sample less the window's beginning
  std::int64_t last = 0;   // the window's end less the last sample
  bool operator==(const Shared&) const = default;
};
Shared shared_of(const TierWindow& w, std::int64_t step) {
  return {w.count, w.first_time - (w.end - step), w.end - w.last_time};
}

// By Boyer's and Moore's vote: what more than half of them have, if anything.
std::vector<Shared> agree(std::span<const std::vector<TierWindow>> slots, std::int64_t first_end,
                          std::size_t size, std::int64_t step) {
  std::vector<Shared> out(size);
  std::vector<std::uint32_t> votes(size);
  for (const std::vector<TierWindow>& windows : slots) {
    for (const TierWindow& w : windows) {
      if (w.count == 0) continue;
      const auto at = static_cast<std::size_t>((w.end - first_end) / step);
      const Shared mine = shared_of(w, step);
      if (votes[at] == 0) out[at] = mine;
      votes[at] += out[at] == mine ? 1U : UINT32_MAX;
    }
  }
  return out;
}

class SlotEncoder {
 public:
  SlotEncoder(const std::vector<Shared>& shared, std::int64_t first_end, std::int64_t step)
      : shared_(shared), first_end_(first_end), step_(step) {}

  void put(const std::vector<TierWindow>& windows, std::string& out) {
    if (windows.empty()) return;
    gather(windows);
    std::uint8_t kind = 0;
    const auto any = [&](auto&& test) { return std::any_of(floats_.begin(), floats_.end(), test); };
    const auto all = [&](auto&& test) { return std::all_of(floats_.begin(), floats_.end(), test); };
    if (floats_.size() < shared_.size()) kind |= kGaps;
    if (std::any_of(windows.begin(), windows.end(),
                    [](const TierWindow& w) { return w.ended || w.histograms; })) {
      kind |= kOdd;
    }
    if (any([&](const TierWindow* w) { return shared_of(*w, step_) != shared_[place(*w)]; }))
      kind |= kOwnCounts;
    if (any([](const TierWindow* w) { return w->first_start != 0 || w->last_start != 0; }))
      kind |= kStarts;
    if (any([](const TierWindow* w) { return w->resets != 0 || !same(w->correction, 0); }))
      kind |= kResets;
    if (all([](const TierWindow* w) { return same(w->min, w->first) && same(w->max, w->last); })) {
      kind |= kRising;
      if (all([](const TierWindow* w) {
            return same(w->first, w->last) && same(w->sum, w->count * w->last);
          })) {
        kind |= kConstant;
      }
    }
    chunk::put_byte(out, kind);
    put_columns(kind, windows, out);
  }

 private:
  std::size_t place(const TierWindow& w) const {
    return static_cast<std::size_t>((w.end - first_end_) / step_);
  }
  void gather(const std::vector<TierWindow>& windows) {
    floats_.clear();
    for (const TierWindow& w : windows) {
      if (w.count > 0) floats_.push_back(&w);
    }
  }
  template <typename Get>
  void integers(std::string& out, Get&& get) {
    integers_.clear();
    for (const TierWindow* w : floats_) integers_.push_back(get(*w));
    chunk::encode_integers(integers_, out);
  }
  template <typename Get>
  void values(std::string& out, Get&& get) {
    values_.clear();
    for (const TierWindow* w : floats_) values_.push_back(get(*w));
    chunk::encode_values(values_, out);
  }
  template <typename Test>
  void bitmap(const std::vector<TierWindow>& windows, std::string& out, Test&& test) {
    std::vector<bool> set(shared_.size());
    for (const TierWindow& w : windows) set[place(w)] = test(w);
    put_bitmap(out, set.size(), [&](std::size_t i) { return set[i]; });
  }

  void put_columns(std::uint8_t kind, const std::vector<TierWindow>& windows, std::string& out) {
    if ((kind & kGaps) != 0) bitmap(windows, out, [](const TierWindow& w) { return w.count > 0; });
    if ((kind & kOdd) != 0) {
      bitmap(windows, out, [](const TierWindow& w) { return w.ended; });
      bitmap(windows, out, [](const TierWindow& w) { return w.histograms; });
    }
    if (floats_.empty()) return;
    if ((kind & kOwnCounts) != 0) {
      integers(out, [&](const TierWindow& w) { return shared_of(w, step_).count; });
      integers(out, [&](const TierWindow& w) { return shared_of(w, step_).first; });
      integers(out, [&](const TierWindow& w) { return shared_of(w, step_).last; });
    }
    if ((kind & kStarts) != 0) {
      const auto age = [](std::int64_t time, std::int64_t start) {  // wraps
        return start == 0 ? 0
                          : static_cast<std::int64_t>(static_cast<std::uint64_t>(time) -
                                                      static_cast<std::uint64_t>(start));
      };
      integers(out, [&](const TierWindow& w) { return age(w.first_time, w.first_start); });
      integers(out, [&](const TierWindow& w) { return age(w.last_time, w.last_start); });
    }
    if ((kind & kResets) != 0) {
      integers(out, [](const TierWindow& w) { return std::int64_t{w.resets}; });
      values(out, [](const TierWindow& w) { return w.correction; });
    }
    if ((kind & kConstant) != 0) return values(out, [](const TierWindow& w) { return w.last; });
    // One column of what lies close together costs less than one each.
    values_.clear();
    for (const TierWindow* w : floats_) {
      values_.push_back(w->first);
      if ((kind & kRising) == 0) values_.insert(values_.end(), {w->min, w->max});
      values_.push_back(w->last);
    }
    chunk::encode_values(values_, out);
    values(out, [](const TierWindow& w) { return w.sum; });
  }

  const std::vector<Shared>& shared_;
  const std::int64_t first_end_;
  const std::int64_t step_;
  std::vector<const TierWindow*> floats_;
  std::vector<std::int64_t> integers_;
  std::vector<double> values_;
};

Result<TierPageHead> get_head(ByteReader& in) {
  TierPageHead head;
  const std::uint8_t tier = in.byte();
  if (in.failed() || tier >= kTiers) return damaged();
  head.tier = static_cast<Tier>(tier);
  NINES_TRY(head.page, decode_page_head(in));
  if (head.page.times.max < head.page.times.min) return damaged();
  return head;
}

}  // namespace

void encode_tier_head(const TierPageHead& head, std::string& out) {
  chunk::put_byte(out, static_cast<std::uint8_t>(head.tier));
  encode_page_head(head.page, out);
}

void encode_tier_columns(TierPageHead& head, std::span<const std::vector<TierWindow>> windows,
                         std::string& out) {
  const std::int64_t step = tier_step(head.tier);
  std::int64_t first_end = INT64_MAX;
  std::int64_t last_end = INT64_MIN;
  head.page.present = 0;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const std::vector<TierWindow>& slot = windows[i];
    if (slot.empty()) continue;
    head.page.present |= std::uint64_t{1} << i;
    first_end = std::min(first_end, slot.front().end);
    last_end = std::max(last_end, slot.back().end);
  }
  const auto size = static_cast<std::size_t>((last_end - first_end) / step + 1);
  const std::vector<Shared> shared = agree(windows, first_end, size, step);
  std::string body;
  chunk::put_varint(body, size);
  chunk::put_signed(body, first_end / step);
  std::vector<std::int64_t> column(size);
  for (const auto member : {&Shared::count, &Shared::first, &Shared::last}) {
    for (std::size_t i = 0; i < size; ++i) column[i] = shared[i].*member;
    chunk::encode_integers(column, body);
  }
  SlotEncoder slots(shared, first_end, step);
  std::string columns;
  for (const std::vector<TierWindow>& slot : windows) {
    const std::size_t begin = columns.size();
    slots.put(slot, columns);
    chunk::put_varint(body, columns.size() - begin);
  }
  put_packed(out, body + columns);
}

Result<TierPageHead> decode_tier_head(std::string_view payload) {
  ByteReader in(payload);
  return get_head(in);
}

Result<std::shared_ptr<const TierPage>> TierPage::open(std::string_view payload) {
  auto page = std::make_shared<TierPage>();
  ByteReader in(payload);
  NINES_TRY(page->head_, get_head(in));
  NINES_TRY(page->bytes_, unpack(in.raw(in.left())));
  ByteReader body(page->bytes_);
  const std::uint64_t size = body.varint();
  const std::int64_t first = body.signed_varint();
  constexpr std::int64_t kFarthest = INT64_MAX / 4 / 3'600'000;  // in steps of either tier
  if (body.failed() || size == 0 || size > kTierWindowsMax || first > kFarthest ||
      first < -kFarthest) {
    return damaged();
  }
  page->first_end_ = first * tier_step(page->head_.tier);
  for (std::vector<std::int64_t>* column : {&page->counts_, &page->firsts_, &page->lasts_}) {
    if (Result<void> read = chunk::decode_integers(body, size, *column); !read)
      return std::move(read).error();
  }
  const std::uint32_t slots = page->head_.page.slots.end - page->head_.page.slots.first;
  page->places_.reserve(slots + 1);
  std::uint64_t place = 0;
  for (std::uint32_t i = 0; i <= slots; ++i) {
    if (place > page->bytes_.size()) return damaged();
    page->places_.push_back(static_cast<std::uint32_t>(place));
    if (i < slots) place += body.varint();
  }
  const std::size_t lengths = page->bytes_.size() - body.left();
  if (body.failed() || page->places_.back() != body.left()) return damaged();
  for (std::uint32_t& at : page->places_) at += static_cast<std::uint32_t>(lengths);
  return std::shared_ptr<const TierPage>(std::move(page));
}

namespace {

// The columns of one slot, read in the order they were put.
class SlotDecoder {
 public:
  SlotDecoder(ByteReader& in, std::size_t windows) : in_(in), kind_(in.byte()), size_(windows) {}

  // Reads everything but the shared counts into `floats`; `has` says which windows they are.
  Result<void> read(std::vector<TierWindow>& out, std::span<const std::int64_t> counts,
                    std::span<const std::int64_t> firsts, std::span<const std::int64_t> lasts,
                    std::int64_t first_end, std::int64_t step) {
    const std::size_t bitmap = (size_ + 7) / 8;
    const std::string_view has = on(kGaps) ? in_.raw(bitmap) : std::string_view();
    const std::string_view ended = on(kOdd) ? in_.raw(bitmap) : std::string_view();
    const std::string_view histograms = on(kOdd) ? in_.raw(bitmap) : std::string_view();
    if (in_.failed() || (kind_ & 0x80) != 0) return damaged();
    for (std::size_t i = 0; i < size_; ++i) {
      TierWindow w;
      w.end = first_end + static_cast<std::int64_t>(i) * step;
      w.ended = !ended.empty() && bit_at(ended, i);
      w.histograms = !histograms.empty() && bit_at(histograms, i);
      const bool floats = has.empty() || bit_at(has, i);
      if (!floats && !w.ended && !w.histograms) continue;
      if (floats) {
        places_.push_back(i);
        rows_.push_back(out.size());
      }
      out.push_back(w);
    }
    if (rows_.empty()) return {};
    return read_floats(out, counts, firsts, lasts, step);
  }

 private:
  bool on(std::uint8_t flag) const { return (kind_ & flag) != 0; }
  Result<void> integers(std::vector<std::int64_t>& column) {
    column.resize(rows_.size());
    return chunk::decode_integers(in_, rows_.size(), column.data());
  }
  template <typename Set>
  Result<void> each_integer(Set&& set) {
    if (Result<void> read = integers(integers_); !read) return read;
    for (std::size_t i = 0; i < rows_.size(); ++i) set(i, integers_[i]);
    return {};
  }
  template <typename Set>
  Result<void> each_value(Set&& set) {
    values_.resize(rows_.size());
    if (Result<void> read = chunk::decode_values(in_, rows_.size(), values_.data()); !read)
      return read;
    for (std::size_t i = 0; i < rows_.size(); ++i) set(i, values_[i]);
    return {};
  }

  Result<void> read_counts(std::vector<TierWindow>& out, std::span<const std::int64_t> counts,
                           std::span<const std::int64_t> firsts,
                           std::span<const std::int64_t> lasts, std::int64_t step) {
    std::vector<std::int64_t> own_counts, own_firsts, own_lasts;
    if (on(kOwnCounts)) {
      for (auto* column : {&own_counts, &own_firsts, &own_lasts}) {
        if (Result<void> read = integers(*column); !read) return read;
      }
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      TierWindow& w = out[rows_[i]];
      const std::size_t at = places_[i];
      const std::int64_t count = on(kOwnCounts) ? own_counts[i] : counts[at];
      const std::int64_t first = on(kOwnCounts) ? own_firsts[i] : firsts[at];
      const std::int64_t last = on(kOwnCounts) ? own_lasts[i] : lasts[at];
      if (count <= 0 || count > UINT32_MAX || first <= 0 || first > step || last < 0 ||
          first + last > step) {
        return damaged();
      }
      w.count = static_cast<std::uint32_t>(count);
      w.first_time = w.end - step + first;
      w.last_time = w.end - last;
    }
    return {};
  }

  Result<void> read_floats(std::vector<TierWindow>& out, std::span<const std::int64_t> counts,
                           std::span<const std::int64_t> firsts,
                           std::span<const std::int64_t> lasts, std::int64_t step) {
    const auto row = [&](std::size_t i) -> TierWindow& { return out[rows_[i]]; };
    Result<void> read = read_counts(out, counts, firsts, lasts, step);
    if (read && on(kStarts)) {
      const auto start = [](std::int64_t time, std::int64_t age) {
        return age == 0 ? 0
                        : static_cast<std::int64_t>(static_cast<std::uint64_t>(time) -
                                                    static_cast<std::uint64_t>(age));
      };
      read = each_integer(
          [&](std::size_t i, std::int64_t v) { row(i).first_start = start(row(i).first_time, v); });
      if (read) {
        read = each_integer(
            [&](std::size_t i, std::int64_t v) { row(i).last_start = start(row(i).last_time, v); });
      }
    }
    if (read && on(kResets)) {
      bool sane = true;
      read = each_integer([&](std::size_t i, std::int64_t v) {
        sane = sane && v >= 0 && v <= UINT32_MAX;
        row(i).resets = static_cast<std::uint32_t>(v);
      });
      if (!sane) return damaged();
      if (read) read = each_value([&](std::size_t i, double v) { row(i).correction = v; });
    }
    if (!read) return read;
    if (on(kConstant)) {
      return each_value([&](std::size_t i, double v) {
        TierWindow& w = row(i);
        w.first = w.min = w.max = w.last = v;
        w.sum = w.count * v;
      });
    }
    const std::size_t each = on(kRising) ? 2 : 4;
    values_.resize(rows_.size() * each);
    if (read = chunk::decode_values(in_, values_.size(), values_.data()); !read) return read;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      TierWindow& w = row(i);
      const double* const v = &values_[i * each];
      w.first = v[0];
      w.last = v[each - 1];
      w.min = on(kRising) ? w.first : v[1];
      w.max = on(kRising) ? w.last : v[2];
    }
    return each_value([&](std::size_t i, double v) { row(i).sum = v; });
  }

  ByteReader& in_;
  const std::uint8_t kind_;
  const std::size_t size_;
  std::vector<std::size_t> places_, rows_;  // windows with floats: in the page, in the answer
  std::vector<std::int64_t> integers_;
  std::vector<double> values_;
};

}  // namespace

Result<void> TierPage::read(std::uint32_t slot, std::vector<TierWindow>& out) const {
  const SlotRange slots = head_.page.slots;
  if (slot < slots.first || slot >= slots.end) return {};
  const std::uint32_t begin = places_[slot - slots.first];
  const std::uint32_t end = places_[slot - slots.first + 1];
  if (begin == end) return {};
  ByteReader in(std::string_view(bytes_).substr(begin, end - begin));
  const std::size_t was = out.size();
  SlotDecoder decoder(in, counts_.size());
  Result<void> read =
      decoder.read(out, counts_, firsts_, lasts_, first_end_, tier_step(head_.tier));
  if (read && (in.failed() || in.left() != 0)) read = damaged();
  if (!read) out.resize(was);
  return read;
}

}  // namespace nines::storage
