#include "storage/logs/log_store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "storage/logs/internal/store_impl.h"

namespace nines::storage {

Result<std::unique_ptr<LogStore>> LogStore::open(ring::Ring& ring, const LogOptions& options,
                                                 const LogSurroundings& around) {
  LogOptions fitting = options;
  if (fitting.streams_max == 0 || fitting.block_bytes == 0 || fitting.line_bytes_max == 0) {
    return Error(ErrorCode::kInvalid,
                 "logs: streams_max, block_bytes and line_bytes_max must not be 0");
  }
  // A block takes text up to its limit, one more line, and label sets; incompressible, it must fit
  // into a segment beside a footer. A batch likewise.
  const std::size_t part = ring.frame_max() / 8;
  fitting.block_bytes = std::min(fitting.block_bytes, part);
  fitting.line_bytes_max = std::min(fitting.line_bytes_max, part);
  fitting.label_bytes_max = std::min(fitting.label_bytes_max, part);
  // The head's lines live in the journal, too: it must hold them and leave room to go on.
  const auto journal = static_cast<std::size_t>(ring.use(ring::SegmentClass::kLogJournal).bytes);
  fitting.head_bytes =
      std::clamp(fitting.head_bytes, std::size_t{1}, std::max<std::size_t>(1, journal / 2));
  auto store = std::make_unique<logs::StoreImpl>(ring, fitting, around);
  if (auto r = store->recover(); !r) return std::move(r).error().in("logs");
  store->start_timer();
  return std::unique_ptr<LogStore>(std::move(store));
}

}  // namespace nines::storage
