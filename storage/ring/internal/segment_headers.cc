#include "storage/ring/internal/segment_headers.h"

#include <array>
#include <optional>

namespace nines::storage::ring {

Result<void> read_segment_headers(const Uuid& uuid, const std::string& name, Segment& segment,
                                  std::vector<std::string>& damage) {
  std::array<HeaderBytes, 2> pages{};
  std::array<std::optional<SegmentHeader>, 2> headers;
  for (std::size_t page = 0; page < 2; ++page) {
    NINES_TRY(const std::size_t got, segment.file->pread(page * kPage, pages[page]));
    headers[page] = decode_header(std::span(pages[page]).first(got));
    if (headers[page] && headers[page]->uuid != uuid) headers[page].reset();
  }
  const bool blank = pages[0] == HeaderBytes{};
  if (!headers[0] && !blank) {
    damage.push_back(name + ": its header is damaged" +
                     (headers[1] ? "; read by its second one" : "; its data cannot be read"));
  }
  if (!headers[0] && (blank || !headers[1])) return {};
  const SegmentHeader& header = headers[0] ? *headers[0] : *headers[1];
  segment.generation = header.generation;
  segment.cls = header.cls;
  segment.live = header.state != HeaderState::kReleased;
  if (headers[1] && headers[1]->generation == header.generation) {
    segment.sealed = segment.scanned = true;
    segment.times = headers[1]->times;
    segment.data_end = headers[1]->data_end;
    segment.footer_offset = headers[1]->footer_offset;
    segment.footer_length = headers[1]->footer_length;
  }
  return {};
}

}  // namespace nines::storage::ring
