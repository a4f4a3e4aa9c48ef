// Any bytes as the list of deletions: a list or kCorrupt, and what was read is written and read
// back the same. Then what it hides of a few series and samples: never more than there was.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/metrics/internal/tombstones.h"

namespace {

using namespace nines::storage;  // NOLINT: a program of one file

void hide(const std::vector<DeletedSpan>& spans) {
  const RingPlace place{3, 4096};
  nines::SampleColumns columns;
  std::vector<TierWindow> windows;
  for (std::int64_t i = 0; i < 8; ++i) {
    columns.times.push_back(i * 300'000);
    columns.values.push_back(static_cast<double>(i));
    columns.start_times.push_back(i);
    windows.emplace_back().end = i * 300'000;
  }
  erase_deleted(columns, 2, place, spans);
  // Those before the index are another page's; what is left stays together.
  if (columns.times.size() < 2 || columns.times.size() > 8) __builtin_trap();
  if (columns.values.size() != columns.times.size()) __builtin_trap();
  if (columns.start_times.size() != columns.times.size()) __builtin_trap();
  for (std::size_t i = 0; i < columns.times.size(); ++i) {
    if (columns.times[i] != columns.start_times[i] * 300'000) __builtin_trap();
  }
  erase_deleted(windows, 2, Tier::k5m, place, spans);
  if (windows.size() < 2 || windows.size() > 8) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto list = Tombstones::decode(bytes);
  if (!list) return list.error().code() == nines::ErrorCode::kCorrupt ? 0 : (__builtin_trap(), 0);
  const std::string text = list->encode();
  const auto again = Tombstones::decode(text);
  if (!again || again->size() != list->size() || again->encode() != text) __builtin_trap();
  for (const nines::LabelSet& labels :
       {nines::LabelSet{}, nines::LabelSet{{"__name__", "up"}, {"job", "node"}}}) {
    const std::vector<DeletedSpan> spans = list->spans(labels);
    if (spans.size() > list->size()) __builtin_trap();
    hide(spans);
    if (list->hides_exemplar(labels, 1000) && spans.empty()) __builtin_trap();
  }
  Tombstones left = *list;
  const bool went = left.drop_before({RingPlace{3, 0}, RingPlace{3, 0}, RingPlace{3, 0}});
  if (went != (left.size() < list->size())) __builtin_trap();
  return 0;
}
