#include "storage/series/series_index.h"

#include <algorithm>

#include "base/text/text.h"

namespace nines::storage::series {
namespace {

using Ids = std::vector<std::uint32_t>;

Ids intersect(const Ids& a, const Ids& b) {
  Ids out;
  out.reserve(std::min(a.size(), b.size()));
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

Ids subtract(const Ids& a, const Ids& b) {
  Ids out;
  out.reserve(a.size());
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

}  // namespace

std::uint32_t SeriesIndex::add(const LabelSet& labels) {
  if (const auto known = find(labels)) return *known;
  std::vector<LabelRef> refs;
  refs.reserve(labels.size());
  for (const Label& label : labels) {
    refs.push_back({.name = symbols_.add(label.name), .value = symbols_.add(label.value)});
  }
  return append(refs, labels.hash());
}

std::uint32_t SeriesIndex::append(std::span<const LabelRef> refs, std::uint64_t hash) {
  const std::uint32_t id = size();
  refs_.insert(refs_.end(), refs.begin(), refs.end());
  begins_.push_back(static_cast<std::uint32_t>(refs_.size()));
  hashes_.push_back(hash);
  for (const LabelRef& ref : refs) {
    Ids& ids = postings_[key(ref.name, ref.value)];
    if (ids.empty()) values_[ref.name].push_back(ref.value);
    ids.push_back(id);
  }
  if (hashes_.size() * 4 > table_.size() * 3) {
    grow_table();
  } else {
    std::size_t at = hash & (table_.size() - 1);
    while (table_[at] != 0) at = (at + 1) & (table_.size() - 1);
    table_[at] = id + 1;
  }
  return id;
}

void SeriesIndex::grow_table() {
  std::size_t capacity = 16;
  while (capacity < hashes_.size() * 2) capacity *= 2;
  table_.assign(capacity, 0);
  for (std::uint32_t id = 0; id < hashes_.size(); ++id) {
    std::size_t at = hashes_[id] & (capacity - 1);
    while (table_[at] != 0) at = (at + 1) & (capacity - 1);
    table_[at] = id + 1;
  }
}

std::optional<std::uint32_t> SeriesIndex::find(const LabelSet& labels) const {
  if (table_.empty()) return std::nullopt;
  const std::uint64_t hash = labels.hash();
  for (std::size_t at = hash & (table_.size() - 1); table_[at] != 0;
       at = (at + 1) & (table_.size() - 1)) {
    const std::uint32_t id = table_[at] - 1;
    if (hashes_[id] == hash && same_labels(id, labels)) return id;
  }
  return std::nullopt;
}

bool SeriesIndex::same_labels(std::uint32_t id, const LabelSet& labels) const {
  const auto mine = refs(id);
  const auto theirs = labels.labels();
  return std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end(),
                    [&](const LabelRef& ref, const Label& label) {
                      return symbols_.text(ref.name) == label.name &&
                             symbols_.text(ref.value) == label.value;
                    });
}

LabelSet SeriesIndex::labels(std::uint32_t id) const {
  std::vector<Label> labels;
  for (const LabelRef& ref : refs(id)) {
    labels.push_back({symbols_.text(ref.name), symbols_.text(ref.value)});
  }
  return LabelSet::from(std::move(labels));
}

std::string_view SeriesIndex::metric_name(std::uint32_t id) const {
  for (const LabelRef& ref : refs(id)) {
    if (symbols_.text(ref.name) == kMetricName) return symbols_.text(ref.value);
  }
  return {};
}

const Ids* SeriesIndex::postings(std::string_view name, std::string_view value) const {
  const auto n = symbols_.find(name);
  const auto v = symbols_.find(value);
  if (!n || !v) return nullptr;
  const auto found = postings_.find(key(*n, *v));
  return found == postings_.end() ? nullptr : &found->second;
}

Ids SeriesIndex::carrying(const Matcher& matcher, bool matching) const {
  std::vector<const Ids*> lists;
  std::size_t total = 0;
  const auto take = [&](const Ids* ids) {
    if (ids == nullptr) return;
    lists.push_back(ids);
    total += ids->size();
  };
  if (matching && matcher.op() == MatchOp::kEqual) {
    take(postings(matcher.name(), matcher.value()));
  } else if (matching && matcher.op() == MatchOp::kRegex && !matcher.literal_set().empty()) {
    for (const std::string& literal : matcher.literal_set())
      take(postings(matcher.name(), literal));
  } else if (const auto name = symbols_.find(matcher.name())) {
    if (const auto values = values_.find(*name); values != values_.end()) {
      for (const std::uint32_t value : values->second) {
        if (matcher.matches(symbols_.text(value)) == matching) {
          take(&postings_.find(key(*name, value))->second);
        }
      }
    }
  }
  if (lists.size() == 1) return *lists[0];
  Ids out;  // a series has one value of a name: the lists are disjoint
  out.reserve(total);
  for (const Ids* ids : lists) out.insert(out.end(), ids->begin(), ids->end());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::uint32_t> SeriesIndex::select(std::span<const Matcher> matchers) const {
  std::optional<Ids> chosen;
  for (const Matcher& matcher : matchers) {
    if (matcher.matches_empty()) continue;
    Ids ids = carrying(matcher, true);
    chosen = chosen ? intersect(*chosen, ids) : std::move(ids);
    if (chosen->empty()) return {};
  }
  if (!chosen) {
    chosen.emplace(size());
    for (std::uint32_t id = 0; id < size(); ++id) (*chosen)[id] = id;
  }
  // A matcher that matches "" also selects series without the label: take away what it refuses.
  for (const Matcher& matcher : matchers) {
    if (matcher.matches_empty()) *chosen = subtract(*chosen, carrying(matcher, false));
  }
  return *std::move(chosen);
}

void SeriesIndex::collect_names(std::span<const std::uint32_t> ids,
                                std::set<std::string>& out) const {
  std::set<std::uint32_t> names;
  for (const std::uint32_t id : ids) {
    for (const LabelRef& ref : refs(id)) names.insert(ref.name);
  }
  for (const std::uint32_t name : names) out.insert(symbols_.text(name));
}

void SeriesIndex::collect_values(std::string_view name, std::span<const std::uint32_t> ids,
                                 std::set<std::string>& out) const {
  const auto wanted = symbols_.find(name);
  if (!wanted) return;
  std::set<std::uint32_t> values;
  for (const std::uint32_t id : ids) {
    for (const LabelRef& ref : refs(id)) {
      if (ref.name == *wanted) values.insert(ref.value);
    }
  }
  for (const std::uint32_t value : values) out.insert(symbols_.text(value));
}

void SeriesIndex::collect_all_names(std::set<std::string>& out) const {
  for (const auto& [name, values] : values_) out.insert(symbols_.text(name));
}

void SeriesIndex::collect_all_values(std::string_view name, std::set<std::string>& out) const {
  const auto wanted = symbols_.find(name);
  if (!wanted) return;
  const auto values = values_.find(*wanted);
  if (values == values_.end()) return;
  for (const std::uint32_t value : values->second) out.insert(symbols_.text(value));
}

std::vector<std::pair<std::string, std::uint64_t>> SeriesIndex::values_per_name() const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (const auto& [name, values] : values_) out.emplace_back(symbols_.text(name), values.size());
  return out;
}

std::vector<std::pair<std::string, std::uint64_t>> SeriesIndex::series_per_metric() const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  const auto name = symbols_.find(kMetricName);
  if (!name) return out;
  const auto values = values_.find(*name);
  if (values == values_.end()) return out;
  for (const std::uint32_t value : values->second) {
    out.emplace_back(symbols_.text(value), postings_.find(key(*name, value))->second.size());
  }
  return out;
}

// The same bytes as LabelSet::hash() reads.
std::uint64_t SeriesIndex::compute_hash(std::span<const LabelRef> refs) const {
  std::string bytes;
  for (const LabelRef& ref : refs) {
    bytes += symbols_.text(ref.name);
    bytes += '\xFF';
    bytes += symbols_.text(ref.value);
    bytes += '\xFF';
  }
  return hash64(bytes);
}

bool SeriesIndex::add_refs(std::span<const LabelRef> refs) {
  for (const LabelRef& ref : refs) {
    if (ref.name >= symbols_.size() || ref.value >= symbols_.size()) return false;
  }
  append(refs, compute_hash(refs));
  return true;
}

}  // namespace nines::storage::series
