#pragma once
// Frames that say what slots mean: a LAYOUT lists own labels by slot, a GROUP puts its labels and a
// layout together. The same in journal and pages. Layout: docs/formats/metrics-ring.md.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "storage/series/series_index.h"

namespace nines::storage {

// A piece of a layout: the slots first, first + 1, ... Pieces of one id follow each other in a
// segment, the first begins at 0.
class LayoutFrame {
 public:
  std::uint64_t id = 0;
  std::uint32_t first = 0;
  std::string family;
  std::uint32_t count() const { return static_cast<std::uint32_t>(begins_.size() - 1); }

  // Adds the piece to `index`, or finds that it is there already. False: `index` has other series
  // at these slots, or ends before `first`; it is unchanged then.
  bool join(series::SeriesIndex& index) const;

 private:
  friend Result<LayoutFrame> decode_layout(std::string_view payload);
  std::string content_;
  std::vector<std::string_view> texts_;                // in content_
  std::vector<series::SeriesIndex::LabelRef> labels_;  // places in texts_
  std::vector<std::uint32_t> begins_{0};               // of each slot in labels_, one more
};

std::string encode_layout(std::uint64_t id, std::string_view family,
                          const series::SeriesIndex& index, std::uint32_t first, std::uint32_t end);
Result<LayoutFrame> decode_layout(std::string_view payload);  // kCorrupt
// A generous guess at the bytes of encode_layout() for so many slots of it.
std::size_t layout_bytes(const series::SeriesIndex& index, std::uint32_t first, std::uint32_t end);

struct GroupFrame {
  std::string group;
  LabelSet labels;
  std::uint64_t layout = 0;  // id
};

std::string encode_group(const GroupFrame& frame);
Result<GroupFrame> decode_group(std::string_view payload);  // kCorrupt

}  // namespace nines::storage
