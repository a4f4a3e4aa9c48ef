#include "storage/series/series_index.h"

#include <algorithm>
#include <iterator>

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

std::uint64_t mix(std::uint64_t h, std::uint64_t v) {
  h = (h ^ v) * 0x9E3779B97F4A7C15ULL;
  return h ^ (h >> 29);
}

}  // namespace

std::vector<LabelView> own_labels(const LabelSet& labels, const LabelSet& base) {
  std::vector<LabelView> out;
  out.reserve(labels.size());
  const auto all = labels.labels();
  const auto shared = base.labels();
  auto mine = all.begin();
  auto theirs = shared.begin();
  while (mine != all.end() || theirs != shared.end()) {
    if (theirs == shared.end() || (mine != all.end() && mine->name < theirs->name)) {
      out.push_back({mine->name, mine->value});
      ++mine;
    } else if (mine == all.end() || theirs->name < mine->name) {
      out.push_back({theirs->name, {}});
      ++theirs;
    } else {
      if (mine->value != theirs->value) out.push_back({mine->name, mine->value});
      ++mine;
      ++theirs;
    }
  }
  return out;
}

std::uint64_t SeriesIndex::hash(LabelRef ref) {
  return mix(ref.name, ref.value);
}

std::uint64_t SeriesIndex::hash(std::span<const LabelRef> refs) {
  std::uint64_t h = refs.size();
  for (const LabelRef& ref : refs) h = mix(h, std::uint64_t{ref.name} << 32 | ref.value);
  return h;
}

std::optional<std::uint32_t> SeriesIndex::find_refs(std::span<const LabelRef> wanted) const {
  return table_.find(hash(wanted), [&](std::uint32_t id) {
    const auto mine = refs(id);
    return std::equal(mine.begin(), mine.end(), wanted.begin(), wanted.end());
  });
}

std::optional<std::uint32_t> SeriesIndex::find(std::span<const LabelView> own) const {
  std::vector<LabelRef> wanted;
  wanted.reserve(own.size());
  for (const LabelView& label : own) {
    const auto name = symbols_.find(label.name);
    const auto value = name ? symbols_.find(label.value) : std::nullopt;
    if (!value) return std::nullopt;
    wanted.push_back({*name, *value});
  }
  return find_refs(wanted);
}

std::uint32_t SeriesIndex::add(std::span<const LabelView> own) {
  std::vector<LabelRef> wanted;
  wanted.reserve(own.size());
  for (const LabelView& label : own)
    wanted.push_back({symbols_.add(label.name), symbols_.add(label.value)});
  const auto known = find_refs(wanted);
  return known ? *known : append_new(wanted);
}

bool SeriesIndex::append(std::span<const LabelRef> wanted) {
  for (const LabelRef& ref : wanted) {
    if (ref.name >= symbols_.size() || ref.value >= symbols_.size()) return false;
  }
  if (find_refs(wanted)) return false;
  append_new(wanted);
  return true;
}

std::uint32_t SeriesIndex::append_new(std::span<const LabelRef> wanted) {
  const std::uint32_t id = size();
  refs_.insert(refs_.end(), wanted.begin(), wanted.end());
  begins_.push_back(static_cast<std::uint32_t>(refs_.size()));
  table_.add(hash(wanted), id, [&](std::uint32_t old) { return hash(refs(old)); });
  for (const LabelRef& ref : wanted) {
    auto place = by_ref_.find(hash(ref), [&](std::uint32_t p) { return carriers_[p].ref == ref; });
    if (!place) {
      place = static_cast<std::uint32_t>(carriers_.size());
      carriers_.push_back({ref, {}});
      by_ref_.add(hash(ref), *place, [&](std::uint32_t p) { return hash(carriers_[p].ref); });
      values_[ref.name].push_back(*place);
    }
    carriers_[*place].ids.add(id);
  }
  return id;
}

template <typename Visit>
void SeriesIndex::each_label_of(std::uint32_t id, const LabelSet& base, Visit&& visit) const {
  const auto own = refs(id);
  auto mine = own.begin();
  auto theirs = base.begin();
  while (mine != own.end() || theirs != base.end()) {
    const std::string_view name =
        mine == own.end() ? std::string_view() : symbols_.text(mine->name);
    if (mine == own.end() || (theirs != base.end() && name.compare(theirs->name) > 0)) {
      visit(std::string_view(theirs->name), std::string_view(theirs->value));
      ++theirs;
      continue;
    }
    if (theirs != base.end() && theirs->name == name) ++theirs;
    if (const std::string_view text = symbols_.text(mine->value); !text.empty()) visit(name, text);
    ++mine;
  }
}

LabelSet SeriesIndex::labels(std::uint32_t id, const LabelSet& base) const {
  std::vector<Label> out;
  out.reserve(refs(id).size() + base.size());
  each_label_of(id, base, [&](std::string_view name, std::string_view text) {
    out.push_back({std::string(name), std::string(text)});
  });
  return LabelSet::from(std::move(out));
}

std::string_view SeriesIndex::value(std::uint32_t id, const LabelSet& base,
                                    std::string_view name) const {
  if (const auto symbol = symbols_.find(name)) {
    for (const LabelRef& ref : refs(id)) {
      if (ref.name == *symbol) return symbols_.text(ref.value);
    }
  }
  return base.get(name);
}

void SeriesIndex::append_key(std::uint32_t id, const LabelSet& base, std::string& out) const {
  // Each text ends with a byte below all others. The two lowest are written as two bytes each.
  const auto put = [&out](std::string_view text) {
    if (text.find_first_of(std::string_view("\0\1", 2)) == std::string_view::npos) {
      out += text;
    } else {
      for (const char c : text) {
        if (c == '\0' || c == '\1')
          out.append({'\1', static_cast<char>(c + 1)});
        else
          out += c;
      }
    }
    out += '\0';
  };
  each_label_of(id, base, [&](std::string_view name, std::string_view text) {
    put(name);
    put(text);
  });
}

const Postings* SeriesIndex::carriers(LabelRef ref) const {
  const auto place =
      by_ref_.find(hash(ref), [&](std::uint32_t p) { return carriers_[p].ref == ref; });
  return place ? &carriers_[*place].ids : nullptr;
}

const Postings* SeriesIndex::bitmap_of(const Matcher& matcher) const {
  if (matcher.op() != MatchOp::kEqual) return nullptr;
  const auto name = symbols_.find(matcher.name());
  const auto value = symbols_.find(matcher.value());
  const Postings* ids = name && value ? carriers({*name, *value}) : nullptr;
  return ids != nullptr && ids->is_bitmap() ? ids : nullptr;
}

std::vector<std::uint32_t> SeriesIndex::carrying(const Matcher& matcher, bool matching) const {
  Ids out;
  const auto name = symbols_.find(matcher.name());
  if (!name) return out;
  std::size_t lists = 0;
  const auto take = [&](const Postings* ids) {
    if (!ids) return;
    ids->append_to(out);
    ++lists;
  };
  const auto take_value = [&](std::string_view text) {
    if (const auto value = symbols_.find(text)) take(carriers({*name, *value}));
  };
  if (matching && matcher.op() == MatchOp::kEqual) {
    take_value(matcher.value());
  } else if (matching && matcher.op() == MatchOp::kRegex && !matcher.literal_set().empty()) {
    for (const std::string& text : matcher.literal_set()) take_value(text);
  } else if (const auto places = values_.find(*name); places != values_.end()) {
    for (const std::uint32_t place : places->second) {
      if (matcher.matches(symbols_.text(carriers_[place].ref.value)) == matching)
        take(&carriers_[place].ids);
    }
  }
  // A series has one value of a name: the lists are disjoint.
  if (lists > 1) std::sort(out.begin(), out.end());
  return out;
}

std::vector<bool> SeriesIndex::verdicts(std::span<const Matcher> matchers, const LabelSet& base) {
  std::vector<bool> out;
  out.reserve(matchers.size());
  for (const Matcher& matcher : matchers) out.push_back(matcher.matches(base.get(matcher.name())));
  return out;
}

// Of series that carry a value the matcher matches.
std::uint32_t SeriesIndex::estimate(const Matcher& matcher) const {
  const auto name = symbols_.find(matcher.name());
  if (!name) return 0;
  const auto of_value = [&](std::string_view text) -> std::uint32_t {
    const auto value = symbols_.find(text);
    const Postings* ids = value ? carriers({*name, *value}) : nullptr;
    return ids ? ids->size() : 0;
  };
  if (matcher.op() == MatchOp::kEqual) return of_value(matcher.value());
  if (matcher.op() == MatchOp::kRegex && !matcher.literal_set().empty()) {
    std::uint32_t sum = 0;
    for (const std::string& text : matcher.literal_set()) sum += of_value(text);
    return sum;
  }
  return size();
}

std::uint32_t SeriesIndex::estimate(std::span<const Matcher> matchers,
                                    const std::vector<bool>& verdicts) const {
  std::uint32_t least = size();
  for (std::size_t i = 0; i < matchers.size(); ++i) {
    if (!verdicts[i]) least = std::min(least, estimate(matchers[i]));
  }
  return least;
}

void SeriesIndex::filter(const Matcher& matcher, bool lacking, Ids& ids) const {
  const auto name = symbols_.find(matcher.name());
  std::erase_if(ids, [&](std::uint32_t id) {
    const auto own = refs(id);
    const auto ref =
        std::find_if(own.begin(), own.end(), [&](const LabelRef& r) { return r.name == name; });
    return ref == own.end() ? !lacking : !matcher.matches(symbols_.text(ref->value));
  });
}

// The most selective matcher first; what is left of the others looks at the few series it leaves.
std::vector<std::uint32_t> SeriesIndex::select(std::span<const Matcher> matchers,
                                               const std::vector<bool>& verdicts) const {
  constexpr std::uint32_t kFewer =
      8;  // looking at a series costs about as much as so many of a list
  std::vector<std::pair<std::uint32_t, std::size_t>> order;  // estimate, matcher
  for (std::size_t i = 0; i < matchers.size(); ++i) {
    if (!verdicts[i]) order.emplace_back(estimate(matchers[i]), i);
  }
  std::sort(order.begin(), order.end());
  if (!order.empty() && order.front().first == 0) return {};
  std::optional<Ids> chosen;
  for (const auto& [cost, i] : order) {
    if (!chosen) {
      chosen = carrying(matchers[i], true);
    } else if (const Postings* bits = bitmap_of(matchers[i])) {
      std::erase_if(*chosen, [&](std::uint32_t id) { return !bits->contains(id); });
    } else if (chosen->size() * kFewer < cost) {
      filter(matchers[i], false, *chosen);
    } else {
      chosen = intersect(*chosen, carrying(matchers[i], true));
    }
    if (chosen->empty()) return {};
  }
  if (!chosen) {
    chosen.emplace(size());
    for (std::uint32_t id = 0; id < size(); ++id) (*chosen)[id] = id;
  }
  // A matcher that is content with the base's value: take away what has another of its own.
  for (std::size_t i = 0; i < matchers.size(); ++i) {
    if (!verdicts[i]) continue;
    const auto name = symbols_.find(matchers[i].name());
    const auto values = name ? values_.find(*name) : values_.end();
    if (values == values_.end()) continue;
    if (chosen->size() < values->second.size())
      filter(matchers[i], true, *chosen);
    else
      chosen = subtract(*chosen, carrying(matchers[i], false));
  }
  return *std::move(chosen);
}

void SeriesIndex::collect_names(std::span<const std::uint32_t> ids, const LabelSet& base,
                                std::set<std::string>& out) const {
  if (ids.empty()) return;
  std::set<std::uint32_t> names;
  std::unordered_map<std::uint32_t, std::size_t> lacking;
  for (const std::uint32_t id : ids) {
    for (const LabelRef& ref : refs(id)) {
      if (symbols_.text(ref.value).empty())
        ++lacking[ref.name];
      else
        names.insert(ref.name);
    }
  }
  for (const std::uint32_t name : names) out.insert(std::string(symbols_.text(name)));
  for (const Label& label : base) {
    const auto name = symbols_.find(label.name);
    const auto lack = name ? lacking.find(*name) : lacking.end();
    if (lack == lacking.end() || lack->second < ids.size()) out.insert(label.name);
  }
}

void SeriesIndex::collect_values(std::string_view name, std::span<const std::uint32_t> ids,
                                 const LabelSet& base, std::set<std::string>& out) const {
  if (ids.empty()) return;
  const auto wanted = symbols_.find(name);
  std::set<std::uint32_t> values;
  bool of_base = !wanted;
  for (const std::uint32_t id : ids) {
    if (!wanted) break;
    const auto own = refs(id);
    const auto ref =
        std::find_if(own.begin(), own.end(), [&](const LabelRef& r) { return r.name == *wanted; });
    if (ref == own.end())
      of_base = true;
    else
      values.insert(ref->value);
  }
  for (const std::uint32_t value : values) {
    if (const std::string_view text = symbols_.text(value); !text.empty())
      out.insert(std::string(text));
  }
  if (const std::string_view text = base.get(name); of_base && !text.empty())
    out.insert(std::string(text));
}

std::size_t SeriesIndex::bytes() const {
  std::size_t bytes = symbols_.bytes() + refs_.capacity() * sizeof(LabelRef) +
                      begins_.capacity() * sizeof(std::uint32_t) + table_.bytes() +
                      by_ref_.bytes() + carriers_.capacity() * sizeof(Carriers);
  for (const Carriers& c : carriers_) bytes += c.ids.bytes();
  for (const auto& [name, places] : values_) bytes += places.capacity() * sizeof(std::uint32_t);
  return bytes;
}

}  // namespace nines::storage::series
