#include "base/model/internal/literals.h"

#include <algorithm>

namespace nines::internal {
namespace {

constexpr std::string_view kMeta = R"(.+*?()[]{}^$)";

// The pattern without one pair of parentheses around all of it.
std::string_view without_group(std::string_view pattern) {
  if (!pattern.starts_with('(') || !pattern.ends_with(')')) return pattern;
  const std::size_t open = pattern.starts_with("(?:") ? 3 : 1;
  if (pattern.size() <= open) return pattern;
  // Should the two not belong together, as in (a)|(b), what is left has parentheses and is refused;
  // an escaped end, as in (a\), leaves a lone backslash and is refused too.
  return pattern.substr(open, pattern.size() - open - 1);
}

}  // namespace

std::vector<std::string> literal_alternatives(std::string_view pattern) {
  pattern = without_group(pattern);
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '|') {
      words.emplace_back();
    } else if (c == '\\') {
      // Only an escaped punctuation mark is sure to stand for itself: \d is a class, \n a line
      // feed.
      if (++i == pattern.size()) return {};
      const std::string_view next = pattern.substr(i, 1);
      if (next != "\\" && next != "|" && next != "-" && next != "/" &&
          kMeta.find(next[0]) == std::string_view::npos) {
        return {};
      }
      words.back() += next;
    } else if (kMeta.find(c) != std::string_view::npos) {
      return {};
    } else {
      words.back() += c;
    }
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

}  // namespace nines::internal
