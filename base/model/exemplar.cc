#include "base/model/exemplar.h"

#include <algorithm>
#include <bit>
#include <string_view>

namespace nines {
namespace {

// Of valid UTF-8: every byte that does not continue a character begins one.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

bool same_exemplar(const Exemplar& a, const Exemplar& b) {
  return a.own_time == b.own_time && (!a.own_time || a.time_ms == b.time_ms) &&
         std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value) &&
         a.labels == b.labels;
}

std::size_t exemplar_characters(const LabelSet& labels) {
  std::size_t sum = 0;
  for (const Label& label : labels) sum += characters(label.name) + characters(label.value);
  return sum;
}

}  // namespace nines
