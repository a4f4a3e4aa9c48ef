// Value columns: doubles as decimals wherever that is exact, else as XORs of their bits.

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "storage/chunk/column.h"
#include "storage/chunk/internal/column_head.h"

namespace nines::storage::chunk {
namespace {

constexpr std::size_t kFewRows = 128;  // of a column: as many as pages usually have

std::uint64_t bits(double v) {
  return std::bit_cast<std::uint64_t>(v);
}

Error corrupt(const char* what) {
  return Error(ErrorCode::kCorrupt, std::string("value column: ") + what);
}

struct Decimal {
  Scale scale;
  std::size_t exceptions = 0;  // places whose value is no whole number under `scale`
};

// The scales worth trying: the first under which all values are whole numbers, and the first with
// few exceptions when that comes earlier.
struct Candidates {
  std::optional<Decimal> exact, patched;
};

Candidates find_decimals(std::span<const double> values) {
  Candidates found;
  const std::size_t exceptions_max = std::max<std::size_t>(1, values.size() / 8);
  const auto look = [&](const Scale& scale) {
    std::size_t exceptions = 0;
    std::int64_t ignored = 0;
    for (const double v : values) {
      if (!scale.whole(v, ignored) && ++exceptions > exceptions_max) return false;
    }
    if (exceptions == 0) {
      found.exact = Decimal{scale, 0};
    } else if (!found.patched) {
      found.patched = Decimal{scale, exceptions};
    }
    return exceptions == 0;
  };
  for (std::uint8_t e = 0; e <= 15; ++e) {
    if (look({Scale::Decoder::kDivide, e})) break;
    if (e > 0 && look({Scale::Decoder::kMultiply, e})) break;
    if (e > 3 && look({Scale::Decoder::kDivideTwice, e})) break;
  }
  return found;
}

void put_decimal(const Decimal& decimal, std::span<const double> values, std::string& out) {
  const std::size_t begin = out.size();
  put_byte(out, 0);
  std::uint8_t head = 0;
  if (decimal.scale != Scale{}) {
    head |= kScaled;
    put_byte(out, decimal.scale.packed());
  }
  if (decimal.exceptions > 0) {
    head |= kExceptions;
    put_varint(out, decimal.exceptions);
  }
  std::array<std::int64_t, kColumnMax> wholes;
  std::size_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (decimal.scale.whole(values[i], wholes[i])) continue;
    // An exception repeats its neighbour, which costs the integers nothing.
    wholes[i] = i == 0 ? 0 : wholes[i - 1];
    put_varint(out, i - last);
    put_fixed(out, values[i]);
    last = i;
  }
  head |= encode_body(std::span(wholes).first(values.size()), out);
  out[begin] = static_cast<char>(head);
}

// Whole numbers, decoded into `room`, as doubles.
Result<void> get_wholes(ByteReader& in, std::uint8_t head, std::size_t count, const Scale& scale,
                        std::int64_t* room, double* out) {
  if (auto got = decode_body(in, head, count, room); !got) return got;
  scale.values(room, count, out);
  return {};
}
// Large columns apart: a stack frame of so many pages costs each column that has none of it.
[[gnu::noinline]] Result<void> get_many_wholes(ByteReader& in, std::uint8_t head, std::size_t count,
                                               const Scale& scale, double* out) {
  std::array<std::int64_t, kColumnMax> room;
  return get_wholes(in, head, count, scale, room.data(), out);
}

Result<void> get_decimal(ByteReader& in, std::uint8_t head, std::size_t count, double* out) {
  Scale scale;
  if ((head & kScaled) != 0 && !Scale::unpack(in.byte(), scale)) return corrupt("unknown scale");
  std::size_t exceptions = 0;
  ByteReader patches = in;  // read twice: now to see that they fit, later to be put in
  if ((head & kExceptions) != 0) {
    exceptions = in.count(9);
    if (exceptions > kColumnMax / 8) return corrupt("too many exceptions");
    patches = in;
    std::uint64_t place = 0;
    for (std::size_t i = 0; i < exceptions; ++i) {
      place += in.varint();
      in.fixed<double>();
      if (in.failed() || place >= count) return corrupt("exception past its end");
    }
  }
  if (count <= kFewRows) {
    std::array<std::int64_t, kFewRows> room;
    if (auto got = get_wholes(in, head, count, scale, room.data(), out); !got) return got;
  } else if (auto got = get_many_wholes(in, head, count, scale, out); !got) {
    return got;
  }
  std::size_t place = 0;
  for (std::size_t i = 0; i < exceptions; ++i) {
    place += static_cast<std::size_t>(patches.varint());
    out[place] = patches.fixed<double>();
  }
  return {};
}

void put_xor(std::span<const double> values, std::string& out) {
  put_byte(out, kXor);
  put_fixed(out, values[0]);
  for (std::size_t i = 1; i < values.size(); ++i) {
    const std::uint64_t change = bits(values[i]) ^ bits(values[i - 1]);
    const unsigned low = change == 0 ? 0 : static_cast<unsigned>(std::countr_zero(change)) / 8;
    const unsigned high = change == 0 ? 0 : static_cast<unsigned>(std::countl_zero(change)) / 8;
    const unsigned length = change == 0 ? 0 : 8 - low - high;
    put_byte(out, static_cast<std::uint8_t>(low << 4 | length));
    for (unsigned b = 0; b < length; ++b) {
      put_byte(out, static_cast<std::uint8_t>(change >> (8 * (low + b))));
    }
  }
}

Result<void> get_xor(ByteReader& in, std::size_t count, double* out) {
  auto value = in.fixed<std::uint64_t>();
  out[0] = std::bit_cast<double>(value);
  for (std::size_t i = 1; i < count; ++i) {
    const std::uint8_t packed = in.byte();
    const unsigned low = packed >> 4;
    const unsigned length = packed & 0x0FU;
    if (low + length > 8) return corrupt("bad change");
    const std::string_view bytes = in.raw(length);
    if (in.failed()) return corrupt("cut short");
    std::uint64_t change = 0;
    std::memcpy(&change, bytes.data(), length);
    if (length > 0) value ^= change << (8 * low);
    out[i] = std::bit_cast<double>(value);
  }
  return {};
}

// Does `encoded` give back the same bits?
bool round_trips(std::span<const double> values, std::string_view encoded) {
  ByteReader in(encoded);
  std::array<double, kColumnMax> back;
  if (!decode_values(in, values.size(), back.data()) || in.left() != 0) return false;
  return std::equal(values.begin(), values.end(), back.begin(),
                    [](double a, double b) { return bits(a) == bits(b); });
}

// Keeps the smaller of what `out` holds from `begin` on and what `put` appends.
template <typename Put>
void keep_smaller(std::span<const double> values, std::size_t begin, std::string& out, Put&& put) {
  std::string other;
  put(other);
  const bool empty = out.size() == begin;
  if (!empty && other.size() >= out.size() - begin) return;
  if (!round_trips(values, other)) return;
  out.resize(begin);
  out += other;
}

}  // namespace

void encode_values(std::span<const double> values, std::string& out) {
  const std::size_t begin = out.size();
  const std::uint64_t first = bits(values[0]);
  if (std::all_of(values.begin(), values.end(), [&](double v) { return bits(v) == first; })) {
    std::int64_t whole = 0;
    if (Scale{}.whole(values[0], whole)) {
      put_byte(out, kConst);
      put_signed(out, whole);
    } else {
      put_byte(out, kConstBits);
      put_fixed(out, values[0]);
    }
    return;
  }
  const Candidates found = find_decimals(values);
  if (found.exact) {
    put_decimal(*found.exact, values, out);
    if (!round_trips(values, std::string_view(out).substr(begin))) out.resize(begin);
  }
  if (found.patched) {
    keep_smaller(values, begin, out,
                 [&](std::string& o) { put_decimal(*found.patched, values, o); });
  }
  // Scattered decimals of many digits can take more room than their bits.
  if (out.size() == begin || out.size() - begin > values.size() * 3) {
    keep_smaller(values, begin, out, [&](std::string& o) { put_xor(values, o); });
  }
  if (out.size() != begin && out.size() - begin <= values.size() * 8) return;
  out.resize(begin);
  put_byte(out, kBits);
  for (const double v : values) put_fixed(out, v);
}

Result<void> decode_values(ByteReader& in, std::size_t count, double* out) {
  if (count == 0 || count > kColumnMax) return corrupt("impossible length");
  const std::uint8_t head = in.byte();
  const std::uint8_t mode = head & kModeMask;
  if (mode <= kSparse && (head & 0x80) == 0) {
    if (head == kConst) {
      std::fill_n(out, count, static_cast<double>(in.signed_varint()));
      if (in.failed()) return corrupt("cut short");
      return {};
    }
    return get_decimal(in, head, count, out);
  }
  switch (head) {
    case kConstBits:
      std::fill_n(out, count, in.fixed<double>());
      break;
    case kXor:
      return get_xor(in, count, out);
    case kBits: {
      const std::string_view bytes = in.raw(count * 8);
      if (!in.failed()) std::memcpy(out, bytes.data(), count * 8);
      break;
    }
    default:
      return corrupt("unknown mode");
  }
  if (in.failed()) return corrupt("cut short");
  return {};
}

Result<void> decode_values(ByteReader& in, std::size_t count, std::vector<double>& out) {
  if (count == 0 || count > kColumnMax) return corrupt("impossible length");
  const std::size_t begin = out.size();
  out.resize(begin + count);
  Result<void> got = decode_values(in, count, out.data() + begin);
  if (!got) out.resize(begin);
  return got;
}

}  // namespace nines::storage::chunk
