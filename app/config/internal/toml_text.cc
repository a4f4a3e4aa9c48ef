#include "app/config/internal/toml_text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/config/config.h"
#include "base/text/text.h"

namespace nines::config {
namespace {

// toml++ recurses once per dotted key part and has no cap of its own there.
std::optional<std::string> too_much(const std::string& name, std::string_view text) {
  if (text.size() > kConfigBytesMax) {
    return name + ":1:1: the file is larger than " + std::to_string(kConfigBytesMax) + " bytes";
  }
  std::size_t line = 0;
  for (const std::string_view row : split(text, '\n')) {
    ++line;
    const std::string place = name + ":" + std::to_string(line) + ":1: ";
    if (row.size() > kConfigLineMax) {
      return place + "the line is longer than " + std::to_string(kConfigLineMax) + " bytes";
    }
    const std::string_view key = trim(row).starts_with('[') ? row : row.substr(0, row.find('='));
    if (static_cast<std::size_t>(std::count(key.begin(), key.end(), '.')) > kConfigKeyDepthMax) {
      return place + "the key has more than " + std::to_string(kConfigKeyDepthMax) + " parts";
    }
  }
  return std::nullopt;
}

}  // namespace

Result<toml::table> parse_toml(const std::string& name, std::string_view text) {
  if (auto problem = too_much(name, text)) return Error(ErrorCode::kInvalid, *std::move(problem));
  toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    const auto at = error.source().begin;
    return Error(ErrorCode::kInvalid, name + ":" + std::to_string(at.line) + ":" +
                                          std::to_string(at.column) + ": " +
                                          std::string(error.description()));
  }
  return std::move(parsed).table();
}

}  // namespace nines::config
