#include "rules/alerts/internal/series_writer.h"

#include <algorithm>
#include <utility>

namespace nines::alerts {
namespace {

void complain(std::uint32_t count, const char* what, std::vector<std::string>& out) {
  if (count > 0) out.push_back(std::to_string(count) + " " + what);
}

}  // namespace

Result<std::vector<std::string>> SeriesWriter::write(Timestamp at,
                                                     std::span<const SeriesValue> series) {
  std::vector<std::string> refused;
  if (series.empty() && known_.empty()) return refused;
  if (!writer_) {
    NINES_TRY(writer_, appender_.open_group(group_));
  }
  ++round_;
  last_at_ = at;
  std::vector<storage::Row> rows;
  rows.reserve(series.size());
  bool limit_named = false;
  for (const SeriesValue& one : series) {
    auto found = known_.find(one.labels);
    if (found == known_.end()) {
      const Result<storage::Slot> slot = writer_->slot(one.labels);
      if (!slot) {
        if (slot.error().code() != ErrorCode::kLimit) return slot.error();
        if (!limit_named) refused.push_back(slot.error().what());
        limit_named = true;
        continue;
      }
      found = known_.emplace(one.labels, Known{*slot, 0}).first;
    }
    found->second.round = round_;
    storage::Row row;
    row.slot = found->second.slot;
    row.value = one.value;
    row.histogram = one.histogram.get();
    rows.push_back(row);
  }
  for (auto it = known_.begin(); it != known_.end();) {
    if (it->second.round == round_) {
      ++it;
      continue;
    }
    storage::Row row;
    row.slot = it->second.slot;
    row.value = stale_nan();
    rows.push_back(row);
    it = known_.erase(it);
  }
  NINES_TRY(const storage::AppendOutcome outcome, writer_->append(at, rows));
  complain(outcome.out_of_order, "results were out of order", refused);
  complain(outcome.conflicts, "results stood there already with another value", refused);
  complain(outcome.too_far_ahead, "results were too far in the future", refused);
  return refused;
}

void SeriesWriter::adopt(SeriesWriter& from) {
  writer_ = std::move(from.writer_);
  known_ = std::exchange(from.known_, {});
  round_ = from.round_;
  last_at_ = from.last_at_;
}

Result<void> SeriesWriter::finish(Timestamp now) {
  const auto ended = write(std::max(now, last_at_ + Duration(1)), {});
  writer_.reset();
  known_.clear();
  if (!ended) return ended.error();
  return {};
}

}  // namespace nines::alerts
