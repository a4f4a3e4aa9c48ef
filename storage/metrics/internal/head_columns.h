#pragma once
// The rows of one group that are in no page yet: column by column, in blocks of eight rows, each
// block encoded when the row after it begins. About a byte a sample, and nothing is allocated per
// sample.

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/chunk/bytes.h"

namespace nines::storage {

// One thread at a time.
class HeadColumns {
 public:
  static constexpr std::size_t kBlockRows = 8;

  // Columns for slots 0..slots-1; never fewer than before.
  void grow(std::size_t slots);
  std::size_t slots() const { return present_.size(); }

  // Rows in ascending order of time. What is put is in the row begun last, each slot at most once.
  bool takes_row_at(std::int64_t time) const { return times_.empty() || time > times_.back(); }
  void begin_row(std::int64_t time);
  void put(std::uint32_t slot, double value);
  // Is the row begun last at `time`, and may `slot` be put there?
  bool lacks(std::uint32_t slot, std::int64_t time) const {
    return open_rows_ > 0 && time == times_.back() && (present_[slot] >> (open_rows_ - 1) & 1) == 0;
  }

  std::size_t rows() const { return times_.size(); }
  const std::vector<std::int64_t>& times() const { return times_; }
  // Appends what `slot` has, ascending.
  void read(std::uint32_t slot, std::vector<std::int64_t>& times,
            std::vector<double>& values) const;
  // The values of each of `slots` (ascending) in all rows, those of the next slot `stride` further
  // on in `out`. Clears `whole[i]` where a slot has not all of them; its values mean nothing then.
  void read_rows(std::span<const std::uint32_t> slots, std::size_t stride, double* out,
                 std::vector<bool>& whole) const;
  // Does `slot` have a sample at `time`, and which?
  bool find(std::uint32_t slot, std::int64_t time, double& value) const;
  // The last sample of `slot` up to `to`, when it is in a row that is not in a block.
  bool latest_open(std::uint32_t slot, std::int64_t to, std::int64_t& time, double& value) const;
  void clear();
  std::size_t bytes() const;  // of memory

 private:
  struct Block {
    std::string bytes;                                            // an entry per slot
    std::vector<std::uint32_t> places;                            // of every 16th entry
    std::vector<std::pair<std::uint32_t, std::uint8_t>> partial;  // slots without all rows: which
    std::uint32_t slots = 0;
    std::uint32_t first_new = 0;  // these slots and all above have their first entry here
  };
  void encode_block();
  void put_entry(std::uint32_t slot, bool first, std::string& out);
  // Decodes the entry at `in` into `values`; `last` is the value before it.
  static void get_entry(chunk::ByteReader& in, bool first, double& last, double* values);
  static void skip_entry(chunk::ByteReader& in, bool first);

  std::vector<std::int64_t> times_;
  std::vector<Block> blocks_;
  std::size_t open_rows_ = 0;          // rows not in a block, up to kBlockRows
  std::vector<double> open_;           // kBlockRows per slot
  std::vector<std::uint8_t> present_;  // per slot: the open rows it has
  std::vector<double> last_;           // per slot: the value before the open rows
  std::vector<std::uint8_t> scales_;   // per slot: the scale that fitted last
};

}  // namespace nines::storage
