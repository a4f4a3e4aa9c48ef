#include "storage/metrics/internal/exemplar_store.h"

#include <algorithm>
#include <utility>

#include "base/model/matcher.h"

namespace nines::storage {
namespace {

// Does `a` belong behind `b` in one series?
bool behind(const Exemplar& a, const Exemplar& b) {
  if (a.time_ms != b.time_ms) return a.time_ms < b.time_ms;
  if (a.value != b.value) return a.value < b.value;
  return a.labels < b.labels;
}

}  // namespace

ExemplarFate ExemplarStore::add(const LabelSet& series, const Exemplar& exemplar) {
  if (exemplar_characters(exemplar.labels) > kExemplarCharactersMax) return ExemplarFate::kTooLong;
  const std::lock_guard lock(mutex_);
  if (most_ == 0) return ExemplarFate::kDuplicate;
  const auto known = chains_.find(series);
  if (known != chains_.end()) {
    const Exemplar& newest = circle_[known->second.newest].exemplar;
    if (same_exemplar(newest, exemplar)) return ExemplarFate::kDuplicate;
    if (behind(exemplar, newest)) return ExemplarFate::kOutOfOrder;
  }
  if (circle_.size() < most_) {
    next_ = circle_.size();
    circle_.emplace_back();
  } else {
    drop_oldest();
  }
  // The series' last exemplar may just have gone, and its chain with it.
  Chains::value_type& chain = *chains_.try_emplace(series).first;
  const auto place = static_cast<std::uint32_t>(next_);
  if (chain.second.newest == kNone) {
    chain.second.oldest = place;
  } else {
    circle_[chain.second.newest].next = place;
  }
  chain.second.newest = place;
  circle_[next_] = {exemplar, &chain, kNone};
  next_ = (next_ + 1) % most_;
  return ExemplarFate::kKept;
}

// What stands at the place to write to: the oldest of its series too, as places are taken in turn.
void ExemplarStore::drop_oldest() {
  Kept& gone = circle_[next_];
  Chain& chain = gone.chain->second;
  chain.oldest = gone.next;
  if (chain.oldest == kNone) {
    const LabelSet series = gone.chain->first;
    chains_.erase(series);
  }
}

std::vector<SeriesExemplars> ExemplarStore::select(std::span<const std::vector<Matcher>> sets,
                                                   TimeRange range) const {
  std::vector<SeriesExemplars> out;
  const std::int64_t from = to_millis(range.from);
  const std::int64_t to = to_millis(range.to);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [series, chain] : chains_) {
      if (circle_[chain.oldest].exemplar.time_ms > to ||
          circle_[chain.newest].exemplar.time_ms < from) {
        continue;
      }
      const LabelSet& labels = series;  // clang 14 captures no structured binding
      const bool wanted = std::any_of(sets.begin(), sets.end(), [&](const auto& matchers) {
        return matches_all(matchers, labels);
      });
      if (!wanted) continue;
      SeriesExemplars found{series, {}};
      for (std::uint32_t at = chain.oldest; at != kNone; at = circle_[at].next) {
        const Exemplar& exemplar = circle_[at].exemplar;
        if (exemplar.time_ms >= from && exemplar.time_ms <= to) found.exemplars.push_back(exemplar);
      }
      if (!found.exemplars.empty()) out.push_back(std::move(found));
    }
  }
  std::sort(out.begin(), out.end(),
            [](const SeriesExemplars& a, const SeriesExemplars& b) { return a.series < b.series; });
  return out;
}

ExemplarStore::Use ExemplarStore::use() const {
  const std::lock_guard lock(mutex_);
  Use use{circle_.size(), chains_.size(), 0};
  if (!circle_.empty()) {
    use.oldest_ms = circle_[circle_.size() < most_ ? 0 : next_ % most_].exemplar.time_ms;
  }
  return use;
}

}  // namespace nines::storage
