// Any bytes, read as both text formats: no crash; guessing the series of the first pass changes
// nothing in the second; converting classic histograms refuses nothing that was well;
// a series that is written is read as the same.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/exposition/names.h"
#include "collector/exposition/parser.h"

namespace {

using namespace nines::collector;

struct Seen {
  std::string series;
  std::uint64_t bits;
  std::optional<std::int64_t> time_ms;
  std::uint64_t lead_hash;
  std::uint32_t lead_bytes;
  bool operator==(const Seen&) const = default;
};

// What is written is read as the same series, and escaped names are names of the older kind.
void check_written(const nines::LabelSet& labels) {
  const auto again = parse_series(exposed_text(labels));
  if (!again || *again != labels) __builtin_trap();
  for (const NameEscaping escaping :
       {NameEscaping::kUnderscores, NameEscaping::kDots, NameEscaping::kValues}) {
    for (const nines::Label& label : escape_names(labels, escaping)) {
      if (!nines::is_legacy_label_name(label.name)) __builtin_trap();
      const bool name = label.name == nines::kMetricName;
      if (name && !nines::is_legacy_metric_name(label.value)) __builtin_trap();
    }
  }
}

struct Visitor final : ExpositionVisitor {
  explicit Visitor(const std::vector<Seen>* from) : guesses(from) {}
  nines::Result<void> on_sample(const ExposedSample& s) override {
    const auto labels = parse_series(s.series);
    if (labels && s.series.empty()) __builtin_trap();
    if (labels) check_written(*labels);
    seen.push_back({std::string(s.series), std::bit_cast<std::uint64_t>(s.value), s.time_ms,
                    s.lead_hash, s.lead_bytes});
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

// Guesses many lines at once.
struct LineVisitor final : ExpositionVisitor {
  explicit LineVisitor(const std::vector<Seen>& from) : guesses(from) {
    for (const Seen& guess : guesses) {
      lines.push_back({static_cast<std::uint32_t>(text.size()), guess.lead_bytes, guess.lead_hash});
      text += guess.series + " ";
    }
    lines.push_back({static_cast<std::uint32_t>(text.size()), 0, 0});
    text.resize(text.size() + ExpectedLines::kReadPast);
  }
  nines::Result<void> on_sample(const ExposedSample& s) override {
    seen.push_back({std::string(s.series), std::bit_cast<std::uint64_t>(s.value), s.time_ms,
                    s.lead_hash, s.lead_bytes});
    return {};
  }
  ExpectedLines expected_lines() const override {
    if (seen.size() >= guesses.size()) return {};
    return {text.data(), lines.data() + seen.size(), guesses.size() - seen.size()};
  }
  nines::Result<void> on_expected(std::span<const double> values, bool leads) override {
    bool some = false;
    for (const double value : values) {
      Seen one = guesses[seen.size()];
      one.bits = std::bit_cast<std::uint64_t>(value);
      one.time_ms.reset();
      some |= one.lead_bytes != 0;
      seen.push_back(std::move(one));
    }
    if (values.empty() || some != leads) __builtin_trap();
    return {};
  }
  const std::vector<Seen>& guesses;
  std::string text;
  std::vector<ExpectedLine> lines;
  std::vector<Seen> seen;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const ExpositionFormat format :
       {ExpositionFormat::kText004, ExpositionFormat::kOpenMetrics}) {
    Visitor first(nullptr);
    const bool ok = parse_exposition(body, format, first).has_value();
    Visitor second(&first.seen);
    if (parse_exposition(body, format, second).has_value() != ok) __builtin_trap();
    if (first.seen != second.seen) __builtin_trap();
    // The guesses of another page: shifted by one.
    std::vector<Seen> shifted(first.seen);
    if (!shifted.empty()) shifted.erase(shifted.begin());
    Visitor third(&shifted);
    if (parse_exposition(body, format, third).has_value() != ok) __builtin_trap();
    if (first.seen != third.seen) __builtin_trap();
    for (const auto* guesses : {&first.seen, &shifted}) {
      LineVisitor lines(*guesses);
      if (parse_exposition(body, format, lines).has_value() != ok) __builtin_trap();
      if (first.seen != lines.seen) __builtin_trap();
    }
    Visitor fourth(nullptr);
    const ExpositionOptions convert{false, true, true};
    if (parse_exposition(body, format, fourth, convert).has_value() && !ok) __builtin_trap();
    if (ok && fourth.seen.size() < first.seen.size()) {
      // Only a series that parse_series() refuses ends such a pass early.
      bool refused = false;
      for (const Seen& one : first.seen) refused |= !parse_series(one.series);
      if (!refused) __builtin_trap();
    }
  }
  return 0;
}
