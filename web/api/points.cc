#include "web/api/internal/points.h"

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

void append_number(std::string& out, double value) {
  // Between these the shortest digits have no exponent and no zeros that stand for others: there
  // std::to_chars finds the same ones.
  constexpr double kLeast = 1e-6, kMost = 9e15;
  const double size = std::fabs(value);
  if (value != 0 && (!(size >= kLeast) || !(size < kMost))) {
    out += api_number(value);
    return;
  }
  std::array<char, 48> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  out.append(text.data(), end.ptr);
}

void append_floats(std::string& out, const SampleColumns& samples) {
  out += '[';
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!samples.histograms.empty() && samples.histograms[i] != nullptr) continue;
    out += out.back() == '[' ? "[" : ",[";
    append_seconds(out, samples.times[i]);
    out += ",\"";
    append_number(out, samples.values[i]);
    out += "\"]";
  }
  out += ']';
}

}  // namespace nines::web
