// Value columns: doubles as decimals wherever that is exact, else as XORs of their bits.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>

#include "storage/chunk/column.h"

namespace nines::storage::chunk {
namespace {

enum Mode : std::uint8_t {
  kConstInteger = 0,  // a whole number
  kConstBits = 1,     // 8 bytes
  kDecimal = 2,       // scale, exceptions, integer column
  kXor = 3,           // first 8 bytes, then per value: how many bytes changed, and they
  kBits = 4,          // 8 bytes each
};

constexpr unsigned kExponentMax = 15;
constexpr double kExactMax = 9007199254740992.0;  // 2^53

constexpr std::array<double, 16> kPower = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                           1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr std::array<double, 16> kInverse = {1e0,  1e-1, 1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,
                                             1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15};

// How a value was most likely computed from a whole number. Exporters that write milliseconds as
// seconds by `x * 0.001` make doubles that `x / 1000` does not, and the other way round.
enum class Decoder : std::uint8_t { kDivide = 0, kMultiply = 1, kDivideTwice = 2 };

struct Scale {
  Decoder decoder = Decoder::kDivide;
  unsigned exponent = 0;

  double value(std::int64_t whole) const {
    const auto x = static_cast<double>(whole);
    switch (decoder) {
      case Decoder::kMultiply:
        return x * kInverse[exponent];
      case Decoder::kDivideTwice:
        return (x / 1000.0) / kPower[exponent - 3];
      case Decoder::kDivide:
        break;
    }
    return x / kPower[exponent];
  }
};

std::uint64_t bits(double v) {
  return std::bit_cast<std::uint64_t>(v);
}

// The whole number that `scale` turns into exactly `v`.
std::optional<std::int64_t> whole(double v, const Scale& scale) {
  const double x = std::nearbyint(v * kPower[scale.exponent]);
  if (!(std::fabs(x) < kExactMax)) return std::nullopt;  // NaN and infinities too
  const auto n = static_cast<std::int64_t>(x);
  if (bits(scale.value(n)) != bits(v)) return std::nullopt;
  return n;
}

struct Decimal {
  Scale scale;
  std::vector<std::int64_t> wholes;
  std::vector<std::size_t> exceptions;  // places whose value is no whole number under `scale`
};

std::optional<Decimal> try_scale(std::span<const double> values, const Scale& scale) {
  const std::size_t exceptions_max = std::max<std::size_t>(1, values.size() / 8);
  Decimal decimal{.scale = scale, .wholes = {}, .exceptions = {}};
  decimal.wholes.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto n = whole(values[i], scale);
    if (!n) {
      if (decimal.exceptions.size() == exceptions_max) return std::nullopt;
      decimal.exceptions.push_back(i);
    }
    // An exception repeats its neighbour, which costs the integer column nothing.
    decimal.wholes.push_back(n ? *n : (decimal.wholes.empty() ? 0 : decimal.wholes.back()));
  }
  return decimal;
}

std::optional<Decimal> find_decimal(std::span<const double> values) {
  for (unsigned exponent = 0; exponent <= kExponentMax; ++exponent) {
    if (auto d = try_scale(values, {Decoder::kDivide, exponent})) return d;
    if (exponent == 0) continue;
    if (auto d = try_scale(values, {Decoder::kMultiply, exponent})) return d;
    if (exponent <= 3) continue;
    if (auto d = try_scale(values, {Decoder::kDivideTwice, exponent})) return d;
  }
  return std::nullopt;
}

void put_decimal(const Decimal& decimal, std::span<const double> values, std::string& out) {
  put_byte(out, kDecimal);
  put_byte(out, static_cast<std::uint8_t>(static_cast<unsigned>(decimal.scale.decoder) << 4 |
                                          decimal.scale.exponent));
  put_varint(out, decimal.exceptions.size());
  for (const std::size_t place : decimal.exceptions) {
    put_varint(out, place);
    put_fixed(out, values[place]);
  }
  encode_integers(decimal.wholes, out);
}

Result<void> get_decimal(ByteReader& in, std::size_t count, std::vector<double>& out) {
  const std::uint8_t packed = in.byte();
  const Scale scale{.decoder = static_cast<Decoder>(packed >> 4), .exponent = packed & 0x0FU};
  if (packed >> 4 > 2 || (scale.decoder == Decoder::kDivideTwice && scale.exponent < 3)) {
    return Error(ErrorCode::kCorrupt, "value column: unknown scale");
  }
  const std::size_t exceptions = in.count(9);
  std::vector<std::pair<std::size_t, double>> patches;
  for (std::size_t i = 0; i < exceptions; ++i) {
    const std::uint64_t place = in.varint();
    patches.emplace_back(place, in.fixed<double>());
    if (place >= count) return Error(ErrorCode::kCorrupt, "value column: exception past its end");
  }
  std::vector<std::int64_t> wholes;
  wholes.reserve(count);
  if (auto got = decode_integers(in, count, wholes); !got) return got;
  const std::size_t begin = out.size();
  for (const std::int64_t n : wholes) out.push_back(scale.value(n));
  for (const auto& [place, value] : patches) out[begin + place] = value;
  return {};
}

// Each value but the first: a byte with the number of low zero bytes (high nibble) and of bytes
// that follow (low nibble).
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

Result<void> get_xor(ByteReader& in, std::size_t count, std::vector<double>& out) {
  std::uint64_t value = in.fixed<std::uint64_t>();
  out.push_back(std::bit_cast<double>(value));
  for (std::size_t i = 1; i < count && !in.failed(); ++i) {
    const std::uint8_t packed = in.byte();
    const unsigned low = packed >> 4;
    const unsigned length = packed & 0x0FU;
    if (low + length > 8) return Error(ErrorCode::kCorrupt, "value column: bad change");
    std::uint64_t change = 0;
    for (unsigned b = 0; b < length; ++b) change |= std::uint64_t{in.byte()} << (8 * (low + b));
    value ^= change;
    out.push_back(std::bit_cast<double>(value));
  }
  if (in.failed()) return Error(ErrorCode::kCorrupt, "value column: cut short");
  return {};
}

bool all_equal(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(),
                     [first = bits(values[0])](double v) { return bits(v) == first; });
}

// Does what was appended to `out` since `begin` give back the same bits?
bool round_trips(std::span<const double> values, std::string_view encoded) {
  ByteReader in(encoded);
  std::vector<double> back;
  back.reserve(values.size());
  if (!decode_values(in, values.size(), back) || in.left() != 0) return false;
  return std::equal(values.begin(), values.end(), back.begin(), back.end(),
                    [](double a, double b) { return bits(a) == bits(b); });
}

}  // namespace

void encode_values(std::span<const double> values, std::string& out) {
  const std::size_t begin = out.size();
  if (all_equal(values)) {
    if (const auto n = whole(values[0], {})) {
      put_byte(out, kConstInteger);
      put_signed(out, *n);
    } else {
      put_byte(out, kConstBits);
      put_fixed(out, values[0]);
    }
    return;
  }
  if (const auto decimal = find_decimal(values)) {
    put_decimal(*decimal, values, out);
    // Scattered decimals of many digits can take more room than their bits.
    if (out.size() - begin < values.size() * 6 &&
        round_trips(values, std::string_view(out).substr(begin))) {
      return;
    }
    out.resize(begin);
  }
  put_xor(values, out);
  if (out.size() - begin <= values.size() * 8 &&
      round_trips(values, std::string_view(out).substr(begin))) {
    return;
  }
  out.resize(begin);
  put_byte(out, kBits);
  for (const double v : values) put_fixed(out, v);
}

Result<void> decode_values(ByteReader& in, std::size_t count, std::vector<double>& out) {
  if (count == 0 || count > kColumnMax) {
    return Error(ErrorCode::kCorrupt, "value column: impossible length");
  }
  switch (in.byte()) {
    case kConstInteger:
      out.resize(out.size() + count, static_cast<double>(in.signed_varint()));
      break;
    case kConstBits:
      out.resize(out.size() + count, in.fixed<double>());
      break;
    case kDecimal:
      return get_decimal(in, count, out);
    case kXor:
      return get_xor(in, count, out);
    case kBits:
      for (std::size_t i = 0; i < count; ++i) out.push_back(in.fixed<double>());
      break;
    default:
      return Error(ErrorCode::kCorrupt, "value column: unknown mode");
  }
  if (in.failed()) return Error(ErrorCode::kCorrupt, "value column: cut short");
  return {};
}

}  // namespace nines::storage::chunk
