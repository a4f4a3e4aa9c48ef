#pragma once
// One sample or exemplar on its way to one target.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/model/exemplar.h"
#include "base/model/labels.h"
#include "base/model/sample.h"
#include "collector/discovery/relabel.h"

namespace nines::collector {

struct SendItem {
  LabelSet labels;
  std::uint64_t unit = 0;  // of job and instance: what is written at one instant
  std::int64_t time_ms = 0;
  double value = 0;
  HistogramPtr histogram;
  std::int64_t start_ms = 0;
  std::shared_ptr<const Exemplar> exemplar;  // when set, there is no sample
};
using SendItems = std::vector<SendItem>;

// The labels of a series as a target gets them: external labels where the series has none of that
// name, then relabelling. Nothing when a rule drops it.
std::optional<LabelSet> labels_to_send(const LabelSet& stored, const LabelSet& external,
                                       std::span<const RelabelRule> rules);
std::uint64_t unit_of(const LabelSet& stored);

}  // namespace nines::collector
