#include "collector/probe/internal/node_reader.h"

#include <algorithm>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

using Kind = ConfigNode::Kind;

std::string ticks(std::string_view key) {
  return "`" + std::string(key) + "`";
}

}  // namespace

NodeReader::NodeReader(const ConfigNode& node, std::string name,
                       std::vector<ConfigProblem>& problems)
    : node_(node), name_(std::move(name)), problems_(problems) {
  if (node_.kind != Kind::kMap && node_.kind != Kind::kNull) {
    problem(node_, name_ + " must be a table of keys and values");
  }
}

NodeReader::~NodeReader() {
  const std::vector<std::string_view> words(known_.begin(), known_.end());
  for (const auto& [key, value] : node_.members) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string_view near = nearest_word(key, words);
    std::string what = "unknown key " + ticks(key) + " in " + name_;
    if (!near.empty()) what += "; did you mean " + ticks(near) + "?";
    problem(value, std::move(what));
  }
}

void NodeReader::problem(const ConfigNode& at, std::string what) {
  problems_.push_back({at.line, at.column, std::move(what)});
}

const ConfigNode* NodeReader::find(std::string_view key) {
  known_.emplace_back(key);
  for (const auto& [name, value] : node_.members) {
    if (name == key) return value.kind == Kind::kNull ? nullptr : &value;
  }
  return nullptr;
}

void NodeReader::fail(std::string_view key, std::string what) {
  for (const auto& [name, value] : node_.members) {
    if (name == key) return problem(value, std::move(what));
  }
  problem(node_, std::move(what));
}

bool NodeReader::scalar(const ConfigNode& node, std::string_view key, std::string_view wanted) {
  if (node.kind == Kind::kScalar) return true;
  problem(node, ticks(key) + " in " + name_ + " must be " + std::string(wanted));
  return false;
}

void NodeReader::read(std::string_view key, std::string& out) {
  const ConfigNode* node = find(key);
  if (node != nullptr && scalar(*node, key, "a text")) out = node->text;
}

void NodeReader::read(std::string_view key, bool& out) {
  const ConfigNode* node = find(key);
  if (node == nullptr || !scalar(*node, key, "true or false")) return;
  if (node->text != "true" && node->text != "false") {
    return problem(*node, ticks(key) + " in " + name_ + " must be true or false");
  }
  out = node->text == "true";
}

void NodeReader::read(std::string_view key, int& out, int least, int most) {
  const ConfigNode* node = find(key);
  if (node == nullptr || !scalar(*node, key, "an integer")) return;
  const auto value = parse_int(node->text);
  if (!value || *value < least || *value > most) {
    return problem(*node, ticks(key) + " in " + name_ + " must be " + std::to_string(least) +
                              " to " + std::to_string(most));
  }
  out = static_cast<int>(*value);
}

void NodeReader::read(std::string_view key, Duration& out) {
  const ConfigNode* node = find(key);
  if (node == nullptr || !scalar(*node, key, "a duration")) return;
  const Result<Duration> value = parse_duration(node->text);
  if (!value) return problem(*node, ticks(key) + ": " + value.error().what());
  out = *value;
}

void NodeReader::read_bytes(std::string_view key, std::uint64_t& out) {
  const ConfigNode* node = find(key);
  if (node == nullptr || !scalar(*node, key, "a size")) return;
  const Result<std::uint64_t> value = parse_bytes(node->text);
  if (!value) return problem(*node, ticks(key) + ": " + value.error().what());
  if (*value > 0) out = *value;
}

void NodeReader::read(std::string_view key, std::vector<std::string>& out) {
  const ConfigNode* node = find(key);
  if (node == nullptr) return;
  out.clear();
  if (node->kind == Kind::kScalar) {
    out.push_back(node->text);
    return;
  }
  if (node->kind != Kind::kList) {
    return problem(*node, ticks(key) + " in " + name_ + " must be a list");
  }
  for (const ConfigNode& item : node->items) {
    if (scalar(item, key, "a list of texts")) out.push_back(item.text);
  }
}

void NodeReader::read(std::string_view key, std::map<std::string, std::string>& out) {
  const ConfigNode* node = find(key);
  if (node == nullptr) return;
  if (node->kind != Kind::kMap) {
    return problem(*node, ticks(key) + " in " + name_ + " must be a table of texts");
  }
  out.clear();
  for (const auto& [name, value] : node->members) {
    if (scalar(value, key, "a table of texts")) out[name] = value.text;
  }
}

RegexPtr NodeReader::regex(const ConfigNode& node, std::string_view key) {
  if (!scalar(node, key, "a regular expression")) return nullptr;
  Result<RegexPtr> compiled = Regex::compile(node.text, RegexAnchor::kNone);
  if (compiled) return *std::move(compiled);
  problem(node, ticks(key) + ": " + compiled.error().what());
  return nullptr;
}

void NodeReader::read(std::string_view key, RegexPtr& out) {
  if (const ConfigNode* node = find(key)) out = regex(*node, key);
}

void NodeReader::read(std::string_view key, std::vector<RegexPtr>& out) {
  const ConfigNode* node = find(key);
  if (node == nullptr) return;
  out.clear();
  const auto add = [&](const ConfigNode& one) {
    if (RegexPtr compiled = regex(one, key)) out.push_back(std::move(compiled));
  };
  if (node->kind != Kind::kList) return add(*node);
  for (const ConfigNode& item : node->items) add(item);
}

void NodeReader::read_one_of(std::string_view key, std::string& out,
                             std::vector<std::string_view> allowed) {
  const ConfigNode* node = find(key);
  if (node == nullptr || !scalar(*node, key, "a text")) return;
  if (std::find(allowed.begin(), allowed.end(), node->text) != allowed.end()) {
    out = node->text;
    return;
  }
  std::string all;
  for (const std::string_view one : allowed) all += (all.empty() ? "" : ", ") + std::string(one);
  problem(*node, ticks(key) + " in " + name_ + " is one of " + all + ", not " +
                     quote_go(node->text));
}

void NodeReader::table(std::string_view key, const std::function<void(NodeReader&)>& each) {
  const ConfigNode* node = find(key);
  if (node == nullptr) return;
  NodeReader inner(*node, ticks(key), problems_);
  each(inner);
}

void NodeReader::tables(std::string_view key, const std::function<void(NodeReader&)>& each) {
  const ConfigNode* node = find(key);
  if (node == nullptr) return;
  if (node->kind != Kind::kList) {
    return problem(*node, ticks(key) + " in " + name_ + " must be a list");
  }
  for (const ConfigNode& item : node->items) {
    NodeReader inner(item, ticks(key), problems_);
    each(inner);
  }
}

}  // namespace nines::collector
