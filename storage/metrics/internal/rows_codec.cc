#include "storage/metrics/internal/rows_codec.h"

#include <array>
#include <bit>
#include <cmath>

#include "storage/chunk/bytes.h"
#include "storage/chunk/column.h"

namespace nines::storage {
namespace {

using chunk::ByteReader;

enum Flags : std::uint8_t {
  kSparse = 1,  // slots as distances, else a first slot and a bitmap
  kOwnTimes = 2,
  kHistograms = 4,
  kStarts = 8,
};

// Of a slot none of whose scales fits, until the next key frame.
constexpr std::uint8_t kNoScale = 0xFF;

double as_double(std::uint64_t bits) {
  return std::bit_cast<double>(bits);
}

// Both as whole numbers of a scale, if they are.
bool in_scale(std::uint8_t packed, std::uint64_t before, std::uint64_t after, std::int64_t& b,
              std::int64_t& a) {
  chunk::Scale scale;
  return chunk::Scale::unpack(packed, scale) && scale.whole(as_double(before), b) &&
         scale.whole(as_double(after), a);
}

// The scale a slot has after it went from `before` to `after`: writer and reader find the same.
std::uint8_t next_scale(std::uint8_t now, std::uint64_t before, std::uint64_t after) {
  std::int64_t b = 0;
  std::int64_t a = 0;
  if (now == kNoScale || in_scale(now, before, after, b, a)) return now;
  const std::array<double, 2> values = {as_double(before), as_double(after)};
  chunk::Scale scale;
  return chunk::find_scale(values, scale) ? scale.packed() : kNoScale;
}

// The same of scale 0, which is that of most: where both are whole numbers themselves.
bool both_whole(std::uint64_t before, std::uint64_t after, std::int64_t& b, std::int64_t& a) {
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  const auto whole = [](std::uint64_t bits, std::int64_t& out) {
    const double v = as_double(bits);
    if (!(std::fabs(v) < kExactMax)) return false;
    out = static_cast<std::int64_t>(v);
    return std::bit_cast<std::uint64_t>(static_cast<double>(out)) == bits;
  };
  return whole(before, b) && whole(after, a);
}

// A value as its change. An even varint is a difference of whole numbers of the slot's scale; one
// with 3 in its low bits another scale, and the difference behind it; one with 1 says which bytes
// of the bits changed. `scale` becomes what next_scale() says.
void put_change(std::uint8_t& scale, std::uint64_t before, std::uint64_t after, std::string& out) {
  std::int64_t b = 0;
  std::int64_t a = 0;
  if (scale == 0 ? both_whole(before, after, b, a) : in_scale(scale, before, after, b, a)) {
    chunk::put_varint(out, chunk::zigzag(a - b) << 1);
    return;
  }
  scale = next_scale(scale, before, after);
  if (in_scale(scale, before, after, b, a)) {
    chunk::put_varint(out, std::uint64_t{scale} << 2 | 3);
    chunk::put_signed(out, a - b);
    return;
  }
  const std::uint64_t change = before ^ after;
  const unsigned low = change == 0 ? 0 : static_cast<unsigned>(std::countr_zero(change)) / 8;
  const unsigned length =
      change == 0 ? 0 : 8 - low - static_cast<unsigned>(std::countl_zero(change)) / 8;
  chunk::put_varint(out, (std::uint64_t{low} << 4 | length) << 2 | 1);
  for (unsigned byte = 0; byte < length; ++byte)
    chunk::put_byte(out, static_cast<std::uint8_t>(change >> (8 * (low + byte))));
}

std::uint64_t get_change(std::uint8_t packed, std::uint64_t before, ByteReader& in) {
  const auto fail = [&] {
    in.raw(in.left() + 1);
    return std::uint64_t{0};
  };
  const std::uint64_t head = in.varint();
  if ((head & 3) != 1) {
    const bool announced = (head & 1) != 0;
    if (announced && head >> 2 > 0xFF) return fail();
    chunk::Scale scale;
    std::int64_t whole = 0;
    if (!chunk::Scale::unpack(announced ? static_cast<std::uint8_t>(head >> 2) : packed, scale) ||
        !scale.whole(as_double(before), whole)) {
      return fail();
    }
    const std::int64_t difference = announced ? in.signed_varint() : chunk::unzigzag(head >> 1);
    const auto sum = static_cast<std::uint64_t>(whole) + static_cast<std::uint64_t>(difference);
    return std::bit_cast<std::uint64_t>(scale.value(static_cast<std::int64_t>(sum)));
  }
  const std::uint64_t low = head >> 6;
  const unsigned length = static_cast<unsigned>(head >> 2) & 0x0F;
  if (low > 8 || low + length > 8) return fail();
  std::uint64_t change = 0;
  for (unsigned byte = 0; byte < length; ++byte)
    change |= std::uint64_t{in.byte()} << (8 * (low + byte));
  return before ^ change;
}

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void put(bool bit) {
    if (used_ % 8 == 0) out_.push_back('\0');
    if (bit) out_.back() = static_cast<char>(out_.back() | (1 << (used_ % 8)));
    ++used_;
  }

 private:
  std::string& out_;
  unsigned used_ = 0;
};

bool bit_at(std::string_view bitmap, std::size_t i) {
  return ((static_cast<unsigned char>(bitmap[i / 8]) >> (i % 8)) & 1) != 0;
}

std::uint64_t bits_of(const Entry& entry) {
  return entry.histogram ? 0 : std::bit_cast<std::uint64_t>(entry.value);
}

std::uint64_t before_of(const RowsState& state, std::uint32_t slot) {
  return state.next_index == 0 || slot >= state.last_bits.size() ? 0 : state.last_bits[slot];
}

std::uint8_t scale_of(const RowsState& state, std::uint32_t slot) {
  return state.next_index == 0 || slot >= state.scales.size() ? 0 : state.scales[slot];
}

void put_slots(std::span<const Entry> entries, bool sparse, std::string& out) {
  chunk::put_varint(out, entries.size());
  if (sparse) {
    std::uint32_t last = 0;
    for (const Entry& entry : entries) {
      chunk::put_varint(out, entry.slot - last);
      last = entry.slot;
    }
    return;
  }
  const std::uint32_t first = entries.front().slot;
  const std::uint32_t span = entries.back().slot - first + 1;
  chunk::put_varint(out, first);
  chunk::put_varint(out, span);
  if (span == entries.size()) return;
  BitWriter present(out);
  std::uint32_t slot = first;
  for (const Entry& entry : entries) {
    for (; slot < entry.slot; ++slot) present.put(false);
    present.put(true);
    ++slot;
  }
}

// Room for slots up to the last of `entries`; with nothing in it before a key frame.
void make_ready(RowsState& state, std::span<const Entry> entries) {
  if (state.next_index == 0) {
    state.last_bits.assign(state.last_bits.size(), 0);
    state.scales.assign(state.scales.size(), 0);
  }
  if (state.last_bits.size() <= entries.back().slot) {
    state.last_bits.resize(entries.back().slot + 1, 0);
    state.scales.resize(entries.back().slot + 1, 0);
  }
}

constexpr std::uint64_t kSlotsMax = 1u << 28;

bool get_slots(ByteReader& in, bool sparse, std::vector<Entry>& entries) {
  const std::uint64_t n = in.varint();
  if (in.failed() || n == 0 || n > kSlotsMax) return false;
  if (sparse) {
    if (n > in.left()) return false;
    std::uint64_t slot = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      slot += in.varint();
      if (slot > kSlotsMax) return false;
      entries.emplace_back().slot = static_cast<std::uint32_t>(slot);
    }
    return !in.failed();
  }
  const std::uint64_t first = in.varint();
  const std::uint64_t span = in.varint();
  if (in.failed() || first > kSlotsMax || span > kSlotsMax || span < n) return false;
  if (n / 8 > in.left()) return false;  // the bitmap of changes alone would not fit
  const std::string_view present =
      span == n ? std::string_view() : in.raw(static_cast<std::size_t>((span + 7) / 8));
  if (in.failed()) return false;
  entries.reserve(static_cast<std::size_t>(n));
  for (std::uint64_t i = 0; i < span; ++i) {
    if (span != n && !bit_at(present, static_cast<std::size_t>(i))) continue;
    entries.emplace_back().slot = static_cast<std::uint32_t>(first + i);
  }
  return entries.size() == n;
}

}  // namespace

void encode_rows(RowsState& state, std::int64_t at, std::span<const Entry> entries,
                 std::string& out) {
  std::uint8_t flags = 0;
  std::size_t own_times = 0;
  std::size_t histograms = 0;
  std::size_t starts = 0;
  for (const Entry& entry : entries) {
    if (entry.time != at) ++own_times;
    if (entry.histogram) ++histograms;
    if (entry.start != 0) ++starts;
  }
  const std::uint64_t span = entries.back().slot - entries.front().slot + 1;
  if (entries.size() * 2 < span / 8) flags |= kSparse;
  if (own_times > 0) flags |= kOwnTimes;
  if (histograms > 0) flags |= kHistograms;
  if (starts > 0) flags |= kStarts;

  chunk::put_varint(out, state.next_index);
  chunk::put_byte(out, flags);
  chunk::put_signed(out, state.next_index == 0 ? at : at - state.time);
  put_slots(entries, (flags & kSparse) != 0, out);
  make_ready(state, entries);
  const std::size_t changed = out.size();
  out.append((entries.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    std::uint64_t& last = state.last_bits[entry.slot];
    const std::uint64_t bits = bits_of(entry);
    if (bits == last) continue;
    out[changed + i / 8] = static_cast<char>(out[changed + i / 8] | 1 << i % 8);
    put_change(state.scales[entry.slot], last, bits, out);
    last = bits;
  }
  state.time = at;
  ++state.next_index;
  const auto put_some = [&](std::size_t count, auto&& wanted, auto&& put) {
    if (count == 0) return;
    chunk::put_varint(out, count);
    std::size_t last = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!wanted(entries[i])) continue;
      chunk::put_varint(out, i - last);
      last = i;
      put(entries[i]);
    }
  };
  put_some(
      own_times, [at](const Entry& e) { return e.time != at; },
      [&](const Entry& e) { chunk::put_signed(out, e.time - at); });
  put_some(
      histograms, [](const Entry& e) { return e.histogram != nullptr; },
      [&](const Entry& e) { chunk::encode_histogram(*e.histogram, out); });
  put_some(
      starts, [](const Entry& e) { return e.start != 0; },
      [&](const Entry& e) { chunk::put_signed(out, e.time - e.start); });
}

void advance(RowsState& state, std::int64_t at, std::span<const Entry> entries) {
  make_ready(state, entries);
  for (const Entry& entry : entries) {
    std::uint64_t& last = state.last_bits[entry.slot];
    const std::uint64_t bits = bits_of(entry);
    if (bits == last) continue;
    std::uint8_t& scale = state.scales[entry.slot];
    scale = next_scale(scale, last, bits);
    last = bits;
  }
  state.time = at;
  ++state.next_index;
}

bool is_key_row(std::string_view payload) {
  ByteReader in(payload);
  return in.varint() == 0 && !in.failed();
}

Result<RowsFrame> decode_rows(const RowsState& state, std::string_view payload) {
  const auto corrupt = [] { return Error(ErrorCode::kCorrupt, "ROWS frame: damaged"); };
  ByteReader in(payload);
  RowsFrame frame;
  frame.index = in.varint();
  const std::uint8_t flags = in.byte();
  if (in.failed()) return corrupt();
  if (frame.index != 0 && frame.index != state.next_index) {
    return Error(ErrorCode::kOutOfOrder, "ROWS frame: one before it is missing");
  }
  const RowsState key;
  const RowsState& base = frame.index == 0 ? key : state;
  frame.time = in.signed_varint() + base.time;
  if (!get_slots(in, (flags & kSparse) != 0, frame.entries)) return corrupt();
  const std::string_view changed = in.raw((frame.entries.size() + 7) / 8);
  if (in.failed()) return corrupt();
  for (std::size_t i = 0; i < frame.entries.size(); ++i) {
    Entry& entry = frame.entries[i];
    const std::uint64_t before = before_of(base, entry.slot);
    entry.time = frame.time;
    entry.value = std::bit_cast<double>(
        bit_at(changed, i) ? get_change(scale_of(base, entry.slot), before, in) : before);
  }
  const auto get_some = [&](auto&& get) {
    const std::size_t count = in.count(2);
    std::size_t place = 0;
    for (std::size_t i = 0; i < count; ++i) {
      place += static_cast<std::size_t>(in.varint());
      if (in.failed() || place >= frame.entries.size() || !get(frame.entries[place])) return false;
    }
    return true;
  };
  if ((flags & kOwnTimes) != 0 && !get_some([&](Entry& e) {
        e.time = frame.time + in.signed_varint();
        return true;
      })) {
    return corrupt();
  }
  if ((flags & kHistograms) != 0 && !get_some([&](Entry& e) {
        auto histogram = chunk::decode_histogram(in);
        if (!histogram) return false;
        e.histogram = *std::move(histogram);
        return true;
      })) {
    return corrupt();
  }
  if ((flags & kStarts) != 0 && !get_some([&](Entry& e) {
        e.start = e.time - in.signed_varint();
        return true;
      })) {
    return corrupt();
  }
  if (in.failed() || in.left() != 0) return corrupt();
  return frame;
}

void put_label_set(std::string& out, const LabelSet& labels) {
  chunk::put_varint(out, labels.size());
  for (const Label& label : labels) {
    chunk::put_text(out, label.name);
    chunk::put_text(out, label.value);
  }
}

}  // namespace nines::storage
