#include "collector/host/internal/host_samples.h"

#include "collector/exposition/parser.h"

namespace nines::collector {

HostSamples::HostSamples(storage::Appender& appender, std::unique_ptr<storage::GroupWriter> writer,
                         LabelSet labels)
    : appender_(appender), writer_(std::move(writer)), labels_(std::move(labels)) {}

void HostSamples::begin(Timestamp at) {
  at_ = at;
  ++turn_;
  rows_.clear();
}

void HostSamples::add(const HostFamily& family, std::span<const HostTag> tags, double value) {
  key_ = family.name;
  for (const HostTag& tag : tags) {
    key_ += '\xFF';  // in no UTF-8 text
    key_ += tag.second;
  }
  auto found = known_.find(key_);
  if (found == known_.end()) found = known_.emplace(key_, make(family, tags)).first;
  put(found->second, value);
}

Result<void> HostSamples::add_text(std::string_view series, double value) {
  key_ = '\xFF';  // apart from the keys of add()
  key_ += series;
  auto found = known_.find(key_);
  if (found == known_.end()) {
    NINES_TRY(const LabelSet own, parse_series(series));
    LabelBuilder labels(own);
    for (const Label& label : labels_) {
      if (own.has(label.name)) labels.set("exported_" + label.name, own.get(label.name));
      labels.set(label.name, label.value);
    }
    found = known_.emplace(key_, make(labels.build())).first;
  }
  put(found->second, value);
  return {};
}

void HostSamples::describe(std::string_view family, MetricType type, std::string_view help) {
  appender_.set_metadata(std::string(family), {type, std::string(help), ""});
}

void HostSamples::put(Known& known, double value) {
  if (known.refused) return;
  known.turn = turn_;
  known.live = true;
  // A series twice in a turn (a device mounted twice on one place): the first counts.
  std::uint64_t& written = slot_turns_[static_cast<std::size_t>(known.slot)];
  if (written == turn_) return;
  written = turn_;
  storage::Row row;
  row.slot = known.slot;
  row.value = value;
  rows_.push_back(row);
}

HostSamples::Known HostSamples::make(const HostFamily& family, std::span<const HostTag> tags) {
  LabelBuilder labels(labels_);
  labels.set(kMetricName, family.name);
  for (const HostTag& tag : tags) labels.set(tag.first, tag.second);
  describe(family.name, family.type, family.help);
  return make(labels.build());
}

HostSamples::Known HostSamples::make(const LabelSet& labels) {
  Known known;
  const Result<storage::Slot> slot = writer_->slot(labels);
  known.refused = !slot;
  if (!slot) return known;
  known.slot = *slot;
  const std::size_t index = static_cast<std::size_t>(*slot);
  if (slot_turns_.size() <= index) slot_turns_.resize(index + 1);
  return known;
}

Result<void> HostSamples::commit() {
  for (auto& [key, known] : known_) {
    if (!known.live || known.turn == turn_) continue;
    known.live = false;
    if (slot_turns_[static_cast<std::size_t>(known.slot)] == turn_) continue;  // under another key
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
