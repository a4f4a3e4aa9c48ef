#include <bit>
#include <cstring>
#include <memory>

#include "storage/chunk/column.h"

namespace nines::storage::chunk {
namespace {

void put_spans(const std::vector<HistogramSpan>& spans, std::string& out) {
  put_varint(out, spans.size());
  for (const HistogramSpan& span : spans) {
    put_signed(out, span.offset);
    put_varint(out, span.length);
  }
}

std::vector<HistogramSpan> get_spans(ByteReader& in) {
  std::vector<HistogramSpan> spans(in.count(2));
  for (HistogramSpan& span : spans) {
    span.offset = static_cast<std::int32_t>(in.signed_varint());
    span.length = static_cast<std::uint32_t>(in.varint());
  }
  return spans;
}

void put_numbers(const std::vector<double>& numbers, std::string& out) {
  put_varint(out, numbers.size());
  if (numbers.empty()) return;
  if (numbers.size() <= kColumnMax) {
    put_byte(out, 1);
    encode_values(numbers, out);
  } else {
    put_byte(out, 0);
    for (const double v : numbers) put_fixed(out, v);
  }
}

constexpr std::uint64_t kNumbersMax = 1u << 20;

Result<std::vector<double>> get_numbers(ByteReader& in) {
  const std::uint64_t n = in.varint();
  std::vector<double> numbers;
  if (n == 0) return numbers;
  if (n > kNumbersMax) return Error(ErrorCode::kCorrupt, "histogram: too many buckets");
  if (in.byte() == 1) {
    if (auto got = decode_values(in, static_cast<std::size_t>(n), numbers); !got) {
      return std::move(got).error();
    }
    return numbers;
  }
  for (std::uint64_t i = 0; i < n && !in.failed(); ++i) numbers.push_back(in.fixed<double>());
  return numbers;
}

}  // namespace

void encode_histogram(const Histogram& h, std::string& out) {
  put_signed(out, h.schema);
  put_byte(out, static_cast<std::uint8_t>(h.reset_hint));
  put_fixed(out, h.zero_threshold);
  put_fixed(out, h.zero_count);
  put_fixed(out, h.count);
  put_fixed(out, h.sum);
  put_spans(h.positive_spans, out);
  put_spans(h.negative_spans, out);
  put_numbers(h.positive_buckets, out);
  put_numbers(h.negative_buckets, out);
  put_numbers(h.custom_values, out);
}

Result<HistogramPtr> decode_histogram(ByteReader& in) {
  auto h = std::make_shared<Histogram>();
  h->schema = static_cast<std::int32_t>(in.signed_varint());
  const std::uint8_t hint = in.byte();
  if (hint > 3) return Error(ErrorCode::kCorrupt, "histogram: unknown reset hint");
  h->reset_hint = static_cast<ResetHint>(hint);
  h->zero_threshold = in.fixed<double>();
  h->zero_count = in.fixed<double>();
  h->count = in.fixed<double>();
  h->sum = in.fixed<double>();
  h->positive_spans = get_spans(in);
  h->negative_spans = get_spans(in);
  NINES_TRY(h->positive_buckets, get_numbers(in));
  NINES_TRY(h->negative_buckets, get_numbers(in));
  NINES_TRY(h->custom_values, get_numbers(in));
  if (in.failed()) return Error(ErrorCode::kCorrupt, "histogram: cut short");
  return HistogramPtr(std::move(h));
}

namespace {

// What may differ between histograms of one run.
bool same_shape(const Histogram& a, const Histogram& b) {
  const auto same_bits = [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  };
  return a.schema == b.schema && same_bits(a.zero_threshold, b.zero_threshold) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         a.positive_buckets.size() == b.positive_buckets.size() &&
         a.negative_buckets.size() == b.negative_buckets.size() &&
         std::equal(a.custom_values.begin(), a.custom_values.end(), b.custom_values.begin(),
                    b.custom_values.end(), same_bits);
}

template <typename Get>
void put_column(std::span<const HistogramPtr> run, std::vector<double>& room, std::string& out,
                Get&& get) {
  room.clear();
  for (const HistogramPtr& h : run) room.push_back(get(*h));
  encode_values(room, out);
}

void put_run(std::span<const HistogramPtr> run, std::string& out) {
  const Histogram& first = *run[0];
  put_varint(out, run.size());
  put_signed(out, first.schema);
  put_fixed(out, first.zero_threshold);
  put_spans(first.positive_spans, out);
  put_spans(first.negative_spans, out);
  put_varint(out, first.positive_buckets.size());
  put_varint(out, first.negative_buckets.size());
  put_numbers(first.custom_values, out);
  std::vector<std::int64_t> hints;
  for (const HistogramPtr& h : run) hints.push_back(static_cast<std::int64_t>(h->reset_hint));
  encode_integers(hints, out);
  std::vector<double> room;
  put_column(run, room, out, [](const Histogram& h) { return h.count; });
  put_column(run, room, out, [](const Histogram& h) { return h.sum; });
  put_column(run, room, out, [](const Histogram& h) { return h.zero_count; });
  for (std::size_t i = 0; i < first.positive_buckets.size(); ++i)
    put_column(run, room, out, [i](const Histogram& h) { return h.positive_buckets[i]; });
  for (std::size_t i = 0; i < first.negative_buckets.size(); ++i)
    put_column(run, room, out, [i](const Histogram& h) { return h.negative_buckets[i]; });
}

Result<void> get_run(ByteReader& in, std::size_t left, std::vector<HistogramPtr>& out) {
  const std::uint64_t n = in.varint();
  if (in.failed() || n == 0 || n > left) return Error(ErrorCode::kCorrupt, "histograms: bad run");
  const auto count = static_cast<std::size_t>(n);
  Histogram shape;
  shape.schema = static_cast<std::int32_t>(in.signed_varint());
  shape.zero_threshold = in.fixed<double>();
  shape.positive_spans = get_spans(in);
  shape.negative_spans = get_spans(in);
  const std::size_t positive = in.count(2);  // a column takes two bytes at least
  const std::size_t negative = in.count(2);
  if (in.failed()) return Error(ErrorCode::kCorrupt, "histograms: cut short");
  if ((positive + negative) * count > kNumbersMax * 4)
    return Error(ErrorCode::kCorrupt, "histograms: too many buckets");
  NINES_TRY(shape.custom_values, get_numbers(in));
  std::vector<std::int64_t> hints;
  if (auto got = decode_integers(in, count, hints); !got) return got;
  std::vector<std::shared_ptr<Histogram>> run;
  run.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (hints[i] < 0 || hints[i] > 3)
      return Error(ErrorCode::kCorrupt, "histograms: unknown reset hint");
    auto& h = run.emplace_back(std::make_shared<Histogram>(shape));
    h->reset_hint = static_cast<ResetHint>(hints[i]);
  }
  std::vector<double> room(count);
  const auto get_column = [&](auto&& set) -> Result<void> {
    if (auto got = decode_values(in, count, room.data()); !got) return got;
    for (std::size_t i = 0; i < count; ++i) set(*run[i], room[i]);
    return {};
  };
  if (auto got = get_column([](Histogram& h, double v) { h.count = v; }); !got) return got;
  if (auto got = get_column([](Histogram& h, double v) { h.sum = v; }); !got) return got;
  if (auto got = get_column([](Histogram& h, double v) { h.zero_count = v; }); !got) return got;
  for (std::size_t b = 0; b < positive; ++b)
    if (auto got = get_column([](Histogram& h, double v) { h.positive_buckets.push_back(v); });
        !got)
      return got;
  for (std::size_t b = 0; b < negative; ++b)
    if (auto got = get_column([](Histogram& h, double v) { h.negative_buckets.push_back(v); });
        !got)
      return got;
  out.insert(out.end(), run.begin(), run.end());
  return {};
}

}  // namespace

void encode_histograms(std::span<const HistogramPtr> histograms, std::string& out) {
  for (std::size_t at = 0; at < histograms.size();) {
    std::size_t end = at + 1;
    while (end < histograms.size() && same_shape(*histograms[at], *histograms[end])) ++end;
    put_run(histograms.subspan(at, end - at), out);
    at = end;
  }
}

Result<void> decode_histograms(ByteReader& in, std::size_t count, std::vector<HistogramPtr>& out) {
  const std::size_t end = out.size() + count;
  while (out.size() < end) {
    if (auto got = get_run(in, end - out.size(), out); !got) return got;
  }
  return {};
}

}  // namespace nines::storage::chunk
