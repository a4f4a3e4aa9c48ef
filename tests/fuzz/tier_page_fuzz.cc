// Any bytes as a page of a tier: windows in order or an error, never a crash; and what was read is
// read again from what it is encoded to.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "storage/metrics/internal/tier_page.h"

namespace {

using namespace nines::storage;  // NOLINT: a program of one function

bool same(const TierWindow& a, const TierWindow& b) {
  const auto bits = [](double x, double y) { return std::memcmp(&x, &y, sizeof x) == 0; };
  return a.end == b.end && a.count == b.count && a.resets == b.resets && a.ended == b.ended &&
         a.histograms == b.histograms && bits(a.sum, b.sum) && bits(a.min, b.min) &&
         bits(a.max, b.max) && bits(a.first, b.first) && bits(a.last, b.last) &&
         bits(a.correction, b.correction) && a.first_time == b.first_time &&
         a.last_time == b.last_time && a.first_start == b.first_start &&
         a.last_start == b.last_start;
}

void again(const TierPageHead& head, const std::vector<std::vector<TierWindow>>& windows) {
  TierPageHead copy = head;
  std::string columns;
  encode_tier_columns(copy, windows, columns);
  std::string bytes;
  encode_tier_head(copy, bytes);
  const auto page = TierPage::open(bytes + columns);
  if (!page) __builtin_trap();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    std::vector<TierWindow> out;
    if (!(*page)->read(head.page.slots.first + static_cast<std::uint32_t>(i), out))
      __builtin_trap();
    if (out.size() != windows[i].size()) __builtin_trap();
    for (std::size_t w = 0; w < out.size(); ++w) {
      if (!same(out[w], windows[i][w])) __builtin_trap();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto page = TierPage::open(bytes);
  if (!page) return 0;
  const SlotRange slots = (*page)->head().page.slots;
  std::vector<std::vector<TierWindow>> windows(slots.end - slots.first);
  bool any = false;
  for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
    std::vector<TierWindow>& out = windows[slot - slots.first];
    if (!(*page)->read(slot, out) && !out.empty()) __builtin_trap();
    for (std::size_t i = 1; i < out.size(); ++i) {
      if (out[i - 1].end >= out[i].end) __builtin_trap();
    }
    any = any || !out.empty();
  }
  if (any) again((*page)->head(), windows);
  return 0;
}
