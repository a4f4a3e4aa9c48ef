// Any bytes as what the metric store writes: a page, a journal row, a definition,
// a segment's index. Samples
// or an error, never a crash; what a page gives is as long in all its columns.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "storage/metrics/internal/definitions.h"
#include "storage/metrics/internal/page.h"
#include "storage/metrics/internal/page_log.h"
#include "storage/metrics/internal/rows_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nines::storage;  // NOLINT: a program of one function
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto page = Page::open(bytes)) {
    const SlotRange slots = (*page)->head().slots;
    for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
      nines::SampleColumns out;
      if (!(*page)->read(slot, out)) continue;
      if (out.values.size() != out.times.size()) __builtin_trap();
      if (!out.histograms.empty() && out.histograms.size() != out.times.size()) __builtin_trap();
      if (!out.start_times.empty() && out.start_times.size() != out.times.size()) __builtin_trap();
    }
  }
  RowsState state;
  if (const auto rows = decode_rows(state, bytes); rows && !rows->entries.empty()) {
    if (rows->entries.back().slot < 1U << 20) advance(state, rows->time, rows->entries);
  }
  if (const auto layout = decode_layout(bytes)) {
    series::SeriesIndex index;
    (void)layout->join(index);
    if (index.size() > layout->first + layout->count()) __builtin_trap();
  }
  (void)decode_group(bytes);
  (void)decode_segment_index(bytes, {});
  return 0;
}
