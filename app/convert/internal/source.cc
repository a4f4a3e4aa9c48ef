#include "app/convert/internal/source.h"

#include <algorithm>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "base/text/yaml_documents.h"

namespace nines::convert {
namespace {

constexpr int kDepthMax = 8;  // of merge keys, and of lists in lists

}  // namespace

std::string Source::place(const YAML::Mark& mark) const {
  if (mark.is_null()) return file_ + ":1:1: ";
  return file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": ";
}

std::string Source::line_of(const YAML::Mark& mark) const {
  return file_ + ":" + std::to_string(mark.is_null() ? 1 : mark.line + 1);
}

void Source::fail(const YAML::Mark& mark, const std::string& message) {
  mistakes_.push_back(place(mark) + message);
}

void Source::note(const YAML::Mark& mark, const std::string& message) {
  std::string note = place(mark) + message;  // of what several SLOs refer to: once
  if (std::find(notes_.begin(), notes_.end(), note) == notes_.end())
    notes_.push_back(std::move(note));
}

void Source::add(const YAML::Node& node, int depth, std::vector<YAML::Node>& out) {
  if (node.IsNull()) return;
  if (depth > kDepthMax) {
    fail(node.Mark(), "lists are nested too deeply");
  } else if (node.IsSequence()) {
    for (const YAML::Node& item : node) add(item, depth + 1, out);
  } else if (node.IsMap() && node["items"] && node["items"].IsSequence() && node["kind"] &&
             node["kind"].IsScalar() && node["kind"].Scalar().ends_with("List")) {
    add(node["items"], depth + 1, out);
  } else {
    out.push_back(node);
  }
}

std::vector<YAML::Node> Source::documents(std::string_view text) {
  if (const auto at = endless_yaml(text)) {
    mistakes_.push_back(file_ + ":" + std::to_string(at->line) + ":" + std::to_string(at->column) +
                        ": this is no YAML: the character here begins nothing");
    return {};
  }
  std::vector<YAML::Node> out;
  try {
    for (const YAML::Node& document : YAML::LoadAll(std::string(text))) add(document, 0, out);
  } catch (const YAML::Exception& e) {
    fail(e.mark, "this is no YAML: " + e.msg);
    return {};
  }
  if (out.empty()) fail(YAML::Mark::null_mark(), "the file holds no document");
  return out;
}

Fields::Fields(const YAML::Node& node, std::string what, Source& source)
    : what_(std::move(what)), source_(source), mark_(node.Mark()) {
  if (node.IsDefined() && !node.IsNull()) add(node, false, 0);
}

void Fields::add(const YAML::Node& node, bool merged, int depth) {
  if (!node.IsMap()) {
    source_.fail(node.Mark(), what_ + " must be a mapping, of `key: value` lines");
    return;
  }
  if (depth > kDepthMax) {
    source_.fail(node.Mark(), "merge keys are nested too deeply");
    return;
  }
  std::vector<YAML::Node> merges;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) {
      source_.fail(entry.first.Mark(), "a key must be a text");
      continue;
    }
    const std::string& key = entry.first.Scalar();
    if (key == "<<") {
      merges.push_back(entry.second);
      continue;
    }
    const bool there = std::any_of(entries_.begin(), entries_.end(),
                                   [&](const Entry& known) { return known.key == key; });
    if (!there) {
      entries_.push_back({key, entry.second, entry.first.Mark()});
    } else if (!merged) {
      source_.fail(entry.first.Mark(),
                   "`" + key + "` stands in " + what_ + " twice: take one of them out");
    }
  }
  for (const YAML::Node& merge : merges) {
    if (!merge.IsSequence()) {
      add(merge, true, depth + 1);
      continue;
    }
    for (const YAML::Node& one : merge) add(one, true, depth + 1);
  }
}

const Fields::Entry* Fields::find(Names names) const {
  for (const Entry& entry : entries_) {
    if (std::find(names.begin(), names.end(), entry.key) != names.end()) return &entry;
  }
  return nullptr;
}

Fields::Entry* Fields::take(Names names) {
  Entry* first = nullptr;
  for (Entry& entry : entries_) {
    if (std::find(names.begin(), names.end(), entry.key) == names.end()) continue;
    entry.known = true;
    if (first != nullptr) {
      source_.fail(entry.mark, "`" + entry.key + "` and `" + first->key +
                                   "` are the same field: take one of them out");
    } else {
      first = &entry;
    }
  }
  return first != nullptr && first->value.IsNull() ? nullptr : first;
}

std::vector<std::pair<std::string, YAML::Mark>> Fields::keys() const {
  std::vector<std::pair<std::string, YAML::Mark>> out;
  for (const Entry& entry : entries_) out.emplace_back(entry.key, entry.mark);
  return out;
}

bool Fields::has(Names names) const {
  const Entry* entry = find(names);
  return entry != nullptr && !entry->value.IsNull();
}

YAML::Mark Fields::mark(Names names) const {
  const Entry* entry = find(names);
  if (entry == nullptr) return mark_;
  return entry->value.IsNull() ? entry->mark : entry->value.Mark();
}

YAML::Node Fields::node(Names names) {
  const Entry* entry = take(names);
  return entry == nullptr ? YAML::Node() : entry->value;
}

std::string Fields::text(Names names) {
  const Entry* entry = take(names);
  if (entry == nullptr) return "";
  if (entry->value.IsScalar()) return entry->value.Scalar();
  source_.fail(entry->value.Mark(), "`" + entry->key + "` of " + what_ + " must be a text");
  return "";
}

std::string Fields::required(Names names, std::string_view remedy) {
  const std::size_t before = source_.mistakes().size();
  std::string out = text(names);
  if (out.empty() && source_.mistakes().size() == before) {
    source_.fail(mark(names), "`" + std::string(*names.begin()) + "` is missing in " + what_ +
                                  ": " + std::string(remedy));
  }
  return out;
}

std::optional<double> Fields::number(Names names) {
  const Entry* entry = take(names);
  if (entry == nullptr) return std::nullopt;
  const auto value =
      entry->value.IsScalar() ? parse_double(trim(entry->value.Scalar())) : std::optional<double>();
  if (!value) {
    source_.fail(entry->value.Mark(),
                 "`" + entry->key + "` of " + what_ + " must be a number, like 99.9");
  }
  return value;
}

bool Fields::flag(Names names, bool fallback) {
  const Entry* entry = take(names);
  if (entry == nullptr) return fallback;
  const std::string word = entry->value.IsScalar() ? to_lower(entry->value.Scalar()) : "";
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  source_.fail(entry->value.Mark(), "`" + entry->key + "` of " + what_ + " must be true or false");
  return fallback;
}

std::map<std::string, std::string> Fields::texts(Names names) {
  std::map<std::string, std::string> out;
  const Entry* entry = take(names);
  if (entry == nullptr) return out;
  Fields inner(entry->value, "`" + entry->key + "` of " + what_, source_);
  for (const Entry& one : inner.entries_) out[one.key] = inner.text({one.key});
  return out;
}

std::vector<YAML::Node> Fields::items(Names names) {
  std::vector<YAML::Node> out;
  const Entry* entry = take(names);
  if (entry == nullptr) return out;
  if (!entry->value.IsSequence()) {
    source_.fail(entry->value.Mark(),
                 "`" + entry->key + "` of " + what_ + " must be a list, of `- item` lines");
    return out;
  }
  for (const YAML::Node& item : entry->value) out.push_back(item);
  return out;
}

std::vector<std::string> Fields::list(Names names) {
  std::vector<std::string> out;
  for (const YAML::Node& item : items(names)) {
    if (item.IsScalar()) {
      out.push_back(item.Scalar());
    } else {
      source_.fail(item.Mark(), "an item of `" + std::string(*names.begin()) + "` of " + what_ +
                                    " must be a text");
    }
  }
  return out;
}

void Fields::drop(Names names, const std::string& why) {
  const Entry* entry = take(names);
  if (entry != nullptr) source_.note(entry->mark, "`" + entry->key + "` dropped: " + why);
}

void Fields::skip(Names names) {
  for (const std::string_view name : names) (void)take({name});
}

void Fields::done() {
  for (const Entry& entry : entries_) {
    if (entry.known) continue;
    source_.note(entry.mark,
                 "`" + entry.key + "` dropped: no field of " + what_ + " that nines knows");
  }
}

}  // namespace nines::convert
