#include "collector/host/internal/host_samples.h"

namespace nines::collector {

HostSamples::HostSamples(storage::Appender& appender, std::unique_ptr<storage::GroupWriter> writer,
                         LabelSet labels)
    : appender_(appender), writer_(std::move(writer)), labels_(std::move(labels)) {}

void HostSamples::begin(Timestamp at) {
  at_ = at;
  ++turn_;
  rows_.clear();
}

void HostSamples::add(const HostFamily& family, std::initializer_list<HostTag> tags, double value) {
  key_ = family.name;
  for (const HostTag& tag : tags) {
    key_ += '\xFF';  // in no UTF-8 text
    key_ += tag.second;
  }
  auto found = known_.find(key_);
  if (found == known_.end()) found = known_.emplace(key_, make(family, tags)).first;
  Known& known = found->second;
  // A series twice in a turn (a device mounted twice on one place): the first counts.
  if (known.refused || known.turn == turn_) return;
  known.turn = turn_;
  known.live = true;
  storage::Row row;
  row.slot = known.slot;
  row.value = value;
  rows_.push_back(row);
}

HostSamples::Known HostSamples::make(const HostFamily& family,
                                     std::initializer_list<HostTag> tags) {
  LabelBuilder labels(labels_);
  labels.set(kMetricName, family.name);
  for (const HostTag& tag : tags) labels.set(tag.first, tag.second);
  Known known;
  const Result<storage::Slot> slot = writer_->slot(labels.build());
  known.refused = !slot;
  if (slot) known.slot = *slot;
  appender_.set_metadata(std::string(family.name), {family.type, std::string(family.help), ""});
  return known;
}

Result<void> HostSamples::commit() {
  for (auto& [key, known] : known_) {
    if (!known.live || known.turn == turn_) continue;
    known.live = false;
    storage::Row row;
    row.slot = known.slot;
    row.value = stale_nan();
    rows_.push_back(row);
  }
  NINES_TRY(const storage::AppendOutcome outcome, writer_->append(at_, rows_));
  static_cast<void>(outcome);  // the store counts what it refused
  return {};
}

}  // namespace nines::collector
