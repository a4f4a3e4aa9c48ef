#include "rules/alerts/rule_places.h"

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::alerts {
namespace {

constexpr std::string_view kBadExpression = "could not parse expression: ";

struct Place {
  int line = 0;  // both from 1
  int column = 0;
};

Place place_of(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

std::optional<int> leading_number(std::string_view& text) {
  const std::size_t end = text.find_first_not_of("0123456789");
  if (end == 0 || end == std::string_view::npos || text[end] != ':') return std::nullopt;
  const auto number = parse_int(text.substr(0, end));
  if (!number) return std::nullopt;
  text.remove_prefix(end + 1);
  return static_cast<int>(*number);
}

// The byte of `value` at a row and a column, both from 1.
std::size_t offset_of(std::string_view value, int row, int column) {
  std::size_t at = 0;
  for (; row > 1; --row) {
    const std::size_t end = value.find('\n', at);
    if (end == std::string_view::npos) return value.size();
    at = end + 1;
  }
  return std::min(value.size(), at + static_cast<std::size_t>(column - 1));
}

class Finder {
 public:
  explicit Finder(std::string_view text) : lines_(split(text, '\n')) {}

  // Where byte `offset` of the scalar stands: its value is found again, line by line, in the rows
  // of the file from its mark on, whatever its style is. What cannot be followed (escapes) is the
  // beginning of the scalar.
  Place in_scalar(const YAML::Node& scalar, std::size_t offset) const {
    const YAML::Mark mark = scalar.Mark();
    const std::string& value = scalar.Scalar();
    Place best = place_of(mark);
    std::size_t at = 0;  // of value
    for (std::size_t row = static_cast<std::size_t>(mark.line); row < lines_.size(); ++row) {
      std::string_view line = lines_[row];
      std::size_t begin = 0;
      if (row == static_cast<std::size_t>(mark.line)) {
        begin = static_cast<std::size_t>(mark.column);
        if (begin >= line.size()) return best;
        if (line[begin] == '|' || line[begin] == '>') continue;
        if (line[begin] == '"' || line[begin] == '\'') ++begin;
      }
      const std::size_t first = line.find_first_not_of(" \t\r", begin);
      if (first == std::string_view::npos) continue;
      while (at < value.size() && is_space(value[at])) ++at;
      std::size_t same = 0;
      while (first + same < line.size() && at + same < value.size() &&
             line[first + same] == value[at + same])
        ++same;
      if (same == 0) return best;
      best = {static_cast<int>(row) + 1, static_cast<int>(first) + 1};
      if (offset < at + same || at + same >= trim_end(value)) {
        best.column += static_cast<int>(std::min(offset, at + same) - std::min(at, offset));
        return best;
      }
      at += same;
    }
    return best;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }
  static std::size_t trim_end(std::string_view value) {
    const std::size_t last = value.find_last_not_of(" \t\n");
    return last == std::string_view::npos ? 0 : last + 1;
  }
  std::vector<std::string_view> lines_;
};

// The quoted name after `word`, as in `annotation "summary": ...`.
std::optional<std::string> name_after(std::string_view problem, std::string_view word) {
  const std::size_t at = problem.find(word);
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t begin = at + word.size();
  const std::size_t end = problem.find('"', begin);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(problem.substr(begin, end - begin));
}

Place place_in_rule(const Finder& finder, const YAML::Node& rule, std::string_view problem) {
  const std::size_t bad = problem.find(kBadExpression);
  if (bad != std::string_view::npos && rule["expr"].IsDefined()) {
    std::string_view rest = problem.substr(bad + kBadExpression.size());
    const auto row = leading_number(rest);
    const auto column = row ? leading_number(rest) : std::nullopt;
    const YAML::Node expr = rule["expr"];
    if (!column) return place_of(expr.Mark());
    return finder.in_scalar(expr, offset_of(expr.Scalar(), *row, *column));
  }
  const std::pair<const char*, const char*> lists[] = {{" annotation \"", "annotations"},
                                                       {" label \"", "labels"},
                                                       {" label name \"", "labels"},
                                                       {" annotation name \"", "annotations"}};
  for (const auto& [word, key] : lists) {
    const auto name = name_after(problem, word);
    if (!name) continue;
    const YAML::Node list = rule[key];
    if (list.IsDefined() && list.IsMap() && list[*name].IsDefined())
      return place_of(list[*name].Mark());
  }
  return place_of(rule.Mark());
}

// Every rule by the line it begins in.
std::map<int, YAML::Node> rules_by_line(std::string_view text) {
  std::map<int, YAML::Node> out;
  for (const YAML::Node& document : YAML::LoadAll(std::string(text))) {
    for (const YAML::Node& group : document["groups"]) {
      for (const YAML::Node& rule : group["rules"]) out.emplace(rule.Mark().line + 1, rule);
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> place_problems(const std::string& file, std::string_view text,
                                        std::vector<std::string> problems) {
  std::map<int, YAML::Node> rules;
  try {
    if (!problems.empty()) rules = rules_by_line(text);
  } catch (const YAML::Exception&) {
    rules.clear();  // the lines alone, then
  }
  const Finder finder(text);
  for (std::string& problem : problems) {
    if (!problem.starts_with(file + ":")) {
      problem = file + ":1:1: " + problem;
      continue;
    }
    std::string_view rest = std::string_view(problem).substr(file.size() + 1);
    const auto line = leading_number(rest);
    Place place{line.value_or(1), 1};
    const auto rule = rules.find(place.line);
    if (line && rule != rules.end()) {
      try {
        place = place_in_rule(finder, rule->second, rest);
      } catch (const YAML::Exception&) {
        place.column = 1;  // not a mapping, and so on: the line will do
      }
    }
    problem = file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ":" +
              std::string(rest);
  }
  return problems;
}

}  // namespace nines::alerts
