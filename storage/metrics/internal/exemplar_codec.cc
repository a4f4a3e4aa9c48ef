#include "storage/metrics/internal/exemplar_codec.h"

#include <optional>
#include <unordered_map>
#include <utility>

#include "storage/chunk/bytes.h"
#include "storage/metrics/internal/compress.h"
#include "storage/metrics/internal/rows_codec.h"

namespace nines::storage {
namespace {

using chunk::ByteReader;

constexpr std::uint8_t kOwnTime = 1;

LabelSet get_label_set(ByteReader& in) {
  std::vector<Label> labels(in.count(2));
  for (Label& label : labels) {
    label.name = std::string(in.text());
    label.value = std::string(in.text());
  }
  return LabelSet::from(std::move(labels));
}

}  // namespace

std::string encode_exemplars(std::uint64_t covered, std::span<const StoredExemplar> exemplars) {
  std::string body;
  chunk::put_varint(body, exemplars.size());
  std::unordered_map<LabelSet, std::uint64_t> numbers;
  std::int64_t before = 0;
  for (const StoredExemplar& stored : exemplars) {
    const auto [number, fresh] = numbers.try_emplace(stored.series, numbers.size() + 1);
    chunk::put_varint(body, fresh ? 0 : number->second);
    if (fresh) put_label_set(body, stored.series);
    chunk::put_byte(body, stored.exemplar.own_time ? kOwnTime : 0);
    // Wraps: a difference of any two times has 64 bits.
    chunk::put_signed(
        body, static_cast<std::int64_t>(static_cast<std::uint64_t>(stored.exemplar.time_ms) -
                                        static_cast<std::uint64_t>(before)));
    before = stored.exemplar.time_ms;
    chunk::put_fixed(body, stored.exemplar.value);
    put_label_set(body, stored.exemplar.labels);
  }
  std::string out;
  chunk::put_varint(out, covered);
  put_packed(out, body);
  return out;
}

Result<ExemplarFrame> decode_exemplars(std::string_view payload) {
  ByteReader head(payload);
  ExemplarFrame frame;
  frame.covered = head.varint();
  NINES_TRY(const std::string body, unpack(payload.substr(payload.size() - head.left())));
  const Error damaged(ErrorCode::kCorrupt, "EXEMPLARS frame: damaged");
  ByteReader in(body);
  constexpr std::size_t kLeast = 12;  // bytes of an exemplar of a series named before
  const std::size_t n = in.count(kLeast);
  std::vector<LabelSet> series;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < n && !in.failed(); ++i) {
    const std::uint64_t number = in.varint();
    if (number > series.size()) return damaged;
    StoredExemplar stored;
    if (number == 0) series.push_back(get_label_set(in));
    stored.series = number == 0 ? series.back() : series[number - 1];
    stored.exemplar.own_time = (in.byte() & kOwnTime) != 0;
    before += static_cast<std::uint64_t>(in.signed_varint());
    stored.exemplar.time_ms = static_cast<std::int64_t>(before);
    stored.exemplar.value = in.fixed<double>();
    stored.exemplar.labels = get_label_set(in);
    frame.exemplars.push_back(std::move(stored));
  }
  if (in.failed() || in.left() != 0 || head.failed()) return damaged;
  return frame;
}

}  // namespace nines::storage
