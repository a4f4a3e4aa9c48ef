#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/yaml.h>

#include "base/text/text.h"
#include "base/text/yaml_documents.h"
#include "rules/alerts/config.h"
#include "rules/alerts/internal/yaml_reader.h"

namespace nines::alerts {
namespace {

constexpr std::array<std::string_view, 1> kFileKeys = {"groups"};
constexpr std::array<std::string_view, 6> kGroupKeys = {"name",  "interval", "query_offset",
                                                        "limit", "labels",   "rules"};
constexpr std::array<std::string_view, 7> kRuleKeys = {
    "record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"};

Result<void> set_rule_field(const YamlReader& reader, const YamlField& field, RuleConfig& rule) {
  if (field.key == "record") {
    NINES_TRY(rule.record, reader.text(field));
  } else if (field.key == "alert") {
    NINES_TRY(rule.alert, reader.text(field));
  } else if (field.key == "expr") {
    NINES_TRY(rule.expr, reader.text(field));
  } else if (field.key == "for") {
    NINES_TRY(rule.hold, reader.duration(field));
  } else if (field.key == "keep_firing_for") {
    NINES_TRY(rule.keep_firing_for, reader.duration(field));
  } else if (field.key == "labels") {
    NINES_TRY(rule.labels, reader.texts(field));
  } else if (field.key == "annotations") {
    NINES_TRY(rule.annotations, reader.texts(field));
  }
  return {};
}

// What is wrong with the rule as a whole, and the key to point at (empty: the rule itself).
struct Complaint {
  std::string_view key;
  std::string_view message;
};

Complaint complaint_about(const RuleConfig& rule) {
  if (!rule.record.empty() && !rule.alert.empty()) {
    return {"alert", "a rule has either \"record\" or \"alert\", not both"};
  }
  if (rule.record.empty() && rule.alert.empty()) {
    return {"", "a rule needs one of \"record\" and \"alert\""};
  }
  if (rule.expr.empty()) return {"expr", "a rule needs an \"expr\""};
  if (!rule.record.empty()) {
    if (rule.hold != Duration::zero()) return {"for", "a recording rule has no \"for\""};
    if (rule.keep_firing_for != Duration::zero()) {
      return {"keep_firing_for", "a recording rule has no \"keep_firing_for\""};
    }
    if (!rule.annotations.empty()) {
      return {"annotations", "a recording rule has no \"annotations\""};
    }
  }
  return {};
}

Result<RuleConfig> read_rule(const YamlReader& reader, const YAML::Node& node) {
  NINES_TRY(const std::vector<YamlField> fields, reader.fields(node, "a rule", kRuleKeys));
  RuleConfig rule;
  rule.line = node.Mark().line + 1;
  for (const YamlField& field : fields) {
    if (auto set = set_rule_field(reader, field, rule); !set) return set.error();
  }
  const Complaint complaint = complaint_about(rule);
  if (complaint.message.empty()) return rule;
  for (const YamlField& field : fields) {
    if (field.key == complaint.key) return reader.error(field.mark, complaint.message);
  }
  return reader.error(node.Mark(), complaint.message);
}

Result<GroupConfig> read_group(const YamlReader& reader, const std::string& file,
                               const YAML::Node& node) {
  NINES_TRY(const std::vector<YamlField> fields, reader.fields(node, "a group", kGroupKeys));
  GroupConfig group;
  group.file = file;
  for (const YamlField& field : fields) {
    if (field.key == "name") {
      NINES_TRY(group.name, reader.text(field));
    } else if (field.key == "interval") {
      NINES_TRY(group.interval, reader.duration(field));
    } else if (field.key == "query_offset") {
      NINES_TRY(group.query_offset, reader.duration(field));
    } else if (field.key == "limit") {
      NINES_TRY(group.limit, reader.count(field));
    } else if (field.key == "labels") {
      NINES_TRY(group.labels, reader.texts(field));
    } else {
      NINES_TRY(const std::vector<YAML::Node> rules, reader.items(field));
      for (const YAML::Node& rule : rules) {
        if (rule.IsNull()) continue;  // a dash alone, as in Prometheus
        NINES_TRY(RuleConfig read, read_rule(reader, rule));
        group.rules.push_back(std::move(read));
      }
    }
  }
  if (group.name.empty()) return reader.error(node.Mark(), "a group needs a \"name\"");
  return group;
}

Result<void> read_document(const YamlReader& reader, const std::string& file,
                           const YAML::Node& document, std::set<std::string>& names,
                           std::vector<GroupConfig>& out) {
  NINES_TRY(const std::vector<YamlField> fields, reader.fields(document, "a rule file", kFileKeys));
  for (const YamlField& field : fields) {
    NINES_TRY(const std::vector<YAML::Node> groups, reader.items(field));
    for (const YAML::Node& node : groups) {
      if (node.IsNull()) continue;
      NINES_TRY(GroupConfig group, read_group(reader, file, node));
      if (!names.insert(group.name).second) {
        return reader.error(node.Mark(), "group \"" + group.name + "\" stands in this file twice");
      }
      out.push_back(std::move(group));
    }
  }
  return {};
}

// YAML has no control characters but tab and the ends of lines.
std::size_t find_control(std::string_view text) {
  const auto at = std::find_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
           c == 0x7f;
  });
  return at == text.end() ? std::string_view::npos : static_cast<std::size_t>(at - text.begin());
}

// Bytes that no YAML file has, named by their line.
std::optional<Error> bad_bytes(const std::string& file, std::string_view text) {
  const bool utf8 = is_valid_utf8(text);
  if (utf8 && find_control(text) == std::string_view::npos) return std::nullopt;
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return Error(ErrorCode::kInvalid, file + ":1:1: the file is UTF-16, save it as UTF-8");
  }
  std::size_t line = 1;
  for (const std::string_view one : split(text, '\n')) {
    const std::string place = file + ":" + std::to_string(line++) + ":";
    if (!utf8 && !is_valid_utf8(one))
      return Error(ErrorCode::kInvalid, place + "1: this line is not valid UTF-8");
    if (const std::size_t at = find_control(one); at != std::string_view::npos)
      return Error(ErrorCode::kInvalid, place + std::to_string(at + 1) +
                                            ": control characters are not allowed here, remove " +
                                            "it or write it as an escape in double quotes");
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<GroupConfig>> parse_rules_yaml(const std::string& file, std::string_view text,
                                                  UnknownKeys unknown) {
  const YamlReader reader(file, unknown);
  if (auto bad = bad_bytes(file, text)) return *std::move(bad);
  if (const auto at = endless_yaml(text)) {
    return Error(ErrorCode::kInvalid,
                 file + ":" + std::to_string(at->line) + ":" + std::to_string(at->column) +
                     ": this character begins no YAML: a rule file begins with `groups:`");
  }
  std::vector<GroupConfig> groups;
  std::set<std::string> names;
  try {
    for (const YAML::Node& document : YAML::LoadAll(std::string(text))) {
      if (auto read = read_document(reader, file, document, names, groups); !read) {
        return read.error();
      }
    }
  } catch (const YAML::DeepRecursion& e) {
    return reader.error(e.mark, "lists and mappings are nested too deeply");
  } catch (const YAML::Exception& e) {
    return reader.error(e.mark, e.msg);
  }
  return groups;
}

}  // namespace nines::alerts
