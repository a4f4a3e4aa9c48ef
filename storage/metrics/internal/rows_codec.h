#pragma once
// ROWS frames of the journal: the rows of one group, as changes since the row before.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "storage/metrics/internal/entry.h"

namespace nines::storage {

// What a ROWS frame is relative to. Writer and reader keep one per group and move it alike.
struct RowsState {
  std::uint64_t next_index = 0;          // frames since the last key frame; 0: the next is a key
  std::int64_t time = 0;                 // of the frame before
  std::vector<std::uint64_t> last_bits;  // by slot
  std::vector<std::uint8_t> scales;      // by slot: chunk::Scale::packed() of its whole numbers
};

// A damaged frame costs a group the rows up to its next key frame.
inline constexpr std::uint64_t kRowsPerKey = 16;

struct RowsFrame {
  std::uint64_t index = 0;  // 0: a key frame, relative to nothing
  std::int64_t time = 0;
  std::vector<Entry> entries;  // ascending by slot, one per slot
};

// Appends one frame's payload and moves `state` past it. `entries`: ascending by slot, each slot
// once. When the frame does not get into the journal, next_index must be set to 0: a key frame
// follows.
void encode_rows(RowsState& state, std::int64_t at, std::span<const Entry> entries,
                 std::string& out);
// Moves `state` past a frame with these entries.
void advance(RowsState& state, std::int64_t at, std::span<const Entry> entries);
// kCorrupt: no such payload. kOutOfOrder: it follows a frame that `state` has not seen; good frames
// begin again with the next key frame.
Result<RowsFrame> decode_rows(const RowsState& state, std::string_view payload);

// Does a row relative to nothing stand in the payload? False when it is damaged, too.
bool is_key_row(std::string_view payload);

// Number of labels, then name and value of each.
void put_label_set(std::string& out, const LabelSet& labels);

}  // namespace nines::storage
