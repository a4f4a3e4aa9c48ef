#include "storage/metrics/internal/page.h"

#include <algorithm>
#include <map>

#include "storage/chunk/column.h"
#include "storage/metrics/internal/compress.h"

namespace nines::storage {
namespace {

using chunk::ByteReader;

constexpr std::uint8_t kOwnTimes = 1;    // else the page's shared times
constexpr std::uint8_t kHistograms = 2;  // a kind byte before each sample instead of a value column
constexpr std::uint8_t kStarts = 4;      // when each sample's counter began, before the values

Error damaged() {
  return Error(ErrorCode::kCorrupt, "page: its bytes make no sense");
}

std::vector<std::int64_t> times_of(const std::vector<Point>& points) {
  std::vector<std::int64_t> times;
  times.reserve(points.size());
  for (const Point& point : points) times.push_back(point.time);
  return times;
}

void put_integers(std::string& out, const std::vector<std::int64_t>& values) {
  chunk::put_varint(out, values.size());
  for (std::size_t at = 0; at < values.size(); at += chunk::kColumnMax) {
    chunk::encode_integers(
        std::span(values).subspan(at, std::min(chunk::kColumnMax, values.size() - at)), out);
  }
}

Result<void> get_integers(ByteReader& in, std::vector<std::int64_t>& out) {
  std::size_t left = in.varint();
  if (left > (1u << 24)) return damaged();
  while (left > 0) {
    const std::size_t now = std::min(left, chunk::kColumnMax);
    if (Result<void> read = chunk::decode_integers(in, now, out); !read) return read;
    left -= now;
  }
  return {};
}

// The times most columns have, so that they are written once.
std::vector<std::int64_t> common_times(const OpenColumns& columns, SlotRange slots) {
  std::map<std::vector<std::int64_t>, std::size_t> seen;
  for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
    if (!columns[slot].empty()) ++seen[times_of(columns[slot])];
  }
  const auto best = std::max_element(
      seen.begin(), seen.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return best == seen.end() ? std::vector<std::int64_t>() : best->first;
}

void put_column(std::string& out, const std::vector<Point>& points,
                const std::vector<std::int64_t>& shared) {
  const std::vector<std::int64_t> times = times_of(points);
  const bool own = times != shared;
  const bool histograms = std::any_of(points.begin(), points.end(),
                                      [](const Point& p) { return p.histogram != nullptr; });
  const bool starts =
      std::any_of(points.begin(), points.end(), [](const Point& p) { return p.start != 0; });
  chunk::put_byte(out, static_cast<std::uint8_t>((own ? kOwnTimes : 0) |
                                                 (histograms ? kHistograms : 0) |
                                                 (starts ? kStarts : 0)));
  if (own) put_integers(out, times);
  if (starts) {
    std::vector<std::int64_t> began;
    began.reserve(points.size());
    for (const Point& point : points) began.push_back(point.start);
    put_integers(out, began);
  }
  if (histograms) {
    for (const Point& point : points) {
      chunk::put_byte(out, point.histogram ? 1 : 0);
      if (point.histogram) {
        chunk::encode_histogram(*point.histogram, out);
      } else {
        chunk::put_fixed(out, point.value);
      }
    }
    return;
  }
  std::vector<double> values;
  values.reserve(points.size());
  for (const Point& point : points) values.push_back(point.value);
  for (std::size_t at = 0; at < values.size(); at += chunk::kColumnMax) {
    chunk::encode_values(
        std::span(values).subspan(at, std::min(chunk::kColumnMax, values.size() - at)), out);
  }
}

}  // namespace

void encode_page(const OpenColumns& columns, SlotRange slots, std::uint64_t flushed,
                 std::string& out) {
  const std::vector<std::int64_t> shared = common_times(columns, slots);
  std::string body;
  chunk::put_varint(body, flushed);
  put_integers(body, shared);
  std::size_t used = 0;
  for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) used += columns[slot].empty() ? 0 : 1;
  chunk::put_varint(body, used);
  std::uint32_t next = 0;
  for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
    if (columns[slot].empty()) continue;
    chunk::put_varint(body, slot - next);
    next = slot + 1;
    std::string column;
    put_column(column, columns[slot], shared);
    chunk::put_text(body, column);
  }
  put_packed(out, body);
}

Result<std::shared_ptr<const Page>> Page::open(std::string_view packed) {
  auto page = std::make_shared<Page>();
  NINES_TRY(page->bytes_, unpack(packed));
  ByteReader in(page->bytes_);
  page->flushed_ = in.varint();
  if (Result<void> read = get_integers(in, page->times_); !read) return std::move(read).error();
  const std::size_t used = in.count(2);
  std::uint32_t slot = 0;
  for (std::size_t i = 0; i < used; ++i) {
    slot += static_cast<std::uint32_t>(in.varint());
    const std::string_view column = in.text();
    if (in.failed()) return damaged();
    page->directory_.emplace_back(slot,
                                  static_cast<std::size_t>(column.data() - page->bytes_.data()));
    ++slot;
  }
  if (in.failed()) return damaged();
  return std::shared_ptr<const Page>(std::move(page));
}

Result<void> Page::read(std::uint32_t slot, std::vector<Point>& out) const {
  const auto found =
      std::lower_bound(directory_.begin(), directory_.end(), std::pair(slot, std::size_t{0}));
  if (found == directory_.end() || found->first != slot) return {};
  ByteReader in(std::string_view(bytes_).substr(found->second));
  const std::uint8_t kind = in.byte();
  std::vector<std::int64_t> own;
  if ((kind & kOwnTimes) != 0) {
    if (Result<void> read = get_integers(in, own); !read) return read;
  }
  const std::vector<std::int64_t>& times = (kind & kOwnTimes) != 0 ? own : times_;
  std::vector<std::int64_t> starts;
  if ((kind & kStarts) != 0) {
    if (Result<void> read = get_integers(in, starts); !read) return read;
    if (starts.size() != times.size()) return damaged();
  }
  const auto start_of = [&](std::size_t i) { return starts.empty() ? 0 : starts[i]; };
  if ((kind & kHistograms) != 0) {
    for (std::size_t i = 0; i < times.size(); ++i) {
      Point point{times[i], 0, nullptr, start_of(i)};
      if (in.byte() != 0) {
        NINES_TRY(point.histogram, chunk::decode_histogram(in));
      } else {
        point.value = in.fixed<double>();
      }
      if (in.failed()) return damaged();
      out.push_back(std::move(point));
    }
    return {};
  }
  std::vector<double> values;
  for (std::size_t at = 0; at < times.size(); at += chunk::kColumnMax) {
    if (Result<void> read =
            chunk::decode_values(in, std::min(chunk::kColumnMax, times.size() - at), values);
        !read)
      return read;
  }
  for (std::size_t i = 0; i < times.size(); ++i) {
    out.push_back({times[i], values[i], nullptr, start_of(i)});
  }
  return {};
}

}  // namespace nines::storage
