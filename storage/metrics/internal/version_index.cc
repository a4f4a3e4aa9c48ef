#include "storage/metrics/internal/version_index.h"

#include <utility>

namespace nines::storage {
namespace {

// What the matcher asks for when those are exact, non-empty texts, ascending; nothing otherwise.
std::span<const std::string> exact_values(const Matcher& matcher) {
  if (matcher.matches_empty()) return {};
  if (matcher.op() == MatchOp::kEqual) return {&matcher.value(), 1};
  if (matcher.op() == MatchOp::kRegex) return matcher.literal_set();
  return {};
}

}  // namespace

// No name has a zero byte in it.
std::string VersionIndex::key(std::string_view name, std::string_view value) {
  std::string out;
  out.reserve(name.size() + 1 + value.size());
  return out.append(name).append(1, '\0').append(value);
}

// All or nothing: a version in some of its lists would be found by some queries only.
void VersionIndex::add(const std::shared_ptr<Version>& version) {
  std::vector<Versions*> lists = {&by_layout_[version->layout.get()]};
  for (const Label& label : version->labels)
    lists.push_back(&lists_[key(label.name, label.value)]);
  for (Versions* list : lists) {
    if (list->size() == list->capacity()) list->reserve(list->size() * 2 + 1);
  }
  for (Versions* list : lists) list->push_back(version);  // nothing fails from here on
}

void VersionIndex::remove(std::span<const std::shared_ptr<Version>> versions) {
  std::unordered_set<const Version*> leaving;
  std::unordered_set<std::string> labels;
  std::unordered_set<const Layout*> layouts;
  for (const std::shared_ptr<Version>& version : versions) {
    leaving.insert(version.get());
    layouts.insert(version->layout.get());
    for (const Label& label : version->labels) labels.insert(key(label.name, label.value));
  }
  const auto leave = [&](auto& map, const auto& one) {
    const auto list = map.find(one);
    if (list == map.end()) return;
    std::erase_if(list->second, [&](const std::shared_ptr<Version>& version) {
      return leaving.contains(version.get());
    });
    if (list->second.empty()) map.erase(list);
  };
  for (const std::string& one : labels) leave(lists_, one);
  for (const Layout* one : layouts) leave(by_layout_, one);
}

const VersionIndex::Versions& VersionIndex::of(const Layout& layout) const {
  static const Versions kNone;
  const auto list = by_layout_.find(&layout);
  return list == by_layout_.end() ? kNone : list->second;
}

std::optional<VersionIndex::Lists> VersionIndex::find(const Matcher& matcher) const {
  const std::span<const std::string> values = exact_values(matcher);
  if (values.empty()) return std::nullopt;
  Lists out;
  const std::string* before = nullptr;
  for (const std::string& value : values) {
    const bool again = before != nullptr && *before == value;
    before = &value;
    const auto list = again ? lists_.end() : lists_.find(key(matcher.name(), value));
    if (list == lists_.end()) continue;
    out.lists.push_back(&list->second);
    out.versions += list->second.size();
  }
  return out;
}

}  // namespace nines::storage
