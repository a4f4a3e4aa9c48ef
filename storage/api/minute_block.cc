#include "storage/api/minute_block.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace nines::storage {
namespace {

constexpr double kWholeMax = 4'294'967'295.0;
constexpr std::uint8_t kAsDouble = 8;

// 8 where one of them is no whole number that fits 32 bits.
std::uint8_t width_of(std::span<const double> values) {
  double most = 0;
  for (const double value : values) {
    if (!(value >= 0 && value <= kWholeMax) || value != std::floor(value)) return kAsDouble;
    if (value > most) most = value;
  }
  return most == 0 ? 0 : most < 256 ? 1 : most < 65'536 ? 2 : 4;
}

using Column = std::array<double, MinuteBlock::kRows>;

void put(std::span<const double> values, std::uint8_t width, std::vector<std::uint8_t>& out) {
  if (width == 0) return;
  const std::size_t at = out.size();
  out.resize(at + values.size() * width);
  std::uint8_t* to = &out[at];
  if (width == kAsDouble) {
    std::memcpy(to, values.data(), values.size_bytes());
    return;
  }
  for (const double value : values) {
    auto whole = static_cast<std::uint32_t>(value);
    for (std::uint8_t i = 0; i < width; ++i, whole >>= 8)
      *to++ = static_cast<std::uint8_t>(whole & 0xFF);
  }
}

template <std::size_t kWidth>
void get_whole(const std::uint8_t* from, std::span<double> out) {
  for (double& value : out) {
    std::uint32_t whole = 0;
    for (std::size_t i = kWidth; i-- > 0;) whole = (whole << 8) | from[i];
    value = whole;
    from += kWidth;
  }
}

// Returns where the next column begins.
const std::uint8_t* get(const std::uint8_t* from, std::uint8_t width, std::span<double> out) {
  switch (width) {
    case 0:
      std::fill(out.begin(), out.end(), 0.0);
      break;
    case 1:
      get_whole<1>(from, out);
      break;
    case 2:
      get_whole<2>(from, out);
      break;
    case 4:
      get_whole<4>(from, out);
      break;
    default:
      std::memcpy(out.data(), from, out.size_bytes());
  }
  return from + out.size() * width;
}

}  // namespace

MinuteBlock::MinuteBlock(std::span<const LedgerMinute> rows)
    : first_(rows.front().minute),
      last_(rows.back().minute),
      rows_(static_cast<std::uint8_t>(rows.size())) {
  Column steps, valid, bad, good, excluded;
  std::int64_t before = first_ - 1;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const LedgerMinute& row = rows[i];
    steps[i] = static_cast<double>(row.minute - before - 1);
    valid[i] = row.valid;
    good[i] = row.good;
    bad[i] = row.valid - row.good;
    excluded[i] = row.kept_excluded();
    before = row.minute;
  }
  const auto filled = [&](const Column& column) {
    return std::span<const double>(column.data(), rows.size());
  };
  widths_.step = width_of(filled(steps));
  widths_.valid = width_of(filled(valid));
  widths_.bad = widths_.valid == kAsDouble ? kAsDouble : width_of(filled(bad));
  widths_.excluded = width_of(filled(excluded));
  packed_.reserve(rows.size() * widths_.row());
  put(filled(steps), widths_.step, packed_);
  put(filled(valid), widths_.valid, packed_);
  put(filled(widths_.bad == kAsDouble ? good : bad), widths_.bad, packed_);
  put(filled(excluded), widths_.excluded, packed_);
}

Result<MinuteBlock> MinuteBlock::decode(std::int64_t first, std::int64_t last,
                                        std::string_view bytes) {
  const auto corrupt = [&](const char* why) {
    return Error(ErrorCode::kCorrupt, "packed minutes from " + std::to_string(first) + " to " +
                                          std::to_string(last) + " of an SLO: " + why);
  };
  constexpr std::size_t kHead = 5;
  if (bytes.size() < kHead) return corrupt("too short");
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  MinuteBlock out;
  out.first_ = first;
  out.last_ = last;
  out.rows_ = byte(0);
  out.widths_ = {byte(1), byte(2), byte(3), byte(4)};
  for (std::size_t i = 1; i < kHead; ++i) {
    if (byte(i) > 8 || (byte(i) & (byte(i) - 1)) != 0) return corrupt("no such width");
  }
  if (out.widths_.step == kAsDouble) return corrupt("no such width");
  if (out.rows_ == 0 || out.rows_ > kRows || bytes.size() != kHead + out.rows_ * out.widths_.row())
    return corrupt("the size is wrong");
  out.packed_.assign(bytes.begin() + kHead, bytes.end());
  std::vector<LedgerMinute> rows;
  out.unpack(rows);
  if (rows.back().minute != last) return corrupt("it ends with another minute");
  return out;
}

std::string MinuteBlock::encode() const {
  std::string out;
  for (const std::uint8_t byte :
       {rows_, widths_.step, widths_.valid, widths_.bad, widths_.excluded})
    out += static_cast<char>(byte);
  out.append(packed_.begin(), packed_.end());
  return out;
}

void MinuteBlock::unpack(std::vector<LedgerMinute>& out) const {
  Column steps, valid, bad, excluded;
  const std::size_t rows = rows_;
  const auto fill = [rows](Column& column) { return std::span<double>(column.data(), rows); };
  const std::uint8_t* at = packed_.data();
  at = get(at, widths_.step, fill(steps));
  at = get(at, widths_.valid, fill(valid));
  at = get(at, widths_.bad, fill(bad));
  get(at, widths_.excluded, fill(excluded));
  std::int64_t minute = first_ - 1;
  for (std::size_t i = 0; i < rows; ++i) {
    minute += 1 + static_cast<std::int64_t>(steps[i]);
    const double good = widths_.bad == kAsDouble ? bad[i] : valid[i] - bad[i];
    LedgerMinute& row = out.emplace_back(LedgerMinute{minute, good, valid[i]});
    row.set_excluded(excluded[i]);
  }
}

}  // namespace nines::storage
