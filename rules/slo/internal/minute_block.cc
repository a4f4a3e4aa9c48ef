#include "rules/slo/internal/minute_block.h"

#include <cmath>
#include <cstring>

namespace nines::slo {
namespace {

using storage::LedgerMinute;

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

void put(std::span<const double> values, std::uint8_t width, std::vector<std::uint8_t>& out) {
  if (width == 0) return;
  for (const double value : values) {
    if (width == kAsDouble) {
      std::uint8_t bytes[8];
      std::memcpy(bytes, &value, sizeof bytes);
      out.insert(out.end(), bytes, bytes + sizeof bytes);
      continue;
    }
    auto whole = static_cast<std::uint32_t>(value);
    for (std::uint8_t i = 0; i < width; ++i, whole >>= 8)
      out.push_back(static_cast<std::uint8_t>(whole & 0xFF));
  }
}

double get(const std::uint8_t* at, std::uint8_t width, std::size_t row) {
  if (width == 0) return 0;
  at += row * width;
  if (width == kAsDouble) {
    double value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  std::uint32_t whole = 0;
  for (std::uint8_t i = width; i-- > 0;) whole = (whole << 8) | at[i];
  return whole;
}

}  // namespace

MinuteBlock::MinuteBlock(std::span<const LedgerMinute> rows)
    : first_(rows.front().minute),
      last_(rows.back().minute),
      rows_(static_cast<std::uint8_t>(rows.size())) {
  std::vector<double> steps, valid, bad, good, excluded;
  std::int64_t before = first_ - 1;
  for (const LedgerMinute& row : rows) {
    steps.push_back(static_cast<double>(row.minute - before - 1));
    valid.push_back(row.valid);
    good.push_back(row.good);
    bad.push_back(row.valid - row.good);
    excluded.push_back(row.excluded);
    before = row.minute;
  }
  widths_.step = width_of(steps);
  widths_.valid = width_of(valid);
  widths_.bad = widths_.valid == kAsDouble ? kAsDouble : width_of(bad);
  widths_.excluded = width_of(excluded);
  packed_.reserve(rows.size() *
                  (std::size_t{widths_.step} + widths_.valid + widths_.bad + widths_.excluded));
  put(steps, widths_.step, packed_);
  put(valid, widths_.valid, packed_);
  put(widths_.bad == kAsDouble ? good : bad, widths_.bad, packed_);
  put(excluded, widths_.excluded, packed_);
}

void MinuteBlock::unpack(std::vector<LedgerMinute>& out) const {
  const std::uint8_t* steps = packed_.data();
  const std::uint8_t* valid = steps + std::size_t{widths_.step} * rows_;
  const std::uint8_t* bad = valid + std::size_t{widths_.valid} * rows_;
  const std::uint8_t* excluded = bad + std::size_t{widths_.bad} * rows_;
  std::int64_t minute = first_ - 1;
  for (std::size_t i = 0; i < rows_; ++i) {
    LedgerMinute row;
    minute += 1 + static_cast<std::int64_t>(get(steps, widths_.step, i));
    row.minute = minute;
    row.valid = get(valid, widths_.valid, i);
    const double rest = get(bad, widths_.bad, i);
    row.good = widths_.bad == kAsDouble ? rest : row.valid - rest;
    row.excluded = get(excluded, widths_.excluded, i);
    out.push_back(row);
  }
}

}  // namespace nines::slo
