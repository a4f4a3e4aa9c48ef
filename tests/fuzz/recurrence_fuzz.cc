// A recurrence rule. No crash; what is taken has occurrences, ascending, none before the start, and
// a window of them is what lies in it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rules/maintenance/recurrence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines;
  using namespace nines::maintenance;
  if (size > 200) return 0;
  auto rule = parse_recurrence({reinterpret_cast<const char*>(data), size});
  if (!rule) return 0;
  const auto start = parse_local_time("2024-02-29 02:30:00");
  const auto made = Occurrences::make(*rule, *start, TimeZone::utc());
  if (!made) return 0;
  const Timestamp from = TimeZone::utc().to_utc(*start);
  const auto all = made->between(from - Duration(1), from + Duration(800LL * 86'400'000));
  if (!std::is_sorted(all.begin(), all.end())) __builtin_trap();
  if (!all.empty() && all.front() < from) __builtin_trap();
  if (all.size() > 2) {
    const auto some = made->between(all[1], all[2]);
    if (some.size() != 1 || some[0] != all[1]) __builtin_trap();
  }
  return 0;
}
