#include "storage/logs/internal/batch.h"

#include "storage/logs/internal/bytes.h"

namespace nines::storage::logs {

void Batch::add(std::int64_t at, std::string_view line_text) {
  times.push_back(at);
  text += line_text;
  ends.push_back(static_cast<std::uint32_t>(text.size()));
  bounds.include(at);
}

std::vector<std::byte> encode_batch(const LabelSet& labels, const Batch& batch) {
  ByteWriter out;
  out.labels(labels);
  out.varint(batch.size());
  std::int64_t last = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    out.delta(last, batch.times[i]);
    out.varint(batch.line(i).size());
    last = batch.times[i];
  }
  out.raw(as_bytes(batch.text));
  return out.take();
}

Result<DecodedBatch> decode_batch(std::span<const std::byte> payload) {
  ByteReader in(payload);
  DecodedBatch out;
  out.labels = in.labels();
  const std::size_t lines = in.count();
  std::int64_t last = 0;
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < lines && in.ok(); ++i) {
    last = in.delta(last);
    end += in.count();
    if (end > payload.size()) return Error(ErrorCode::kCorrupt, "log batch: lengths do not add up");
    out.batch.times.push_back(last);
    out.batch.ends.push_back(static_cast<std::uint32_t>(end));
    out.batch.bounds.include(last);
  }
  out.batch.text = as_text(in.raw(static_cast<std::size_t>(end)));
  if (!in.ok() || in.left() != 0) return Error(ErrorCode::kCorrupt, "log batch: cut short");
  return out;
}

}  // namespace nines::storage::logs
