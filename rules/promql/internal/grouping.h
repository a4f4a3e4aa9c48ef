#pragma once
// Puts series into groups by some of their labels, hashing each series once.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/model/labels.h"

namespace nines::promql {

// by/on: equal in `labels`. without/ignoring: equal in all labels but `labels`, and the name.
class Grouping {
 public:
  Grouping(bool by, std::vector<std::string> labels);

  // The group's number, in order of first appearance.
  std::size_t group_of(const LabelSet& labels);
  std::size_t size() const { return samples_.size(); }
  // By the labels that tell groups apart; equal: the same group.
  std::strong_ordering compare(const LabelSet& a, const LabelSet& b) const;
  // The labels all members of the group share.
  LabelSet group_labels(std::size_t group) const;
  LabelSet reduce(const LabelSet& labels) const;
  // by/on: all that group_of() looks at, sorted, unique; null: it looks at all but a few.
  const std::vector<std::string>* wanted() const { return by_ ? &labels_ : nullptr; }
  bool keeps(std::string_view label) const;

 private:
  std::uint64_t hash(const LabelSet& labels) const;

  bool by_;
  std::vector<std::string> labels_;  // sorted, unique
  std::vector<LabelSet> samples_;    // one member of each group
  std::unordered_multimap<std::uint64_t, std::size_t> groups_;
};

}  // namespace nines::promql
