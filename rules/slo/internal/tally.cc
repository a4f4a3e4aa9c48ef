#include "rules/slo/internal/tally.h"

namespace nines::slo {
namespace {

using storage::LedgerMinute;

}  // namespace

LabelSet Grouping::of(const LabelSet& series) const {
  if (kind == Kind::kNone) return {};
  return kind == Kind::kBy ? series.keep(names) : series.drop(names);
}

Tally::Column* Tally::column(const LabelSet& group) {
  const auto known = columns_.find(group);
  if (known != columns_.end()) return &known->second;
  if (admit_ && !admit_(group)) return nullptr;
  Column& made = columns_[group];
  made.events.resize(span_.size());
  made.good.resize(span_.size());
  made.seen.resize(span_.size());
  return &made;
}

const Tally::Column* Tally::find(const LabelSet& group) const {
  const auto known = columns_.find(group);
  return known == columns_.end() ? nullptr : &known->second;
}

GroupMinutes minutes_of(const Tally& tally) {
  GroupMinutes out;
  for (const auto& [group, column] : tally.columns()) {
    std::vector<LedgerMinute>& minutes = out[group];
    for (std::size_t i = 0; i < column.seen.size(); ++i) {
      if (!column.seen[i]) continue;
      minutes.push_back(
          {tally.span().from + static_cast<std::int64_t>(i), column.good[i], column.events[i], 0});
    }
  }
  return out;
}

GroupMinutes minutes_of(const Tally& total, const Tally& part, bool part_is_bad) {
  std::map<LabelSet, bool> groups;
  for (const auto& [group, column] : total.columns()) groups[group] = true;
  for (const auto& [group, column] : part.columns()) groups[group] = true;
  GroupMinutes out;
  for (const auto& one : groups) {
    const Tally::Column* all = total.find(one.first);
    const Tally::Column* some = part.find(one.first);
    std::vector<LedgerMinute>& minutes = out[one.first];
    for (std::size_t i = 0; i < total.span().size(); ++i) {
      if (!(all && all->seen[i]) && !(some && some->seen[i])) continue;
      const double valid = all ? all->events[i] : 0;
      const double counted = some ? some->events[i] : 0;
      minutes.push_back({total.span().from + static_cast<std::int64_t>(i),
                         part_is_bad ? valid - counted : counted, valid, 0});
    }
  }
  return out;
}

}  // namespace nines::slo
