#pragma once
// Regular expressions in RE2's (Prometheus's) syntax. The only door to RE2.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"

namespace nines {

// Budgets against hostile patterns (a compiled program's size is its cost per byte of subject).
inline constexpr std::size_t kRegexBytesMax = 8u << 10;
inline constexpr int kRegexProgramMax = 10'000;

enum class RegexAnchor : bool { kNone, kBoth };

// Immutable and thread-safe.
class Regex {
 public:
  // kInvalid with RE2's message; kLimit when over budget.
  static Result<std::shared_ptr<const Regex>> compile(std::string_view pattern, RegexAnchor anchor);

  virtual ~Regex() = default;
  virtual bool matches(std::string_view subject) const = 0;
  // Groups 0..n of the leftmost match; empty vector when there is none. Unmatched groups have
  // data()==nullptr.
  virtual std::vector<std::string_view> groups(std::string_view subject) const = 0;
  virtual const std::vector<std::string>& group_names() const = 0;  // index 0 is ""; unnamed are ""
  // Replaces every match; $1, ${1}, ${name} and $$ as Go's regexp.Expand.
  virtual std::string replace_all(std::string_view subject, std::string_view replacement) const = 0;
  // The Go expansion of a template for one match (label_replace); `groups` as from groups().
  virtual std::string expand(std::string_view replacement,
                             const std::vector<std::string_view>& groups) const = 0;
  virtual const std::string& pattern() const = 0;
};

}  // namespace nines
