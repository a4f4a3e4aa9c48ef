#include "storage/metrics/internal/page.h"

#include <algorithm>

#include "storage/chunk/column.h"
#include "storage/metrics/internal/compress.h"

namespace nines::storage {
namespace {

using chunk::ByteReader;

// The first byte of a column that is more than values at the shared times; below 0x80 it is a value
// column.
constexpr std::uint8_t kSpecial = 0x80;
constexpr std::uint8_t kOwnTimes = 1;    // else a bitmap of the shared times it has
constexpr std::uint8_t kHistograms = 2;  // a bitmap: which samples are histograms
constexpr std::uint8_t kStarts = 4;

constexpr std::size_t kSamplesMax = 1U << 24;  // of one column; more is damage

Error damaged() {
  return Error(ErrorCode::kCorrupt, "page: its bytes make no sense");
}

template <typename T, typename Encode>
void put_pieces(std::span<const T> values, std::string& out, Encode&& encode) {
  for (std::size_t at = 0; at < values.size(); at += chunk::kColumnMax)
    encode(values.subspan(at, std::min(chunk::kColumnMax, values.size() - at)), out);
}

void put_integers(std::string& out, const std::vector<std::int64_t>& values) {
  chunk::put_varint(out, values.size());
  put_pieces(std::span(values), out, chunk::encode_integers);
}

Result<void> get_integers(ByteReader& in, std::vector<std::int64_t>& out) {
  std::uint64_t left = in.varint();
  if (in.failed() || left > kSamplesMax) return damaged();
  while (left > 0) {
    const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk::kColumnMax));
    if (Result<void> read = chunk::decode_integers(in, now, out); !read) return read;
    left -= now;
  }
  return {};
}

Result<void> get_values(ByteReader& in, std::size_t count, std::vector<double>& out) {
  while (count > 0) {
    const std::size_t now = std::min(count, chunk::kColumnMax);
    if (Result<void> read = chunk::decode_values(in, now, out); !read) return read;
    count -= now;
  }
  return {};
}

template <typename Has>
void put_bitmap(std::string& out, std::size_t size, Has&& has) {
  const std::size_t begin = out.size();
  out.resize(begin + (size + 7) / 8);
  for (std::size_t i = 0; i < size; ++i) {
    if (has(i)) out[begin + i / 8] = static_cast<char>(out[begin + i / 8] | 1 << (i % 8));
  }
}

bool bit_at(std::string_view bitmap, std::size_t i) {
  return ((static_cast<unsigned char>(bitmap[i / 8]) >> (i % 8)) & 1) != 0;
}

void put_special(const SampleColumns& column, const std::vector<std::int64_t>& shared,
                 std::string& out) {
  const bool own =
      !std::includes(shared.begin(), shared.end(), column.times.begin(), column.times.end());
  const bool histograms = !column.histograms.empty();
  const bool starts = !column.start_times.empty();
  chunk::put_byte(
      out, static_cast<std::uint8_t>(kSpecial | (own ? kOwnTimes : 0) |
                                     (histograms ? kHistograms : 0) | (starts ? kStarts : 0)));
  if (own) {
    put_integers(out, column.times);
  } else {
    put_bitmap(out, shared.size(), [&, next = std::size_t{0}](std::size_t i) mutable {
      if (next == column.size() || column.times[next] != shared[i]) return false;
      ++next;
      return true;
    });
  }
  if (starts) put_pieces(std::span(column.start_times), out, chunk::encode_integers);
  if (!histograms) {
    put_pieces(std::span(column.values), out, chunk::encode_values);
    return;
  }
  put_bitmap(out, column.size(), [&](std::size_t i) { return column.histograms[i] != nullptr; });
  std::vector<double> floats;
  std::vector<HistogramPtr> kept;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.histograms[i])
      kept.push_back(column.histograms[i]);
    else
      floats.push_back(column.values[i]);
  }
  put_pieces(std::span(std::as_const(floats)), out, chunk::encode_values);
  put_pieces(std::span(std::as_const(kept)), out, chunk::encode_histograms);
}

}  // namespace

void encode_columns(const GroupHead& head, PageHead& page, std::string& out) {
  const SlotRange slots = page.slots;
  ring::TimeBounds bounds;
  page.present = 0;
  const std::vector<std::int64_t>* shared = &head.row_times();
  std::vector<std::int64_t> found;
  SampleColumns column;
  if (shared->empty()) {  // only odd points: perhaps they agree among themselves
    for (std::uint32_t slot = slots.first; slot < slots.end && found.empty(); ++slot) {
      column.clear();
      head.read(slot, column);
      found = column.times;
    }
    shared = &found;
  }
  std::string columns;
  std::string lengths;
  for (std::uint32_t slot = slots.first; slot < slots.end; ++slot) {
    column.clear();
    head.read(slot, column);
    const std::size_t begin = columns.size();
    if (!column.times.empty()) {
      page.present |= std::uint64_t{1} << (slot - slots.first);
      bounds.include(column.times.front());
      bounds.include(column.times.back());
      if (column.histograms.empty() && column.start_times.empty() && column.times == *shared &&
          column.size() <= chunk::kColumnMax) {
        chunk::encode_values(column.values, columns);
      } else {
        put_special(column, *shared, columns);
      }
    }
    chunk::put_varint(lengths, columns.size() - begin);
  }
  page.times = bounds;
  if (bounds.empty()) return;
  put_integers(out, *shared);
  put_packed(out, lengths + columns);
}

void encode_page_head(const PageHead& head, std::string& out) {
  chunk::put_varint(out, head.flushed);
  chunk::put_varint(out, head.parts);
  chunk::put_varint(out, head.slots.first);
  chunk::put_varint(out, head.slots.end - head.slots.first);
  chunk::put_varint(out, ~head.present & all_present(head.slots));
  chunk::put_signed(out, head.times.min);
  chunk::put_varint(
      out, static_cast<std::uint64_t>(head.times.max) - static_cast<std::uint64_t>(head.times.min));
}

Result<PageHead> decode_page_head(ByteReader& in) {
  PageHead head;
  head.flushed = in.varint();
  head.parts = static_cast<std::uint32_t>(in.varint());
  head.slots.first = static_cast<std::uint32_t>(in.varint());
  const std::uint64_t slots = in.varint();
  if (in.failed() || slots == 0 || slots > kPageSlots) return damaged();
  head.slots.end = head.slots.first + static_cast<std::uint32_t>(slots);
  head.present = ~in.varint() & all_present(head.slots);
  head.times.min = in.signed_varint();
  head.times.max =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(head.times.min) + in.varint());
  if (in.failed()) return damaged();
  return head;
}
Result<PageHead> decode_page_head(std::string_view payload) {
  ByteReader in(payload);
  return decode_page_head(in);
}

Result<std::shared_ptr<const Page>> Page::open(std::string_view payload) {
  auto page = std::make_shared<Page>();
  ByteReader in(payload);
  NINES_TRY(page->head_, decode_page_head(in));
  std::vector<std::int64_t> times;
  if (Result<void> read = get_integers(in, times); !read) return std::move(read).error();
  page->times_ = PageTimes(times);
  NINES_TRY(page->bytes_, unpack(in.raw(in.left())));
  ByteReader body(page->bytes_);
  const std::uint32_t slots = page->head_.slots.end - page->head_.slots.first;
  page->places_.reserve(slots + 1);
  std::uint64_t place = 0;
  for (std::uint32_t i = 0; i <= slots; ++i) {
    if (place > page->bytes_.size()) return damaged();
    page->places_.push_back(static_cast<std::uint32_t>(place));
    if (i < slots) place += body.varint();
  }
  const std::size_t lengths = page->bytes_.size() - body.left();
  if (body.failed() || page->places_.back() != body.left()) return damaged();
  for (std::uint32_t& at : page->places_) at += static_cast<std::uint32_t>(lengths);
  return std::shared_ptr<const Page>(std::move(page));
}

Result<void> Page::read(std::uint32_t slot, SampleColumns& out) const {
  if (slot < head_.slots.first || slot >= head_.slots.end) return {};
  const std::uint32_t begin = places_[slot - head_.slots.first];
  const std::uint32_t end = places_[slot - head_.slots.first + 1];
  if (begin == end) return {};
  ByteReader in(std::string_view(bytes_).substr(begin, end - begin));
  if ((static_cast<unsigned char>(bytes_[begin]) & kSpecial) != 0) return read_special(in, out);
  if (Result<void> read = chunk::decode_values(in, times_.size(), out.values); !read) return read;
  times_.append_to(out.times);
  level(out);
  return {};
}

bool Page::only_floats(std::uint32_t slot) const {
  if (slot < head_.slots.first || slot >= head_.slots.end || times_.size() > chunk::kColumnMax)
    return false;
  const std::uint32_t begin = places_[slot - head_.slots.first];
  return begin != places_[slot - head_.slots.first + 1] &&
         (static_cast<unsigned char>(bytes_[begin]) & kSpecial) == 0;
}

bool Page::read_floats(std::uint32_t slot, double* out) const {
  const std::uint32_t begin = places_[slot - head_.slots.first];
  const std::uint32_t end = places_[slot - head_.slots.first + 1];
  // What follows may be looked at, which unpacks faster than a column cut to its length.
  ByteReader in(std::string_view(bytes_).substr(begin));
  return chunk::decode_values(in, times_.size(), out).has_value() &&
         in.left() == bytes_.size() - end;
}

Result<void> Page::read_special(ByteReader& in, SampleColumns& out) const {
  const std::uint8_t kind = in.byte();
  std::vector<std::int64_t> times;
  if ((kind & kOwnTimes) != 0) {
    if (Result<void> read = get_integers(in, times); !read) return read;
  } else {
    const std::string_view bitmap = in.raw((times_.size() + 7) / 8);
    if (in.failed()) return damaged();
    std::vector<std::int64_t> shared;
    times_.append_to(shared);
    for (std::size_t i = 0; i < shared.size(); ++i) {
      if (bit_at(bitmap, i)) times.push_back(shared[i]);
    }
  }
  std::vector<std::int64_t> starts;
  if ((kind & kStarts) != 0) {
    for (std::size_t left = times.size(); left > 0;) {
      const std::size_t now = std::min(left, chunk::kColumnMax);
      if (Result<void> read = chunk::decode_integers(in, now, starts); !read) return read;
      left -= now;
    }
  }
  std::vector<double> values;
  std::vector<HistogramPtr> histograms;
  std::string_view which;
  if ((kind & kHistograms) != 0) {
    which = in.raw((times.size() + 7) / 8);
    if (in.failed()) return damaged();
    std::size_t many = 0;
    for (std::size_t i = 0; i < times.size(); ++i) many += bit_at(which, i) ? 1 : 0;
    if (Result<void> read = get_values(in, times.size() - many, values); !read) return read;
    for (std::size_t left = many; left > 0;) {
      const std::size_t now = std::min(left, chunk::kColumnMax);
      if (Result<void> read = chunk::decode_histograms(in, now, histograms); !read) return read;
      left -= now;
    }
  } else if (Result<void> read = get_values(in, times.size(), values); !read) {
    return read;
  }
  std::size_t next_value = 0;
  std::size_t next_histogram = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    Point point{times[i], 0, nullptr, starts.empty() ? 0 : starts[i]};
    if (!which.empty() && bit_at(which, i))
      point.histogram = histograms[next_histogram++];
    else
      point.value = values[next_value++];
    add_point(out, point);
  }
  return {};
}

}  // namespace nines::storage
