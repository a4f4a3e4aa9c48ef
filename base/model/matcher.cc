#include "base/model/matcher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/model/internal/literals.h"
#include "base/text/text.h"

namespace nines {
namespace {

bool match_literals(std::span<const std::string> words, std::string_view value) {
  return std::binary_search(words.begin(), words.end(), value);
}

bool match_pattern(const Matcher& matcher, const Regex& regex, std::string_view value) {
  if (!matcher.literal_set().empty()) return match_literals(matcher.literal_set(), value);
  // The two patterns of nearly every dashboard; they also hold for bytes that are no UTF-8.
  if (matcher.value() == ".*") return true;
  if (matcher.value() == ".+") return !value.empty();
  return regex.matches(value);
}

Error bad_matcher(std::string_view text, std::string_view why) {
  return Error(ErrorCode::kInvalid, "bad matcher " + quote_go(text) + ": " + std::string(why));
}

struct Quoted {
  std::string text;
  std::size_t length = 0;  // bytes read, quotes included
};

// Reads a double-quoted text from the front. Only \n, \" and \\ are escapes; before anything else a
// backslash is itself. Nothing when the closing quote is missing.
std::optional<Quoted> read_quoted(std::string_view in) {
  Quoted out;
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (in[i] == '"') {
      out.length = i + 1;
      return out;
    }
    const char next = i + 1 < in.size() ? in[i + 1] : '\0';
    if (in[i] == '\\' && (next == 'n' || next == '"' || next == '\\')) {
      out.text += next == 'n' ? '\n' : next;
      ++i;
    } else {
      out.text += in[i];
    }
  }
  return std::nullopt;
}

// A bare value knows the same escapes, and no quote that is not escaped.
std::optional<std::string> read_bare(std::string_view in) {
  const std::string quoted = '"' + std::string(in) + '"';
  auto read = read_quoted(quoted);
  if (read && read->length == quoted.size()) return std::move(read->text);
  // A backslash at the very end is itself, not an escape of our quote.
  if (!read && in.ends_with('\\')) {
    auto rest = read_bare(in.substr(0, in.size() - 1));
    if (rest) return *rest + '\\';
  }
  return std::nullopt;
}

std::optional<MatchOp> read_op(std::string_view& rest) {
  static constexpr std::pair<std::string_view, MatchOp> kOps[] = {{"=~", MatchOp::kRegex},
                                                                  {"!~", MatchOp::kNotRegex},
                                                                  {"!=", MatchOp::kNotEqual},
                                                                  {"=", MatchOp::kEqual}};
  for (const auto& [text, op] : kOps) {
    if (!rest.starts_with(text)) continue;
    rest.remove_prefix(text.size());
    return op;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(MatchOp op) noexcept {
  switch (op) {
    case MatchOp::kEqual:
      return "=";
    case MatchOp::kNotEqual:
      return "!=";
    case MatchOp::kRegex:
      return "=~";
    case MatchOp::kNotRegex:
      return "!~";
  }
  return "=";
}

Result<Matcher> Matcher::make(MatchOp op, std::string name, std::string value) {
  Matcher matcher(op, std::move(name), std::move(value));
  if (op == MatchOp::kEqual || op == MatchOp::kNotEqual) return matcher;
  auto regex = Regex::compile(matcher.value_, RegexAnchor::kBoth);
  if (!regex) {
    constexpr std::size_t kShownMax = 120;
    std::string shown = matcher.value_.substr(0, kShownMax);
    if (shown.size() < matcher.value_.size()) shown += "...";
    return std::move(regex).error().in("matcher of label " + quote_go(matcher.name_) +
                                       ", pattern " + quote_go(shown));
  }
  matcher.regex_ = *std::move(regex);
  matcher.literals_ = internal::literal_alternatives(matcher.value_);
  return matcher;
}

Matcher Matcher::equal(std::string name, std::string value) {
  return Matcher(MatchOp::kEqual, std::move(name), std::move(value));
}

bool Matcher::matches(std::string_view label_value) const {
  switch (op_) {
    case MatchOp::kEqual:
      return label_value == value_;
    case MatchOp::kNotEqual:
      return label_value != value_;
    case MatchOp::kRegex:
      return match_pattern(*this, *regex_, label_value);
    case MatchOp::kNotRegex:
      return !match_pattern(*this, *regex_, label_value);
  }
  return false;
}

std::string Matcher::to_string() const {
  std::string out = is_legacy_label_name(name_) ? name_ : quote_go(name_);
  out += nines::to_string(op_);
  return out += quote_go(value_);
}

bool matches_all(std::span<const Matcher> matchers, const LabelSet& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const Matcher& m) { return m.matches(labels.get(m.name())); });
}

Result<Matcher> parse_matcher(std::string_view text) {
  std::string_view rest = trim(text);
  if (!is_valid_utf8(rest)) return bad_matcher(text, "not valid UTF-8");
  std::string name;
  if (rest.starts_with('"')) {
    auto quoted = read_quoted(rest);
    if (!quoted) return bad_matcher(text, "the quoted name does not end");
    rest.remove_prefix(quoted->length);
    name = std::move(quoted->text);
    if (name.empty()) return bad_matcher(text, "the name is empty");
  } else {
    const std::size_t end = std::min(rest.find_first_of("=! \t\r\n"), rest.size());
    name = rest.substr(0, end);
    if (!is_legacy_metric_name(name)) return bad_matcher(text, "want a label name first");
    rest.remove_prefix(end);
  }
  rest = trim(rest);
  const auto op = read_op(rest);
  if (!op) return bad_matcher(text, "want =, !=, =~ or !~ after the name");
  rest = trim(rest);
  if (!rest.starts_with('"')) {
    auto bare = read_bare(rest);
    if (!bare) return bad_matcher(text, "a quote inside the value needs a backslash");
    return Matcher::make(*op, std::move(name), *std::move(bare));
  }
  auto quoted = read_quoted(rest);
  if (!quoted) return bad_matcher(text, "the quoted value does not end");
  if (quoted->length != rest.size()) return bad_matcher(text, "text after the quoted value");
  return Matcher::make(*op, std::move(name), std::move(quoted->text));
}

}  // namespace nines
