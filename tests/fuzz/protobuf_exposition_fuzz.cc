// Any bytes, read as protobuf under each option: no crash; every series text has its labels, every
// histogram holds together and still does one resolution coarser; guesses change nothing.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/exposition/native_histogram.h"
#include "collector/exposition/parser.h"

namespace {

using namespace nines::collector;

struct Seen {
  std::string series;
  std::uint64_t bits;
  std::uint64_t lead_hash;
  std::uint32_t lead_bytes;
  bool operator==(const Seen&) const = default;
};

struct Visitor final : ExpositionVisitor {
  explicit Visitor(const std::vector<Seen>* from) : guesses(from) {}
  nines::Result<void> on_sample(const ExposedSample& s) override {
    if (s.series.empty()) __builtin_trap();
    const auto labels = parse_series(s.series);
    if (labels && labels->metric_name().empty()) __builtin_trap();
    if (s.histogram != nullptr) {
      nines::Histogram h = *s.histogram;
      if (!check_histogram(h, false)) __builtin_trap();
      reduce_resolution(h, h.schema - 1);
      if (!check_histogram(h, false)) __builtin_trap();
    }
    seen.push_back(
        {std::string(s.series), std::bit_cast<std::uint64_t>(s.value), s.lead_hash, s.lead_bytes});
    return {};
  }
  ExpectedSample expected() const override {
    if (guesses == nullptr || seen.size() >= guesses->size()) return {};
    const Seen& guess = (*guesses)[seen.size()];
    return {guess.series, guess.lead_hash, guess.lead_bytes};
  }
  const std::vector<Seen>* guesses;
  std::vector<Seen> seen;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (unsigned bits = 0; bits < 8; ++bits) {
    const ExpositionOptions options{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    Visitor first(nullptr);
    const bool ok = parse_exposition(body, ExpositionFormat::kProtobuf, first, options).has_value();
    Visitor second(&first.seen);
    if (parse_exposition(body, ExpositionFormat::kProtobuf, second, options).has_value() != ok) {
      __builtin_trap();
    }
    if (first.seen != second.seen) __builtin_trap();
  }
  return 0;
}
