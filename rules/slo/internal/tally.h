#pragma once
// The events of the minutes of one range, by group.

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/model/labels.h"
#include "storage/api/slo_ledger.h"

namespace nines::slo {

// How series are told apart.
struct Grouping {
  enum class Kind : std::uint8_t { kNone, kBy, kWithout };
  Kind kind = Kind::kNone;
  std::vector<std::string> names;  // sorted, unique

  LabelSet of(const LabelSet& series) const;
};

// Minutes [from, to).
struct Span {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::size_t size() const { return static_cast<std::size_t>(to - from); }
};

// Whether events of a group that was not seen yet are counted.
using Admit = std::function<bool(const LabelSet& group)>;

class Tally {
 public:
  struct Column {
    std::vector<double> events, good;  // by minute
    std::vector<bool> seen;
    void add(std::size_t minute, double more, double more_good) {
      events[minute] += more;
      good[minute] += more_good;
      seen[minute] = true;
    }
  };

  Tally(Span span, const Admit& admit) : span_(span), admit_(admit) {}
  // Of the group; null when it is not admitted. Stays where it is.
  Column* column(const LabelSet& group);
  const Column* find(const LabelSet& group) const;
  const std::map<LabelSet, Column>& columns() const { return columns_; }
  Span span() const { return span_; }

 private:
  const Span span_;
  const Admit& admit_;
  std::map<LabelSet, Column> columns_;
};

using GroupMinutes = std::map<LabelSet, std::vector<storage::LedgerMinute>>;

// The minutes with samples, ascending. Good events as the columns say.
GroupMinutes minutes_of(const Tally& tally);
// Good events are those of `part`, or, when `part_is_bad`, the others.
GroupMinutes minutes_of(const Tally& total, const Tally& part, bool part_is_bad);

}  // namespace nines::slo
