#include "collector/discovery/internal/target_file.h"

#include <algorithm>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "base/model/labels.h"
#include "base/text/json.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

constexpr int kYamlDepthMax = 32;

Error invalid(std::string why) {
  return {ErrorCode::kInvalid, std::move(why)};
}

Result<void> check_label(std::string_view name) {
  if (is_legacy_label_name(name)) return {};
  return invalid(quote_go(name) + " is no label name");
}

// "JSON at byte 17: ..." as "line 2, column 3: ...".
Error with_line(const Error& error, std::string_view text) {
  constexpr std::string_view kPrefix = "JSON at byte ";
  const std::string& what = error.what();
  const std::size_t colon = what.find(": ");
  if (!what.starts_with(kPrefix) || colon == std::string::npos) return error;
  std::size_t offset = 0;
  for (const char c : what.substr(kPrefix.size(), colon - kPrefix.size())) {
    offset = offset * 10 + static_cast<std::size_t>(c - '0');
  }
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {error.code(), "line " + std::to_string(line) + ", column " +
                            std::to_string(before.size() - start + 1) + what.substr(colon)};
}

Result<StaticConfig> group_of(const Json& json) {
  StaticConfig group;
  if (!json.is_object()) return invalid("a group is an object with `targets` and `labels`");
  for (const auto& [key, value] : json.members()) {
    if (key == "targets") {
      if (!value.is_array()) return invalid("`targets` is no list");
      for (const Json& target : value.items()) {
        if (!target.is_string()) return invalid("`targets` holds something that is no text");
        group.targets.push_back(target.as_string());
      }
    } else if (key == "labels") {
      if (value.type() == Json::Type::kNull) continue;
      if (!value.is_object()) return invalid("`labels` is no object");
      for (const auto& [name, text] : value.members()) {
        if (Result<void> fine = check_label(name); !fine) return fine.error();
        if (!text.is_string()) return invalid("label " + quote_go(name) + " is no text");
        group.labels[name] = text.as_string();
      }
    } else {
      return invalid("unknown key " + quote_go(key) + ": a group has `targets` and `labels`");
    }
  }
  return group;
}

Error at(const YAML::Mark& mark, std::string_view message) {
  if (mark.is_null()) return invalid(std::string(message));
  return invalid("line " + std::to_string(mark.line + 1) + ", column " +
                 std::to_string(mark.column + 1) + ": " + std::string(message));
}

Result<StaticConfig> group_of(const YAML::Node& node) {
  StaticConfig group;
  if (!node.IsMap()) return at(node.Mark(), "a group is a mapping of `targets` and `labels`");
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const YAML::Node& value = entry.second;
    if (key == "targets") {
      if (!value.IsSequence()) return at(value.Mark(), "`targets` is no list");
      for (const YAML::Node& target : value) {
        if (!target.IsScalar()) return at(target.Mark(), "a target is a text");
        group.targets.push_back(target.Scalar());
      }
    } else if (key == "labels") {
      if (value.IsNull()) continue;
      if (!value.IsMap()) return at(value.Mark(), "`labels` is no mapping");
      for (const auto& label : value) {
        const std::string name = label.first.IsScalar() ? label.first.Scalar() : "";
        if (Result<void> fine = check_label(name); !fine) {
          return at(label.first.Mark(), fine.error().what());
        }
        if (!label.second.IsScalar()) {
          return at(label.second.Mark(), "label " + quote_go(name) + " is no text");
        }
        group.labels[name] = label.second.Scalar();
      }
    } else {
      return at(entry.first.Mark(),
                "unknown key " + quote_go(key) + ": a group has `targets` and `labels`");
    }
  }
  return group;
}

// yaml-cpp goes down by recursion: what is nested too deeply is refused before it gets there.
bool too_deep(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') depth = std::max(0, depth - 1);
    if (depth > kYamlDepthMax) return true;
  }
  // In block style each level takes two more bytes of one line, "- - - x", or of indentation.
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t first = line.find_first_not_of(" -?:");
    if (std::min(first, line.size()) > 8 * kYamlDepthMax) return true;
  }
  return false;
}

}  // namespace

Result<TargetGroups> parse_targets_json(std::string_view text) {
  const Result<Json> json = Json::parse(text);
  if (!json) return with_line(json.error(), text);
  if (!json->is_array()) return invalid("the whole must be a list of groups");
  TargetGroups groups;
  for (const Json& item : json->items()) {
    Result<StaticConfig> group = group_of(item);
    if (!group) {
      return std::move(group).error().in("group " + std::to_string(groups.size() + 1));
    }
    groups.push_back(*std::move(group));
  }
  return groups;
}

Result<TargetGroups> parse_targets_yaml(std::string_view text) {
  if (too_deep(text)) return invalid("nested too deeply");
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    TargetGroups groups;
    if (root.IsNull()) return groups;
    if (!root.IsSequence()) return at(root.Mark(), "the whole must be a list of groups");
    for (const YAML::Node& node : root) {
      NINES_TRY(StaticConfig group, group_of(node));
      groups.push_back(std::move(group));
    }
    return groups;
  } catch (const YAML::Exception& error) {
    return at(error.mark, error.msg);
  }
}

}  // namespace nines::collector
