#pragma once
// Label matchers: = != =~ !~ with Prometheus's meaning (regexes anchored, a missing label is "").

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.h"
#include "base/model/labels.h"
#include "base/text/regex.h"

namespace nines {

enum class MatchOp : std::uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };
std::string_view to_string(MatchOp op) noexcept;  // "=", "!=", "=~", "!~"

// Immutable, cheap to copy, thread-safe.
class Matcher {
 public:
  // kInvalid when the pattern is no RE2 regex, or over budget (text names the label and the
  // pattern).
  static Result<Matcher> make(MatchOp op, std::string name, std::string value);
  static Matcher equal(std::string name, std::string value);

  MatchOp op() const { return op_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  bool matches(std::string_view label_value) const;
  bool matches_empty() const {
    return matches("");
  }  // then it selects series without the label too
  // A regex that is an alternation of literals (a|b|c) is this set; empty otherwise. Sorted.
  std::span<const std::string> literal_set() const { return literals_; }
  std::string to_string() const;  // name="value", value quoted
  bool operator==(const Matcher& o) const {
    return op_ == o.op_ && name_ == o.name_ && value_ == o.value_;
  }

 private:
  Matcher(MatchOp op, std::string name, std::string value)
      : op_(op), name_(std::move(name)), value_(std::move(value)) {}
  MatchOp op_;
  std::string name_, value_;
  std::shared_ptr<const Regex> regex_;
  std::vector<std::string> literals_;
};

bool matches_all(std::span<const Matcher> matchers, const LabelSet& labels);

// Reads one Alertmanager-style matcher: `severity="page"`, `team=~"a|b"`, value quoted or bare.
Result<Matcher> parse_matcher(std::string_view text);

}  // namespace nines
