#include "storage/metrics/internal/group_head.h"

#include <algorithm>
#include <numeric>

namespace nines::storage {
namespace {

std::vector<Point>::const_iterator at_or_after(const std::vector<Point>& points,
                                               std::int64_t time) {
  return std::lower_bound(points.begin(), points.end(), time,
                          [](const Point& p, std::int64_t t) { return p.time < t; });
}

template <typename T>
void reorder(std::vector<T>& column, const std::vector<std::uint32_t>& order) {
  if (column.empty()) return;
  std::vector<T> out;
  out.reserve(order.size());
  for (const std::uint32_t i : order) out.push_back(std::move(column[i]));
  column = std::move(out);
}

template <typename T>
void cut(std::vector<T>& column, std::size_t begin, std::size_t end) {
  if (column.empty()) return;
  column.resize(end);
  column.erase(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(begin));
}

}  // namespace

void GroupHead::keep(std::int64_t at, std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    bounds_.include(entry.time);
    const bool plain = entry.time == at && !entry.histogram && entry.start == 0;
    if (plain && rows_.takes_row_at(at)) rows_.begin_row(at);
    if (plain && rows_.lacks(entry.slot, at)) {
      rows_.put(entry.slot, entry.value);
    } else {
      keep_odd(entry);
    }
  }
}

void GroupHead::keep_odd(const Entry& entry) {
  std::vector<Point>& points = odd_[entry.slot];
  const auto place = at_or_after(points, entry.time);
  if (place != points.end() && place->time == entry.time) return;
  points.insert(place, Point{entry.time, entry.value, entry.histogram, entry.start});
  ++odd_points_;
}

bool GroupHead::find(std::uint32_t slot, std::int64_t time, Point& out) const {
  if (const auto odd = odd_.find(slot); odd != odd_.end()) {
    const auto place = at_or_after(odd->second, time);
    if (place != odd->second.end() && place->time == time) {
      out = *place;
      return true;
    }
  }
  out = Point{time, 0, nullptr, 0};
  return rows_.find(slot, time, out.value);
}

void GroupHead::read(std::uint32_t slot, SampleColumns& out) const {
  const auto odd = odd_.find(slot);
  if (odd == odd_.end()) {
    rows_.read(slot, out.times, out.values);
    level(out);
    return;
  }
  std::vector<std::int64_t> times;
  std::vector<double> values;
  rows_.read(slot, times, values);
  std::size_t row = 0;
  const auto take_rows_before = [&](std::int64_t time) {
    for (; row < times.size() && times[row] < time; ++row)
      add_point(out, {times[row], values[row], nullptr, 0});
    if (row < times.size() && times[row] == time) ++row;
  };
  for (const Point& point : odd->second) {
    take_rows_before(point.time);
    add_point(out, point);
  }
  take_rows_before(INT64_MAX);
}

void GroupHead::read_rows(std::span<const std::uint32_t> slots, std::size_t stride, double* out,
                          std::vector<bool>& whole) const {
  rows_.read_rows(slots, stride, out, whole);
  for (std::size_t i = 0; !odd_.empty() && i < slots.size(); ++i) {
    if (odd_.contains(slots[i])) whole[i] = false;
  }
}

void GroupHead::clear() {
  rows_.clear();
  odd_.clear();
  odd_points_ = 0;
  bounds_ = {};
}

std::size_t GroupHead::bytes() const {
  return rows_.bytes() + odd_points_ * sizeof(Point);
}

void add_point(SampleColumns& out, const Point& point) {
  if (point.histogram && out.histograms.empty()) out.histograms.resize(out.times.size());
  if (point.start != 0 && out.start_times.empty()) out.start_times.resize(out.times.size());
  const bool histograms = point.histogram || !out.histograms.empty();
  const bool starts = point.start != 0 || !out.start_times.empty();
  out.times.push_back(point.time);
  out.values.push_back(point.value);
  if (histograms) out.histograms.push_back(point.histogram);
  if (starts) out.start_times.push_back(point.start);
}

void level(SampleColumns& columns) {
  if (!columns.histograms.empty()) columns.histograms.resize(columns.times.size());
  if (!columns.start_times.empty()) columns.start_times.resize(columns.times.size());
}

void cut_torn(SampleColumns& columns) {
  const std::size_t whole = std::min(columns.times.size(), columns.values.size());
  columns.times.resize(whole);
  columns.values.resize(whole);
}

void put_in_order(SampleColumns& columns, std::int64_t from, std::int64_t to) {
  level(columns);
  std::vector<std::int64_t>& times = columns.times;
  const auto not_after = [](std::int64_t a, std::int64_t b) { return a >= b; };
  if (std::adjacent_find(times.begin(), times.end(), not_after) != times.end()) {
    std::vector<std::uint32_t> order(times.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return times[a] < times[b]; });
    order.erase(std::unique(order.begin(), order.end(),
                            [&](std::uint32_t a, std::uint32_t b) { return times[a] == times[b]; }),
                order.end());
    reorder(columns.values, order);
    reorder(columns.histograms, order);
    reorder(columns.start_times, order);
    reorder(columns.times, order);
  }
  const auto begin =
      static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), from) - times.begin());
  const auto end =
      static_cast<std::size_t>(std::upper_bound(times.begin(), times.end(), to) - times.begin());
  if (begin == 0 && end == times.size()) return;
  const std::size_t last = std::max(begin, end);
  cut(columns.values, begin, last);
  cut(columns.histograms, begin, last);
  cut(columns.start_times, begin, last);
  cut(columns.times, begin, last);
}

}  // namespace nines::storage
