#include "web/api/internal/points.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "web/api/internal/decimal_digits.h"
#include "web/api/internal/histogram_json.h"

namespace nines::web {

void append_seconds(std::string& out, std::int64_t ms) {
  std::array<char, 24> text{};
  if (ms < 0) out += '-';
  const std::uint64_t magnitude =
      ms < 0 ? 0 - static_cast<std::uint64_t>(ms) : static_cast<std::uint64_t>(ms);
  const auto whole = std::to_chars(text.data(), text.data() + text.size(), magnitude / 1000);
  out.append(text.data(), whole.ptr);
  const std::uint64_t rest = magnitude % 1000;
  if (rest == 0) return;
  const std::array<char, 4> decimals = {'.', static_cast<char>('0' + rest / 100),
                                        static_cast<char>('0' + rest / 10 % 10),
                                        static_cast<char>('0' + rest % 10)};
  out.append(decimals.data(), decimals.size());
}

namespace {

constexpr std::size_t kNumberMost = kDecimalMost;  // bytes, of those that write_number() takes

// Numbers whose shortest digits have no exponent and no zeros that stand for others: there
// std::to_chars finds the same ones. Null for all others.
char* write_number(char* to, double value) {
  constexpr double kLeast = 1e-6, kMost = 9e15;
  const double size = std::fabs(value);
  if (!(size < kMost) || (size < kLeast && value != 0)) return nullptr;
  char* const end = to + kNumberMost;
  const auto whole = static_cast<std::int64_t>(value);
  if (static_cast<double>(whole) == value && (whole != 0 || !std::signbit(value))) {
    return std::to_chars(to, end, whole).ptr;  // counters, mostly
  }
  constexpr double kFractionsBelow = 4503599627370496.0;  // 2^52
  const bool power_of_two = std::bit_cast<std::uint64_t>(value) << 12 == 0;
  if (size < kFractionsBelow && !power_of_two) return write_decimal(to, value);
  return std::to_chars(to, end, value, std::chars_format::fixed).ptr;
}

}  // namespace

void append_number(std::string& out, double value) {
  std::array<char, kNumberMost> text{};
  if (char* const end = write_number(text.data(), value)) {
    out.append(text.data(), end);
  } else {
    out += api_number(value);
  }
}

TimeTexts::Text TimeTexts::make(std::int64_t ms) {
  std::string text = ",[";
  append_seconds(text, ms);
  text += ",\"";
  Text out;
  out.ms = ms;
  out.size = std::min(text.size(), out.bytes.size());
  std::copy_n(text.data(), out.size, out.bytes.data());
  return out;
}

void TimeTexts::begin(const SampleColumns& samples) {
  next_ = 0;
  if (samples.times.size() <= known_.size()) return;
  known_.clear();
  for (const std::int64_t ms : samples.times) known_.push_back(make(ms));
}

const TimeTexts::Text& TimeTexts::of(std::int64_t ms) {
  while (next_ < known_.size() && known_[next_].ms < ms) ++next_;
  if (next_ < known_.size() && known_[next_].ms == ms) return known_[next_];
  return other_ = make(ms);
}

void append_floats(std::string& out, const SampleColumns& samples, TimeTexts& times) {
  constexpr std::size_t kPointMost =
      kNumberMost + TimeTexts::kMost;        // with its time and what is between
  std::array<char, 64 * kPointMost> buffer;  // NOLINT: written before it is read
  char* at = buffer.data();
  times.begin(samples);
  *at++ = '[';
  bool first = true;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!samples.histograms.empty() && samples.histograms[i] != nullptr) continue;
    if (static_cast<std::size_t>(buffer.data() + buffer.size() - at) < kPointMost) {
      out.append(buffer.data(), at);
      at = buffer.data();
    }
    const TimeTexts::Text& time = times.of(samples.times[i]);
    const std::size_t skipped = first ? 1 : 0;
    first = false;
    std::memcpy(at, time.bytes.data() + skipped, TimeTexts::kMost);  // as long as any: no call
    at += time.size - skipped;
    if (char* const end = write_number(at, samples.values[i])) {
      at = end;
    } else {
      const std::string text = api_number(samples.values[i]);
      at = std::copy(text.begin(), text.end(), at);
    }
    std::memcpy(at, "\"]", 2);
    at += 2;
  }
  *at++ = ']';
  out.append(buffer.data(), at);
}

}  // namespace nines::web
