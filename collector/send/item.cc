#include "collector/send/internal/item.h"

#include <functional>
#include <string_view>

namespace nines::collector {

std::optional<LabelSet> labels_to_send(const LabelSet& stored, const LabelSet& external,
                                       std::span<const RelabelRule> rules) {
  LabelSet labels = stored;
  if (!external.empty()) {
    LabelBuilder all(stored);
    for (const Label& label : external) {
      if (!stored.has(label.name)) all.set(label.name, label.value);
    }
    labels = all.build();
  }
  if (rules.empty()) return labels;
  std::optional<LabelSet> out = relabel(labels, rules);
  if (!out || out->empty()) return std::nullopt;
  return out;
}

std::uint64_t unit_of(const LabelSet& stored) {
  const std::hash<std::string_view> hash;
  const std::uint64_t job = hash(stored.get("job"));
  const std::uint64_t instance = hash(stored.get("instance"));
  return job * 0x9E3779B97F4A7C15ULL ^ instance;
}

}  // namespace nines::collector
