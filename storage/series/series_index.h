#pragma once
// Which series there are, and which of them a selector means: label sets by number, and for each
// (name, value) the numbers of the series that carry it. One of these for the head, one per
// segment.

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/model/matcher.h"
#include "storage/series/symbols.h"

namespace nines::storage::series {

// Numbers are given ascending from 0 and never change. Not thread-safe; any number of threads may
// read while nobody adds.
class SeriesIndex {
 public:
  std::uint32_t add(const LabelSet& labels);  // the old number when the set is known
  std::optional<std::uint32_t> find(const LabelSet& labels) const;
  std::uint32_t size() const { return static_cast<std::uint32_t>(hashes_.size()); }

  LabelSet labels(std::uint32_t id) const;
  std::uint64_t hash(std::uint32_t id) const { return hashes_[id]; }  // LabelSet::hash()
  bool same_labels(std::uint32_t id, const LabelSet& labels) const;
  std::string_view metric_name(std::uint32_t id) const;

  // The series all `matchers` match, ascending. No matchers: all series.
  std::vector<std::uint32_t> select(std::span<const Matcher> matchers) const;

  // Adds the label names (the values of `name`) of these series to `out`.
  void collect_names(std::span<const std::uint32_t> ids, std::set<std::string>& out) const;
  void collect_values(std::string_view name, std::span<const std::uint32_t> ids,
                      std::set<std::string>& out) const;
  // All series: without looking at each.
  void collect_all_names(std::set<std::string>& out) const;
  void collect_all_values(std::string_view name, std::set<std::string>& out) const;
  // Values per label name, series per metric name; unsorted.
  std::vector<std::pair<std::string, std::uint64_t>> values_per_name() const;
  std::vector<std::pair<std::string, std::uint64_t>> series_per_metric() const;

  // The bare content, for writing it down: labels as pairs of symbols, sorted by name.
  struct LabelRef {
    std::uint32_t name = 0;
    std::uint32_t value = 0;
  };
  const SymbolTable& symbols() const { return symbols_; }
  std::span<const LabelRef> refs(std::uint32_t id) const {
    return std::span(refs_).subspan(begins_[id], begins_[id + 1] - begins_[id]);
  }
  // And for reading it back: symbols in their order, then each series. False: a symbol nobody
  // added.
  void add_symbol(std::string_view text) { symbols_.add(text); }
  bool add_refs(std::span<const LabelRef> refs);

 private:
  using Ids = std::vector<std::uint32_t>;

  static std::uint64_t key(std::uint32_t name, std::uint32_t value) {
    return std::uint64_t{name} << 32 | value;
  }
  std::uint32_t append(std::span<const LabelRef> refs, std::uint64_t hash);
  void grow_table();
  std::uint64_t compute_hash(std::span<const LabelRef> refs) const;
  // Series whose value of the matcher's name is (is not) one it matches.
  Ids carrying(const Matcher& matcher, bool matching) const;
  const Ids* postings(std::string_view name, std::string_view value) const;

  SymbolTable symbols_;
  std::vector<LabelRef> refs_;            // of all series, one after the other
  std::vector<std::uint32_t> begins_{0};  // into refs_; one more than there are series
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> table_;                 // open addressing by hash: number + 1, or 0
  std::unordered_map<std::uint32_t, Ids> values_;    // by name: the values it has
  std::unordered_map<std::uint64_t, Ids> postings_;  // by key(name, value): ascending numbers
};

}  // namespace nines::storage::series
