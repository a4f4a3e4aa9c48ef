// Integer columns. All differences wrap around in 64 bits, so no input can overflow.

#include <algorithm>
#include <bit>
#include <numeric>

#include "storage/chunk/column.h"
#include "storage/chunk/internal/bit_pack.h"

namespace nines::storage::chunk {
namespace {

enum Mode : std::uint8_t {
  kConst = 0,   // value
  kFor = 1,     // least, factor, width, packed (v - least) / factor
  kDelta = 2,   // first, least delta, factor, width, packed (delta - least) / factor
  kDod = 3,     // first, first delta, least delta of deltas, width, packed
  kSparse = 4,  // first, number of changes, (distance, delta) each
};

// Integers as least + factor * small: what bit packing wants.
struct Frame {
  std::int64_t least = 0;
  std::uint64_t factor = 1;
  unsigned width = 0;

  std::size_t header_size() const { return varint_size(zigzag(least)) + varint_size(factor) + 1; }
};

std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

Frame frame_of(std::span<const std::int64_t> values) {
  Frame frame;
  if (values.empty()) return frame;
  frame.least = *std::min_element(values.begin(), values.end());
  std::uint64_t factor = 0;
  std::uint64_t largest = 0;
  for (const std::int64_t v : values) {
    const auto above = static_cast<std::uint64_t>(minus(v, frame.least));
    largest = std::max(largest, above);
    if (factor != 1) factor = std::gcd(factor, above);
  }
  frame.factor = std::max<std::uint64_t>(factor, 1);
  frame.width = static_cast<unsigned>(std::bit_width(largest / frame.factor));
  return frame;
}

void put_frame(const Frame& frame, std::span<const std::int64_t> values, std::string& out) {
  put_signed(out, frame.least);
  put_varint(out, frame.factor);
  put_byte(out, static_cast<std::uint8_t>(frame.width));
  std::vector<std::uint64_t> small;
  small.reserve(values.size());
  for (const std::int64_t v : values) {
    small.push_back(static_cast<std::uint64_t>(minus(v, frame.least)) / frame.factor);
  }
  pack_bits(small, frame.width, out);
}

// Appends `count` framed integers to `out`.
Result<void> get_frame(ByteReader& in, std::size_t count, std::vector<std::int64_t>& out) {
  const std::int64_t least = in.signed_varint();
  const std::uint64_t factor = in.varint();
  const unsigned width = in.byte();
  if (in.failed() || width > 64) return Error(ErrorCode::kCorrupt, "integer column: bad frame");
  std::vector<std::uint64_t> small;
  small.reserve(count);
  unpack_bits(in, count, width, small);
  if (in.failed()) return Error(ErrorCode::kCorrupt, "integer column: cut short");
  for (const std::uint64_t s : small) {
    out.push_back(static_cast<std::int64_t>(s * factor + static_cast<std::uint64_t>(least)));
  }
  return {};
}

std::vector<std::int64_t> deltas_of(std::span<const std::int64_t> values) {
  std::vector<std::int64_t> deltas;
  deltas.reserve(values.size());
  for (std::size_t i = 1; i < values.size(); ++i) deltas.push_back(minus(values[i], values[i - 1]));
  return deltas;
}

std::string sparse(std::span<const std::int64_t> deltas, std::int64_t first, std::size_t changes) {
  std::string out;
  put_byte(out, kSparse);
  put_signed(out, first);
  put_varint(out, changes);
  std::size_t last = 0;
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    if (deltas[i] == 0) continue;
    put_varint(out, i - last);
    put_signed(out, deltas[i]);
    last = i;
  }
  return out;
}

Result<void> get_sparse(ByteReader& in, std::size_t count, std::vector<std::int64_t>& out) {
  std::int64_t value = in.signed_varint();
  const std::size_t changes = in.count(2);
  const std::size_t begin = out.size();
  std::size_t place = 0;  // of the delta
  for (std::size_t i = 0; i < changes; ++i) {
    const std::uint64_t distance = in.varint();
    const std::int64_t delta = in.signed_varint();
    if (in.failed() || distance > count - place) break;
    place += static_cast<std::size_t>(distance);
    if (place + 1 >= count)
      return Error(ErrorCode::kCorrupt, "integer column: change past its end");
    out.resize(begin + place + 1, value);
    value = plus(value, delta);
  }
  if (in.failed()) return Error(ErrorCode::kCorrupt, "integer column: cut short");
  out.resize(begin + count, value);
  return {};
}

// Turns the deltas in out[begin + 1 ...] into values, out[begin] being the first value.
void sum_up(std::vector<std::int64_t>& out, std::size_t begin) {
  for (std::size_t i = begin + 1; i < out.size(); ++i) out[i] = plus(out[i], out[i - 1]);
}

}  // namespace

void encode_integers(std::span<const std::int64_t> values, std::string& out) {
  const std::size_t n = values.size();
  const std::vector<std::int64_t> deltas = deltas_of(values);
  const auto changes = static_cast<std::size_t>(
      std::count_if(deltas.begin(), deltas.end(), [](std::int64_t d) { return d != 0; }));
  if (changes == 0) {
    put_byte(out, kConst);
    put_signed(out, values[0]);
    return;
  }
  const std::vector<std::int64_t> dods = deltas_of(deltas);
  const Frame by_value = frame_of(values);
  const Frame by_delta = frame_of(deltas);
  const Frame by_dod = frame_of(dods);
  const std::size_t first_size = varint_size(zigzag(values[0]));
  const std::size_t for_size = by_value.header_size() + packed_size(n, by_value.width);
  const std::size_t delta_size =
      first_size + by_delta.header_size() + packed_size(n - 1, by_delta.width);
  const std::size_t dod_size = first_size + varint_size(zigzag(deltas[0])) + by_dod.header_size() +
                               packed_size(dods.size(), by_dod.width);
  const std::size_t best = std::min({for_size, delta_size, dod_size});
  if (changes * 2 < best) {  // a change takes at least two bytes
    const std::string candidate = sparse(deltas, values[0], changes);
    if (candidate.size() < best + 1) {
      out += candidate;
      return;
    }
  }
  if (best == for_size) {
    put_byte(out, kFor);
    put_frame(by_value, values, out);
  } else if (best == delta_size) {
    put_byte(out, kDelta);
    put_signed(out, values[0]);
    put_frame(by_delta, deltas, out);
  } else {
    put_byte(out, kDod);
    put_signed(out, values[0]);
    put_signed(out, deltas[0]);
    put_frame(by_dod, dods, out);
  }
}

Result<void> decode_integers(ByteReader& in, std::size_t count, std::vector<std::int64_t>& out) {
  if (count == 0 || count > kColumnMax) {
    return Error(ErrorCode::kCorrupt, "integer column: impossible length");
  }
  const std::size_t begin = out.size();
  const std::uint8_t mode = in.byte();
  if (mode == kFor) return get_frame(in, count, out);
  if (mode == kSparse) return get_sparse(in, count, out);
  const std::int64_t first = in.signed_varint();
  if (mode == kConst) {
    if (in.failed()) return Error(ErrorCode::kCorrupt, "integer column: cut short");
    out.resize(begin + count, first);
    return {};
  }
  out.push_back(first);
  if (mode == kDelta) {
    if (auto got = get_frame(in, count - 1, out); !got) return got;
    sum_up(out, begin);
    return {};
  }
  if (mode == kDod && count >= 2) {
    out.push_back(in.signed_varint());
    if (auto got = get_frame(in, count - 2, out); !got) return got;
    sum_up(out, begin + 1);  // deltas
    sum_up(out, begin);
    return {};
  }
  return Error(ErrorCode::kCorrupt, "integer column: unknown mode");
}

}  // namespace nines::storage::chunk
