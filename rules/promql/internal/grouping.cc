#include "rules/promql/internal/grouping.h"

#include <algorithm>
#include <utility>

#include "base/text/text.h"

namespace nines::promql {

Grouping::Grouping(bool by, std::vector<std::string> labels) : by_(by), labels_(std::move(labels)) {
  if (!by_) labels_.emplace_back(kMetricName);
  std::sort(labels_.begin(), labels_.end());
  labels_.erase(std::unique(labels_.begin(), labels_.end()), labels_.end());
}

bool Grouping::keeps(std::string_view label) const {
  const bool listed = std::binary_search(labels_.begin(), labels_.end(), label, std::less<>());
  return listed == by_;
}

std::uint64_t Grouping::hash(const LabelSet& labels) const {
  std::uint64_t h = 0;
  for (const Label& label : labels) {
    if (!keeps(label.name)) continue;
    h = hash64(label.name, h);
    h = hash64(label.value, h + 1);
  }
  return h;
}

std::strong_ordering Grouping::compare(const LabelSet& a, const LabelSet& b) const {
  auto i = a.begin();
  auto j = b.begin();
  for (;;) {
    while (i != a.end() && !keeps(i->name)) ++i;
    while (j != b.end() && !keeps(j->name)) ++j;
    if (i == a.end() || j == b.end()) return (i != a.end()) <=> (j != b.end());
    if (const int names = i->name.compare(j->name); names != 0) return names <=> 0;
    if (const int values = i->value.compare(j->value); values != 0) return values <=> 0;
    ++i;
    ++j;
  }
}

std::size_t Grouping::group_of(const LabelSet& labels) {
  const std::uint64_t h = hash(labels);
  const auto [first, last] = groups_.equal_range(h);
  for (auto it = first; it != last; ++it) {
    if (compare(samples_[it->second], labels) == 0) return it->second;
  }
  const std::size_t made = samples_.size();
  samples_.push_back(labels);
  groups_.emplace(h, made);
  return made;
}

LabelSet Grouping::reduce(const LabelSet& labels) const {
  return by_ ? labels.keep(labels_) : labels.drop(labels_);
}

LabelSet Grouping::group_labels(std::size_t group) const {
  return reduce(samples_[group]);
}

}  // namespace nines::promql
