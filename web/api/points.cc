#include "web/api/internal/points.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

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

constexpr std::size_t kNumberMost = 48;  // bytes, of those that write_number() takes

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

void TimeTexts::make(std::int64_t ms) {
  const std::size_t begin = texts_.size();
  append_seconds(texts_, ms);
  known_.push_back({ms, begin, texts_.size()});
}

void TimeTexts::begin(const SampleColumns& samples) {
  next_ = 0;
  if (samples.times.size() <= known_.size()) return;
  known_.clear();
  texts_.clear();
  for (const std::int64_t ms : samples.times) make(ms);
}

std::string_view TimeTexts::of(std::int64_t ms) {
  while (next_ < known_.size() && known_[next_].ms < ms) ++next_;
  if (next_ < known_.size() && known_[next_].ms == ms) {
    const Text& text = known_[next_];
    return std::string_view(texts_).substr(text.begin, text.end - text.begin);
  }
  other_.clear();
  append_seconds(other_, ms);
  return other_;
}

void append_floats(std::string& out, const SampleColumns& samples, TimeTexts& times) {
  constexpr std::size_t kPointMost = kNumberMost + 32;  // with its time and what is between
  std::array<char, 64 * kPointMost> buffer;             // NOLINT: written before it is read
  char* at = buffer.data();
  const auto put = [&at](std::string_view text) { at = std::copy(text.begin(), text.end(), at); };
  times.begin(samples);
  *at++ = '[';
  bool first = true;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!samples.histograms.empty() && samples.histograms[i] != nullptr) continue;
    if (static_cast<std::size_t>(buffer.data() + buffer.size() - at) < kPointMost) {
      out.append(buffer.data(), at);
      at = buffer.data();
    }
    put(first ? "[" : ",[");
    first = false;
    put(times.of(samples.times[i]));
    put(",\"");
    if (char* const end = write_number(at, samples.values[i])) {
      at = end;
    } else {
      put(api_number(samples.values[i]));
    }
    put("\"]");
  }
  *at++ = ']';
  out.append(buffer.data(), at);
}

}  // namespace nines::web
