#include "storage/metrics/internal/head_columns.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "storage/chunk/column.h"

namespace nines::storage {
namespace {

using chunk::ByteReader;
using chunk::Scale;

// The first byte of an entry: eight values as differences of `width` bits (which take `width`
// bytes), of whole numbers or, with a scale byte behind it, of decimals; or as bits.
constexpr std::uint8_t kBits = 0x40;    // + number of high bytes kept of each value's XOR
constexpr std::uint8_t kScaled = 0x80;  // | width

constexpr std::size_t kRows = HeadColumns::kBlockRows;
constexpr std::uint32_t kStride = 16;  // entries between two known places

std::uint64_t bits_of(double v) {
  return std::bit_cast<std::uint64_t>(v);
}

// Eight zigzag differences of the values from one another; false when some are no whole numbers.
bool differences(const double* values, double last, const Scale& scale,
                 std::array<std::uint64_t, kRows>& out, unsigned& width) {
  std::int64_t before = 0;
  if (!scale.whole(last, before)) return false;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    std::int64_t now = 0;
    if (!scale.whole(values[i], now)) return false;
    out[i] = chunk::zigzag(now - before);
    all |= out[i];
    before = now;
  }
  width = static_cast<unsigned>(std::bit_width(all));
  return width < 57;
}

void pack8(const std::array<std::uint64_t, kRows>& values, unsigned width, std::string& out) {
  std::uint64_t pending = 0;
  unsigned held = 0;
  for (std::uint64_t v : values) {
    for (unsigned left = width; left > 0;) {
      const unsigned now = std::min(left, 32U);
      pending |= (v & ((std::uint64_t{1} << now) - 1)) << held;
      held += now;
      v >>= now;
      left -= now;
      for (; held >= 8; held -= 8, pending >>= 8) out.push_back(static_cast<char>(pending & 0xFF));
    }
  }
}

void unpack8(std::string_view bytes, unsigned width, std::array<std::uint64_t, kRows>& out) {
  char room[64 + 8] = {};
  std::memcpy(room, bytes.data(), bytes.size());
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < kRows; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, room + i * width / 8, 8);
    out[i] = word >> (i * width % 8) & mask;
  }
}

}  // namespace

void HeadColumns::grow(std::size_t slots) {
  if (slots <= present_.size()) return;
  open_.resize(slots * kBlockRows);
  present_.resize(slots);
  last_.resize(slots);
  scales_.resize(slots);
}

void HeadColumns::begin_row(std::int64_t time) {
  if (open_rows_ == kBlockRows) encode_block();
  times_.push_back(time);
  ++open_rows_;
}

void HeadColumns::put(std::uint32_t slot, double value) {
  const std::size_t row = open_rows_ - 1;
  open_[slot * kBlockRows + row] = value;
  present_[slot] = static_cast<std::uint8_t>(present_[slot] | 1U << row);
}

void HeadColumns::encode_block() {
  Block block;
  block.slots = static_cast<std::uint32_t>(slots());
  block.first_new = blocks_.empty() ? 0 : blocks_.back().slots;
  block.bytes.reserve(blocks_.empty() ? block.slots * 4UL : blocks_.back().bytes.size() + 64);
  for (std::uint32_t slot = 0; slot < block.slots; ++slot) {
    if (slot % kStride == 0) block.places.push_back(static_cast<std::uint32_t>(block.bytes.size()));
    double* values = &open_[slot * kBlockRows];
    const std::uint8_t present = present_[slot];
    const bool first = slot >= block.first_new;
    if (present != 0xFF) {
      block.partial.emplace_back(slot, present);
      // What is missing repeats what is there, which costs nothing.
      double fill = first ? 0 : last_[slot];
      if (first && present != 0) fill = values[std::countr_zero(present)];
      for (std::size_t i = 0; i < kBlockRows; ++i) {
        if ((present >> i & 1) == 0) values[i] = fill;
        fill = values[i];
      }
    }
    if (first) last_[slot] = values[0];
    put_entry(slot, first, block.bytes);
    last_[slot] = values[kBlockRows - 1];
    present_[slot] = 0;
  }
  block.bytes.shrink_to_fit();
  blocks_.push_back(std::move(block));
  open_rows_ = 0;
}

void HeadColumns::put_entry(std::uint32_t slot, bool first, std::string& out) {
  const double* values = &open_[slot * kBlockRows];
  const double last = last_[slot];
  if (first) {
    std::int64_t whole = 0;
    if (Scale{}.whole(last, whole)) {
      chunk::put_varint(out, chunk::zigzag(whole) << 1);
    } else {
      chunk::put_varint(out, 1);
      chunk::put_fixed(out, last);
    }
  }
  std::uint64_t changed = 0;
  std::uint64_t before = bits_of(last);
  for (std::size_t i = 0; i < kBlockRows; ++i) {
    changed |= bits_of(values[i]) ^ before;
    before = bits_of(values[i]);
  }
  if (changed == 0) {
    chunk::put_byte(out, 0);
    return;
  }
  std::array<std::uint64_t, kBlockRows> small;
  unsigned width = 0;
  Scale scale;
  (void)Scale::unpack(scales_[slot], scale);
  bool fits = differences(values, last, scale, small, width);
  if (!fits) {
    std::array<double, kBlockRows + 1> all;
    std::copy_n(values, kBlockRows, all.begin());
    all[kBlockRows] = last;
    fits = chunk::find_scale(all, scale) && differences(values, last, scale, small, width);
    if (fits) scales_[slot] = scale.packed();
  }
  const auto high = static_cast<unsigned>(8 - std::countr_zero(changed) / 8);
  if (!fits || width > high * 8) {
    chunk::put_byte(out, static_cast<std::uint8_t>(kBits + high));
    for (std::size_t i = 0; i < kBlockRows; ++i) {
      const std::uint64_t top = bits_of(values[i]) >> (8 * (8 - high));
      char raw[8];
      std::memcpy(raw, &top, 8);
      out.append(raw, high);
    }
    return;
  }
  if (scale == Scale{}) {
    chunk::put_byte(out, static_cast<std::uint8_t>(width));
  } else {
    chunk::put_byte(out, static_cast<std::uint8_t>(kScaled | width));
    chunk::put_byte(out, scale.packed());
  }
  pack8(small, width, out);
}

void HeadColumns::skip_entry(ByteReader& in, bool first) {
  if (first && in.varint() == 1) in.raw(8);
  const std::uint8_t head = in.byte();
  if ((head & kScaled) != 0) {
    in.raw(1U + (head & 0x3FU));
  } else if (head >= kBits) {
    in.raw(8U * (head - kBits));
  } else {
    in.raw(head);
  }
}

void HeadColumns::get_entry(ByteReader& in, bool first, double& last, double* values) {
  if (first) {
    const std::uint64_t whole = in.varint();
    last = whole == 1 ? in.fixed<double>() : static_cast<double>(chunk::unzigzag(whole >> 1));
  }
  const std::uint8_t head = in.byte();
  if (head == 0) {
    std::fill_n(values, kBlockRows, last);
    return;
  }
  if (head < kScaled && head >= kBits) {
    const unsigned high = head - kBits;
    const std::uint64_t low_mask = high == 8 ? 0 : (std::uint64_t{1} << (8 * (8 - high))) - 1;
    const std::uint64_t low = bits_of(last) & low_mask;
    for (std::size_t i = 0; i < kBlockRows; ++i) {
      std::uint64_t top = 0;
      std::memcpy(&top, in.raw(high).data(), high);
      values[i] = std::bit_cast<double>(top << (8 * (8 - high)) | low);
    }
  } else {
    Scale scale;
    if ((head & kScaled) != 0) (void)Scale::unpack(in.byte(), scale);
    const unsigned width = head & 0x3FU;
    std::array<std::uint64_t, kBlockRows> small;
    unpack8(in.raw(width), width, small);
    std::int64_t whole = 0;
    (void)scale.whole(last, whole);
    std::array<std::int64_t, kBlockRows> wholes;
    for (std::size_t i = 0; i < kBlockRows; ++i) wholes[i] = whole += chunk::unzigzag(small[i]);
    scale.values(wholes.data(), kBlockRows, values);
  }
  last = values[kBlockRows - 1];
}

void HeadColumns::read(std::uint32_t slot, std::vector<std::int64_t>& times,
                       std::vector<double>& values) const {
  if (slot >= slots()) return;
  double last = 0;
  std::array<double, kBlockRows> decoded;
  std::size_t row = 0;
  const auto take = [&](const double* from, std::size_t rows, std::uint8_t present) {
    if (present == 0xFF && rows == kBlockRows) {
      times.insert(times.end(), times_.data() + row, times_.data() + row + rows);
      values.insert(values.end(), from, from + rows);
      return;
    }
    for (std::size_t i = 0; i < rows; ++i) {
      if ((present >> i & 1) == 0) continue;
      times.push_back(times_[row + i]);
      values.push_back(from[i]);
    }
  };
  for (const Block& block : blocks_) {
    if (slot < block.slots) {
      ByteReader in(std::string_view(block.bytes).substr(block.places[slot / kStride]));
      for (std::uint32_t s = slot / kStride * kStride; s < slot; ++s)
        skip_entry(in, s >= block.first_new);
      get_entry(in, slot >= block.first_new, last, decoded.data());
      std::uint8_t present = 0xFF;
      if (!block.partial.empty()) {
        const auto at = std::lower_bound(block.partial.begin(), block.partial.end(),
                                         std::pair(slot, std::uint8_t{0}));
        if (at != block.partial.end() && at->first == slot) present = at->second;
      }
      take(decoded.data(), kBlockRows, present);
    }
    row += kBlockRows;
  }
  if (open_rows_ > 0) take(&open_[slot * kBlockRows], open_rows_, present_[slot]);
}

void HeadColumns::read_rows(std::span<const std::uint32_t> wanted, std::size_t stride, double* out,
                            std::vector<bool>& whole) const {
  std::vector<double> last(wanted.size());
  std::size_t row = 0;
  for (const Block& block : blocks_) {
    ByteReader in{std::string_view()};
    std::uint32_t at = UINT32_MAX;  // the entry that `in` stands before
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const std::uint32_t slot = wanted[i];
      if (slot >= block.slots) {
        whole[i] = false;
        continue;
      }
      if (at == UINT32_MAX || at / kStride != slot / kStride) {
        at = slot / kStride * kStride;
        in = ByteReader(std::string_view(block.bytes).substr(block.places[slot / kStride]));
      }
      for (; at < slot; ++at) skip_entry(in, at >= block.first_new);
      get_entry(in, slot >= block.first_new, last[i], out + i * stride + row);
      ++at;
      if (!block.partial.empty() &&
          std::binary_search(block.partial.begin(), block.partial.end(),
                             std::pair(slot, std::uint8_t{0}),
                             [](const auto& a, const auto& b) { return a.first < b.first; })) {
        whole[i] = false;
      }
    }
    row += kBlockRows;
  }
  if (open_rows_ == 0) return;
  const auto all = static_cast<std::uint8_t>((1U << open_rows_) - 1);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] >= slots() || present_[wanted[i]] != all) {
      whole[i] = false;
      continue;
    }
    std::copy_n(&open_[wanted[i] * kBlockRows], open_rows_, out + i * stride + row);
  }
}

bool HeadColumns::find(std::uint32_t slot, std::int64_t time, double& value) const {
  if (!std::binary_search(times_.begin(), times_.end(), time)) return false;
  std::vector<std::int64_t> times;
  std::vector<double> values;
  read(slot, times, values);
  const auto at = std::lower_bound(times.begin(), times.end(), time);
  if (at == times.end() || *at != time) return false;
  value = values[static_cast<std::size_t>(at - times.begin())];
  return true;
}

bool HeadColumns::latest_open(std::uint32_t slot, std::int64_t to, std::int64_t& time,
                              double& value) const {
  const std::size_t encoded = blocks_.size() * kBlockRows;
  for (std::size_t row = open_rows_; row-- > 0;) {
    if (times_[encoded + row] > to || (present_[slot] >> row & 1) == 0) continue;
    time = times_[encoded + row];
    value = open_[slot * kBlockRows + row];
    return true;
  }
  return false;
}

void HeadColumns::clear() {
  times_.clear();
  blocks_.clear();
  open_rows_ = 0;
  std::fill(present_.begin(), present_.end(), 0);
}

std::size_t HeadColumns::bytes() const {
  std::size_t bytes = times_.capacity() * 8 + open_.capacity() * 8 + last_.capacity() * 8 +
                      present_.capacity() + scales_.capacity();
  for (const Block& block : blocks_)
    bytes += block.bytes.capacity() + block.places.capacity() * 4 + block.partial.capacity() * 8;
  return bytes;
}

}  // namespace nines::storage
