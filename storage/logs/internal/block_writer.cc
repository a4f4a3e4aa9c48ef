#include "storage/logs/internal/block_writer.h"

#include <memory>
#include <utility>

namespace nines::storage::logs {
namespace {

using ring::SegmentClass;
constexpr std::size_t kFrameSlack = 64;  // a frame's header and padding, and room to spare

}  // namespace

void BlockWriter::resume(std::span<const BlockPtr> blocks) {
  for (const BlockPtr& block : blocks) {
    footer_.add(*block);
    generation_ = block->location.generation;
  }
}

Result<void> BlockWriter::seal() {
  auto sealed = ring_.seal(SegmentClass::kLogs, footer_.finish());
  footer_ = FooterBuilder();
  generation_.reset();
  return sealed;
}

Result<BlockPtr> BlockWriter::write(const CutId& cut, bool last_of_cut,
                                    std::span<const BlockLine> lines) {
  auto block = std::make_shared<Block>();
  block->header.cut = cut;
  block->header.last_of_cut = last_of_cut;
  NINES_TRY(const std::vector<std::byte> payload, encode_block(block->header, lines));
  const ring::FrameHead head{.type = kBlockFrame};
  const std::size_t need = payload.size() + kFrameSlack + footer_.size_with(block->header);
  if (ring_.room(SegmentClass::kLogs) < need) {
    if (auto r = seal(); !r) return std::move(r).error();
  }
  auto at = ring_.append(SegmentClass::kLogs, head, payload, block->header.times);
  if (!at) {
    footer_ = FooterBuilder();
    generation_.reset();
    return std::move(at).error();
  }
  // A segment abandoned by a failed sync leaves its blocks without a footer: they are found by a
  // scan.
  if (generation_ != at->generation) footer_ = FooterBuilder();
  generation_ = at->generation;
  block->location = *at;
  footer_.add(*block);
  return BlockPtr(std::move(block));
}

Result<void> BlockWriter::sync() {
  return ring_.sync(SegmentClass::kLogs);
}

}  // namespace nines::storage::logs
