#include "rules/alerts/internal/yaml_reader.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::alerts {
namespace {

constexpr int kMergeDepthMax = 8;
constexpr double kCountMax = 9007199254740992;  // what a double counts to

bool has(const std::vector<YamlField>& fields, const std::string& key) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const YamlField& field) { return field.key == key; });
}

}  // namespace

Error YamlReader::error(const YAML::Mark& mark, std::string_view message) const {
  std::string text = file_;
  if (!mark.is_null()) {
    text += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  }
  return {ErrorCode::kInvalid, text + ": " + std::string(message)};
}

Result<void> YamlReader::add_fields(const YAML::Node& node, std::string_view what, int depth,
                                    bool merged, std::vector<YamlField>& out) const {
  if (!node.IsMap()) return error(node.Mark(), std::string(what) + " must be a mapping");
  if (depth > kMergeDepthMax) return error(node.Mark(), "merge keys are nested too deeply");
  std::vector<YAML::Node> merges;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return error(entry.first.Mark(), "a key must be a text");
    const std::string& key = entry.first.Scalar();
    if (key == "<<") {
      merges.push_back(entry.second);
    } else if (!has(out, key)) {
      out.push_back({key, entry.second, entry.first.Mark()});
    } else if (!merged) {
      return error(entry.first.Mark(), "key \"" + key + "\" stands here twice");
    }
  }
  for (const YAML::Node& merge : merges) {
    if (merge.IsSequence()) {
      for (const YAML::Node& one : merge) {
        if (auto added = add_fields(one, what, depth + 1, true, out); !added) return added;
      }
    } else if (auto added = add_fields(merge, what, depth + 1, true, out); !added) {
      return added;
    }
  }
  return {};
}

Result<std::vector<YamlField>> YamlReader::fields(const YAML::Node& node, std::string_view what,
                                                  std::span<const std::string_view> known) const {
  std::vector<YamlField> out;
  if (node.IsNull()) return out;
  if (auto added = add_fields(node, what, 0, false, out); !added) return added.error();
  if (known.empty()) return out;
  const auto is_known = [&](const YamlField& field) {
    return std::find(known.begin(), known.end(), field.key) != known.end();
  };
  if (unknown_ == UnknownKeys::kIgnore) {
    std::erase_if(out, [&](const YamlField& field) { return !is_known(field); });
    return out;
  }
  for (const YamlField& field : out) {
    if (is_known(field)) continue;
    std::string message = "unknown key \"" + field.key + "\" in " + std::string(what);
    const std::string_view near = nearest_word(field.key, known);
    if (!near.empty()) message += ", did you mean \"" + std::string(near) + "\"?";
    return error(field.mark, message);
  }
  return out;
}

Result<std::vector<YAML::Node>> YamlReader::items(const YamlField& field) const {
  std::vector<YAML::Node> out;
  if (field.value.IsNull()) return out;
  if (!field.value.IsSequence()) {
    return error(field.value.Mark(), "\"" + field.key + "\" must be a list");
  }
  for (const YAML::Node& item : field.value) out.push_back(item);
  return out;
}

Result<std::string> YamlReader::text(const YamlField& field) const {
  if (field.value.IsNull()) return std::string();
  if (!field.value.IsScalar()) {
    return error(field.value.Mark(), "\"" + field.key + "\" must be a text");
  }
  return field.value.Scalar();
}

Result<Duration> YamlReader::duration(const YamlField& field) const {
  if (field.value.IsNull()) return Duration::zero();  // `for:` without a value
  NINES_TRY(const std::string written, text(field));
  const Result<Duration> parsed = parse_duration(written);
  if (!parsed) {
    return error(field.value.Mark(), "\"" + field.key + "\": " + parsed.error().what());
  }
  return *parsed;
}

Result<std::size_t> YamlReader::count(const YamlField& field) const {
  if (field.value.IsNull()) return 0;
  NINES_TRY(const std::string written, text(field));
  std::optional<std::int64_t> parsed = parse_int(written);
  if (!parsed) {  // YAML has more ways to write one: 1_000, 10.0, 1e3
    std::string plain = written;
    std::erase(plain, '_');
    const auto number = parse_double(plain);
    if (number && *number >= 0 && *number <= kCountMax && *number == std::floor(*number))
      parsed = static_cast<std::int64_t>(*number);
  }
  if (!parsed || *parsed < 0) {
    return error(field.value.Mark(), "\"" + field.key + "\" must be a whole number, 0 or more");
  }
  return static_cast<std::size_t>(*parsed);
}

Result<std::map<std::string, std::string>> YamlReader::texts(const YamlField& field) const {
  NINES_TRY(const std::vector<YamlField> entries, fields(field.value, "\"" + field.key + "\"", {}));
  std::map<std::string, std::string> out;
  for (const YamlField& entry : entries) {
    NINES_TRY(out[entry.key], text(entry));
  }
  return out;
}

}  // namespace nines::alerts
