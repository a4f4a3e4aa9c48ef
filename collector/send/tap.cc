#include "collector/send/internal/tap.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

namespace nines::collector {

class Tap::Writer final : public storage::GroupWriter {
 public:
  Writer(std::unique_ptr<storage::GroupWriter> inner,
         std::span<const std::shared_ptr<SendTarget>> targets)
      : inner_(std::move(inner)), targets_(targets) {}

  Result<storage::Slot> slot(const LabelSet& labels) override {
    Result<storage::Slot> slot = inner_->slot(labels);
    if (!slot) return slot;
    Series& series = series_[*slot];
    if (series.as_sent.empty()) {
      series.unit = unit_of(labels);
      for (const auto& target : targets_) series.as_sent.push_back(target->labels_for(labels));
    }
    return slot;
  }

  Result<storage::AppendOutcome> append(Timestamp at, std::span<const storage::Row> rows) override {
    Result<storage::AppendOutcome> outcome = inner_->append(at, rows);
    // What came a second time was sent the first time.
    if (outcome && outcome->appended == 0) return outcome;
    // A histogram is copied once for all targets.
    std::vector<HistogramPtr> histograms(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].histogram) histograms[i] = std::make_shared<const Histogram>(*rows[i].histogram);
    }
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      SendItems items;
      std::size_t dropped = 0;
      items.reserve(rows.size());
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const storage::Row& row = rows[i];
        const auto series = series_.find(row.slot);
        if (series == series_.end()) continue;
        const std::optional<LabelSet>& labels = series->second.as_sent[t];
        if (!labels) {
          ++dropped;
          continue;
        }
        SendItem& item = items.emplace_back();
        item.labels = *labels;
        item.unit = series->second.unit;
        item.time_ms =
            row.own_time_ms == storage::Row::kBatchTime ? to_millis(at) : row.own_time_ms;
        item.value = row.value;
        item.histogram = histograms[i];
        item.start_ms = row.start_time_ms;
      }
      targets_[t]->count_dropped(dropped);
      targets_[t]->offer(std::move(items));
    }
    return outcome;
  }

  Result<storage::ExemplarOutcome> append_exemplars(
      std::span<const storage::ExemplarRow> rows) override {
    Result<storage::ExemplarOutcome> outcome = inner_->append_exemplars(rows);
    if (outcome && outcome->appended == 0) return outcome;
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      if (!targets_[t]->config().send_exemplars) continue;
      SendItems items;
      for (const storage::ExemplarRow& row : rows) {
        const auto series = series_.find(row.slot);
        if (series == series_.end() || !series->second.as_sent[t]) continue;
        SendItem& item = items.emplace_back();
        item.labels = *series->second.as_sent[t];
        item.unit = series->second.unit;
        item.time_ms = row.exemplar.time_ms;
        item.exemplar = std::make_shared<const Exemplar>(row.exemplar);
      }
      targets_[t]->offer(std::move(items));
    }
    return outcome;
  }

 private:
  struct Series {
    std::vector<std::optional<LabelSet>> as_sent;  // by target; none: dropped by its rules
    std::uint64_t unit = 0;
  };
  const std::unique_ptr<storage::GroupWriter> inner_;
  const std::span<const std::shared_ptr<SendTarget>> targets_;
  std::unordered_map<storage::Slot, Series> series_;
};

Result<std::unique_ptr<storage::GroupWriter>> Tap::open_group(const storage::GroupSpec& spec) {
  Result<std::unique_ptr<storage::GroupWriter>> inner = store_.open_group(spec);
  if (!inner) return inner;
  return std::unique_ptr<storage::GroupWriter>(
      std::make_unique<Writer>(*std::move(inner), targets_));
}

}  // namespace nines::collector
