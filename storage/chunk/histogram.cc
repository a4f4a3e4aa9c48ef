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

}  // namespace nines::storage::chunk
