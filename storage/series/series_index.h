#pragma once
// Series by number, and which of them a selector means. The series of an index are seen against a
// base, a label set they share (a target's labels): only what differs from it is kept here. So one
// index serves any number of bases, and a thousand targets that expose the same cost one.

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
#include "storage/series/number_table.h"
#include "storage/series/postings.h"
#include "storage/series/symbols.h"

namespace nines::storage::series {

struct LabelView {
  std::string_view name;
  std::string_view value;  // empty: the series lacks this label of the base
};

// What `labels` has of its own beside `base`: labels that are not in it, or otherwise, and an empty
// value for each label of the base it lacks. Sorted by name; the views live as long as both sets.
std::vector<LabelView> own_labels(const LabelSet& labels, const LabelSet& base);

// Numbers are given ascending from 0 and never change. Not thread-safe; any number of threads may
// read while nobody adds.
class SeriesIndex {
 public:
  struct LabelRef {  // symbols
    std::uint32_t name = 0;
    std::uint32_t value = 0;
    bool operator==(const LabelRef&) const = default;
  };

  // Own labels, sorted by name, each name once. The old number when they are known.
  std::uint32_t add(std::span<const LabelView> own);
  std::optional<std::uint32_t> find(std::span<const LabelView> own) const;
  std::uint32_t size() const { return static_cast<std::uint32_t>(begins_.size() - 1); }

  // The whole label set of a series.
  LabelSet labels(std::uint32_t id, const LabelSet& base) const;
  // The value of one label of it; empty when it has none. The view lives as long as `base`, or until
  // the next add().
  std::string_view value(std::uint32_t id, const LabelSet& base, std::string_view name) const;
  // Appends bytes that, compared as unsigned ones, are less, equal or greater as the whole label
  // sets of the series are: for sorting without making the sets.
  void append_key(std::uint32_t id, const LabelSet& base, std::string& out) const;
  std::span<const LabelRef> refs(std::uint32_t id) const {
    return std::span(refs_).subspan(begins_[id], begins_[id + 1] - begins_[id]);
  }
  const SymbolTable& symbols() const { return symbols_; }

  // --- selecting ---

  // Which matchers a series without the label in question would satisfy, seen against `base`.
  static std::vector<bool> verdicts(std::span<const Matcher> matchers, const LabelSet& base);
  // The series all `matchers` match, ascending; no matchers: all. Bases of equal verdicts have
  // equal answers.
  std::vector<std::uint32_t> select(std::span<const Matcher> matchers,
                                    const std::vector<bool>& verdicts) const;

  // At most so many series `select()` finds; 0 only when it finds none. Costs a look at each
  // matcher.
  std::uint32_t estimate(std::span<const Matcher> matchers,
                         const std::vector<bool>& verdicts) const;

  // Adds the label names (the values of `name`) of these series to `out`.
  void collect_names(std::span<const std::uint32_t> ids, const LabelSet& base,
                     std::set<std::string>& out) const;
  void collect_values(std::string_view name, std::span<const std::uint32_t> ids,
                      const LabelSet& base, std::set<std::string>& out) const;
  // Calls `visit(name, value, number of series)` for each own label.
  template <typename Visit>
  void each_label(Visit&& visit) const {
    for (const Carriers& c : carriers_)
      visit(symbols_.text(c.ref.name), symbols_.text(c.ref.value), c.ids.size());
  }

  // --- writing it down, and reading it back ---

  // Reading back: symbols in any order, then each series. False: a symbol nobody added, or the
  // series is known.
  std::uint32_t add_symbol(std::string_view text) { return symbols_.add(text); }
  bool append(std::span<const LabelRef> refs);

  std::size_t bytes() const;  // of memory

 private:
  using Ids = std::vector<std::uint32_t>;
  struct Carriers {
    LabelRef ref;
    Postings ids;
  };

  // Calls `visit(name, value)` for each label of a series, ascending by name.
  template <typename Visit>
  void each_label_of(std::uint32_t id, const LabelSet& base, Visit&& visit) const;
  static std::uint64_t hash(LabelRef ref);
  static std::uint64_t hash(std::span<const LabelRef> refs);
  std::optional<std::uint32_t> find_refs(std::span<const LabelRef> refs) const;
  std::uint32_t append_new(std::span<const LabelRef> refs);
  const Postings* carriers(LabelRef ref) const;
  // The one list the matcher asks for, when it is a bitmap.
  const Postings* bitmap_of(const Matcher& matcher) const;
  std::uint32_t estimate(const Matcher& matcher) const;
  // Those of `ids` whose own value the matcher matches, or that have none if `lacking`.
  void filter(const Matcher& matcher, bool lacking, Ids& ids) const;
  // Series whose own value of the matcher's name is (is not) one it matches.
  Ids carrying(const Matcher& matcher, bool matching) const;

  SymbolTable symbols_;
  std::vector<LabelRef> refs_;            // of all series, one after the other
  std::vector<std::uint32_t> begins_{0};  // into refs_; one more than there are series
  NumberTable table_;                     // series by the hash of their refs
  std::vector<Carriers> carriers_;
  NumberTable by_ref_;                                                    // places in carriers_
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> values_;  // by name: in carriers_
};

}  // namespace nines::storage::series
