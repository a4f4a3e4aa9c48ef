#pragma once
// The samples of one group that are in no page yet: whole rows as columns, and what fits no row
// (late samples, times of their own, histograms, start times) point by point.

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/model/sample.h"
#include "storage/metrics/internal/entry.h"
#include "storage/metrics/internal/head_columns.h"
#include "storage/ring/ring.h"

namespace nines::storage {

// One thread at a time.
class GroupHead {
 public:
  void grow(std::size_t slots) { rows_.grow(slots); }
  std::size_t slots() const { return rows_.slots(); }
  // Takes the entries of one instant: ascending by slot, each slot once. What comes in several
  // parts, as senders split what they scraped, is one row as long as nothing newer came in between.
  void keep(std::int64_t at, std::span<const Entry> entries);
  // The point of `slot` at exactly `time`.
  bool find(std::uint32_t slot, std::int64_t time, Point& out) const;
  // Appends what `slot` has, ascending, one per time.
  void read(std::uint32_t slot, SampleColumns& out) const;

  // As HeadColumns::read_rows(): a slot is whole when it has nothing beside its rows, too.
  void read_rows(std::span<const std::uint32_t> slots, std::size_t stride, double* out,
                 std::vector<bool>& whole) const;
  // The last sample of `slot` up to `to`, a float, if it is in a row that is not encoded yet.
  // False: read() tells.
  bool latest_open(std::uint32_t slot, std::int64_t to, std::int64_t& time, double& value) const {
    return slot < slots() && (odd_.empty() || !odd_.contains(slot)) &&
           rows_.latest_open(slot, to, time, value);
  }

  bool empty() const { return bounds_.empty(); }
  ring::TimeBounds bounds() const { return bounds_; }
  const std::vector<std::int64_t>& row_times() const { return rows_.times(); }
  std::size_t odd_points() const { return odd_points_; }
  void clear();
  std::size_t bytes() const;

 private:
  void keep_odd(const Entry& entry);

  HeadColumns rows_;
  std::map<std::uint32_t, std::vector<Point>> odd_;  // by slot, ascending by time
  std::size_t odd_points_ = 0;
  ring::TimeBounds bounds_;
};

// --- columns of samples ---

void add_point(SampleColumns& out, const Point& point);
// Makes the optional columns as long as the others, those that are in use.
void level(SampleColumns& columns);
// Takes away times without values, or the other way round, where reading a page has failed.
void cut_torn(SampleColumns& columns);
// Ascending by time, the first of equal times kept; and only [from, to].
void put_in_order(SampleColumns& columns, std::int64_t from, std::int64_t to);

}  // namespace nines::storage
