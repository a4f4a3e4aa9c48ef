// Integer columns. All differences wrap around in 64 bits, so no input can overflow.

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "storage/chunk/column.h"
#include "storage/chunk/internal/bit_pack.h"
#include "storage/chunk/internal/column_head.h"
#include "storage/chunk/internal/column_kernels.h"

namespace nines::storage::chunk {
namespace {

// Integers as least + factor * small: what bit packing wants. Few of them may be wider than
// `width`: their upper bits stand apart, as patches.
struct Frame {
  std::int64_t least = 0;
  std::uint64_t factor = 1;
  unsigned width = 0;
  std::size_t patches = 0;
  std::size_t bytes = 0;  // all of it, estimated from above
};

constexpr std::size_t kPatchBytes = 3;  // usual for one: distance and upper bits

std::uint64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

Frame frame_of(std::span<const std::int64_t> values) {
  Frame frame;
  if (values.empty()) return frame;
  frame.least = *std::min_element(values.begin(), values.end());
  std::uint64_t factor = 0;
  for (const std::int64_t v : values) {
    factor = std::gcd(factor, minus(v, frame.least));
    if (factor == 1) break;
  }
  frame.factor = std::max<std::uint64_t>(factor, 1);
  std::array<std::uint32_t, 65> wide{};
  for (const std::int64_t v : values) {
    const std::uint64_t above = minus(v, frame.least);
    ++wide[static_cast<unsigned>(std::bit_width(frame.factor == 1 ? above : above / frame.factor))];
  }
  unsigned largest = 64;
  while (wide[largest] == 0) --largest;
  frame.width = largest;
  std::size_t best = packed_size(values.size(), largest);
  std::size_t patches = 0;
  for (unsigned width = largest; width-- > 0;) {
    patches += wide[width + 1];
    if (patches * 8 > values.size()) break;
    const std::size_t size =
        packed_size(values.size(), width) + 1 + patches * (kPatchBytes + (largest - width) / 7);
    if (size >= best) continue;
    best = size;
    frame.width = width;
    frame.patches = patches;
  }
  frame.bytes = best + varint_size(zigzag(frame.least)) + 1 +
                (frame.factor == 1 ? 0 : varint_size(frame.factor));
  return frame;
}

std::uint8_t put_frame(const Frame& frame, std::span<const std::int64_t> values, std::string& out) {
  put_signed(out, frame.least);
  if (frame.factor != 1) put_varint(out, frame.factor);
  put_byte(out, static_cast<std::uint8_t>(frame.width));
  std::array<std::uint64_t, kColumnMax> small;
  for (std::size_t i = 0; i < values.size(); ++i) {
    small[i] = minus(values[i], frame.least) / frame.factor;
  }
  if (frame.patches > 0) {
    put_varint(out, frame.patches);
    std::size_t last = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t high = small[i] >> frame.width;
      if (high == 0) continue;
      put_varint(out, i - last);
      put_varint(out, high);
      last = i;
    }
  }
  pack_bits(std::span(small).first(values.size()), frame.width, out);
  return static_cast<std::uint8_t>((frame.factor != 1 ? kFactored : 0) |
                                   (frame.patches > 0 ? kPatched : 0));
}

Error cut_short() {
  return Error(ErrorCode::kCorrupt, "integer column: cut short");
}

// What becomes of a frame's numbers: nothing, or what these differences lead to from `first` on.
struct Summed {
  bool on = false;
  std::int64_t first = 0;
};

Result<void> get_frame(ByteReader& in, std::uint8_t head, std::size_t count, Summed summed,
                       std::int64_t* out) {
  const std::int64_t least = in.signed_varint();
  const std::uint64_t factor = (head & kFactored) != 0 ? in.varint() : 1;
  const unsigned width = in.byte();
  if (in.failed() || width > 64) return Error(ErrorCode::kCorrupt, "integer column: bad frame");
  std::size_t patched = 0;
  ByteReader patches = in;  // read twice: now to see that they fit, later to be put in
  if ((head & kPatched) != 0) {
    patched = in.count(2);
    if (patched > kColumnMax / 8 || width == 64)
      return Error(ErrorCode::kCorrupt, "integer column: bad patches");
    patches = in;
    std::uint64_t place = 0;
    for (std::size_t i = 0; i < patched; ++i) {
      place += in.varint();
      in.varint();
      if (place >= count) return Error(ErrorCode::kCorrupt, "integer column: patch past its end");
    }
  }
  auto* small = reinterpret_cast<std::uint64_t*>(out);  // the signed twin of the same type
  unpack_bits(in, count, width, small);
  if (in.failed()) return cut_short();
  std::size_t place = 0;
  for (std::size_t i = 0; i < patched; ++i) {
    place += static_cast<std::size_t>(patches.varint());
    small[place] |= patches.varint() << width;
  }
  if (factor != 1) {
    for (std::size_t i = 0; i < count; ++i) small[i] *= factor;
  }
  const auto base = static_cast<std::uint64_t>(least);
  if (summed.on)
    sum_up(small, count, base, static_cast<std::uint64_t>(summed.first));
  else
    add_base(small, count, base);
  return {};
}

void put_sparse(std::span<const std::int64_t> deltas, std::size_t changes, std::string& out) {
  put_varint(out, changes);
  std::size_t last = 0;
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    if (deltas[i] == 0) continue;
    put_varint(out, i - last);
    put_signed(out, deltas[i]);
    last = i;
  }
}

std::size_t sparse_size(std::span<const std::int64_t> deltas, std::size_t changes) {
  std::size_t size = varint_size(changes);
  std::size_t last = 0;
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    if (deltas[i] == 0) continue;
    size += varint_size(i - last) + varint_size(zigzag(deltas[i]));
    last = i;
  }
  return size;
}

Result<void> get_sparse(ByteReader& in, std::int64_t value, std::size_t count, std::int64_t* out) {
  const std::size_t changes = in.count(2);
  std::size_t filled = 0;
  std::size_t place = 0;  // of the difference
  for (std::size_t i = 0; i < changes; ++i) {
    const std::uint64_t distance = in.varint();
    const std::int64_t delta = in.signed_varint();
    if (in.failed()) return cut_short();
    if (distance > count - place || place + distance + 1 >= count)
      return Error(ErrorCode::kCorrupt, "integer column: change past its end");
    place += static_cast<std::size_t>(distance);
    for (; filled <= place; ++filled) out[filled] = value;
    value = plus(value, delta);
  }
  if (in.failed()) return cut_short();
  for (; filled < count; ++filled) out[filled] = value;
  return {};
}

using Numbers = std::array<std::int64_t, kColumnMax>;

std::span<const std::int64_t> deltas_of(std::span<const std::int64_t> values, Numbers& room) {
  for (std::size_t i = 1; i < values.size(); ++i) {
    room[i - 1] = static_cast<std::int64_t>(minus(values[i], values[i - 1]));
  }
  return std::span(room).first(values.empty() ? 0 : values.size() - 1);
}

}  // namespace

std::uint8_t encode_body(std::span<const std::int64_t> values, std::string& out) {
  Numbers delta_room;
  const std::span<const std::int64_t> deltas = deltas_of(values, delta_room);
  const auto changes = static_cast<std::size_t>(
      std::count_if(deltas.begin(), deltas.end(), [](std::int64_t d) { return d != 0; }));
  put_signed(out, values[0]);
  if (changes == 0) return kConst;
  const std::size_t begin = out.size();
  Numbers dod_room;
  const std::span<const std::int64_t> dods = deltas_of(deltas, dod_room);
  const Frame by_value = frame_of(values);
  const Frame by_delta = frame_of(deltas);
  const Frame by_dod = frame_of(dods);
  const std::size_t first_size = varint_size(zigzag(values[0]));
  const std::size_t for_size = by_value.bytes;
  const std::size_t delta_size = first_size + by_delta.bytes;
  const std::size_t dod_size =
      dods.empty() ? SIZE_MAX : first_size + varint_size(zigzag(deltas[0])) + by_dod.bytes;
  const std::size_t best = std::min({for_size, delta_size, dod_size});
  if (changes * 2 < best && first_size + sparse_size(deltas, changes) <= best) {
    put_sparse(deltas, changes, out);
    return kSparse;
  }
  if (best == for_size) {
    out.resize(begin - first_size);
    return static_cast<std::uint8_t>(kFor | put_frame(by_value, values, out));
  }
  if (best == delta_size)
    return static_cast<std::uint8_t>(kDelta | put_frame(by_delta, deltas, out));
  put_signed(out, deltas[0]);
  return static_cast<std::uint8_t>(kDod | put_frame(by_dod, dods, out));
}

Result<void> decode_body(ByteReader& in, std::uint8_t head, std::size_t count, std::int64_t* out) {
  const std::uint8_t mode = head & kModeMask;
  if (mode == kFor) return get_frame(in, head, count, {}, out);
  const std::int64_t first = in.signed_varint();
  if (in.failed()) return cut_short();
  if (mode == kConst) {
    std::fill_n(out, count, first);
    return {};
  }
  if (mode == kSparse) return get_sparse(in, first, count, out);
  out[0] = first;
  if (mode == kDelta) return get_frame(in, head, count - 1, {true, first}, out + 1);
  if (mode == kDod && count >= 2) {
    out[1] = in.signed_varint();
    if (auto got = get_frame(in, head, count - 2, {true, out[1]}, out + 2); !got) return got;
    // These are differences now.
    sum_up(reinterpret_cast<std::uint64_t*>(out + 1), count - 1, 0,
           static_cast<std::uint64_t>(first));
    return {};
  }
  return Error(ErrorCode::kCorrupt, "integer column: unknown mode");
}

void encode_integers(std::span<const std::int64_t> values, std::string& out) {
  const std::size_t begin = out.size();
  put_byte(out, 0);
  out[begin] = static_cast<char>(encode_body(values, out));
}

Result<void> decode_integers(ByteReader& in, std::size_t count, std::int64_t* out) {
  if (count == 0 || count > kColumnMax) {
    return Error(ErrorCode::kCorrupt, "integer column: impossible length");
  }
  const std::uint8_t head = in.byte();
  if ((head & ~(kModeMask | kFactored | kPatched)) != 0 || (head & kModeMask) > kSparse)
    return Error(ErrorCode::kCorrupt, "integer column: unknown mode");
  return decode_body(in, head, count, out);
}

Result<void> decode_integers(ByteReader& in, std::size_t count, std::vector<std::int64_t>& out) {
  if (count == 0 || count > kColumnMax) {
    return Error(ErrorCode::kCorrupt, "integer column: impossible length");
  }
  const std::size_t begin = out.size();
  out.resize(begin + count);
  Result<void> got = decode_integers(in, count, out.data() + begin);
  if (!got) out.resize(begin);
  return got;
}

}  // namespace nines::storage::chunk
