#include "base/text/regex.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <re2/re2.h>

#include "base/text/text.h"

namespace nines {
namespace {

// RE2 keeps its lazily built automaton within this; beyond it matching falls back to a slower
// engine that is still linear.
constexpr std::int64_t kMemoryMax = 4 << 20;
// Of the bounds between which the texts lie that a pattern matches whole: a prefix, mostly.
constexpr int kRangeBytes = 32;

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// A reference at the start of `text`, which begins with '$': the name, and the bytes it spans.
// `length` is 0 when there is none and the '$' stands for itself.
struct Reference {
  std::string_view name;
  std::size_t length = 0;
};

Reference read_reference(std::string_view text) {
  const bool braced = text.size() > 1 && text[1] == '{';
  const std::size_t begin = braced ? 2 : 1;
  std::size_t end = begin;
  while (end < text.size() && is_name_byte(text[end])) ++end;
  if (end == begin) return {};
  if (braced && (end == text.size() || text[end] != '}')) return {};
  return {text.substr(begin, end - begin), braced ? end + 1 : end};
}

// The group number a name of digits means, or -1 when the name is not a number in Go's eyes.
int group_number(std::string_view name) {
  if (name.size() > 8 || (name.size() > 1 && name[0] == '0')) return -1;
  int number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

class Re2Regex final : public Regex {
 public:
  Re2Regex(std::string_view pattern, const RE2::Options& options, RE2::Anchor anchor)
      : pattern_(pattern),
        re_(re2::StringPiece(pattern.data(), pattern.size()), options),
        anchor_(anchor) {
    if (!re_.ok()) return;
    if (anchor == RE2::ANCHOR_BOTH) ranged_ = re_.PossibleMatchRange(&least_, &most_, kRangeBytes);
    group_names_.resize(static_cast<std::size_t>(re_.NumberOfCapturingGroups()) + 1);
    for (const auto& [number, name] : re_.CapturingGroupNames()) {
      group_names_[static_cast<std::size_t>(number)] = name;
    }
  }

  const RE2& re() const { return re_; }

  bool matches(std::string_view subject) const override {
    if (ranged_ && (subject < least_ || subject > most_)) return false;
    return re_.Match(piece(subject), 0, subject.size(), anchor_, nullptr, 0);
  }

  std::vector<std::string_view> groups(std::string_view subject) const override {
    return match_from(subject, 0);
  }

  const std::vector<std::string>& group_names() const override { return group_names_; }

  std::string replace_all(std::string_view subject, std::string_view replacement) const override {
    std::string out;
    const char* const base = piece(subject).data();
    std::size_t copied = 0;  // bytes of the subject already in `out`
    std::size_t search_at = 0;
    while (search_at <= subject.size()) {
      const auto found = match_from(subject, search_at);
      if (found.empty()) break;
      const auto begin = static_cast<std::size_t>(found[0].data() - base);
      const std::size_t end = begin + found[0].size();
      out.append(subject.substr(copied, begin - copied));
      // An empty match right behind another match is the same place again: Go skips it.
      if (end > copied || begin == 0) out.append(expand(replacement, found));
      copied = end;
      search_at = std::max(end, next_rune(subject, search_at));
    }
    if (copied < subject.size()) out.append(subject.substr(copied));
    return out;
  }

  std::string expand(std::string_view replacement,
                     const std::vector<std::string_view>& found) const override {
    std::string out;
    while (!replacement.empty()) {
      const std::size_t dollar = std::min(replacement.find('$'), replacement.size());
      out.append(replacement.substr(0, dollar));
      replacement.remove_prefix(dollar);
      if (replacement.empty()) break;
      if (replacement.substr(0, 2) == "$$") {
        out.push_back('$');
        replacement.remove_prefix(2);
        continue;
      }
      const Reference reference = read_reference(replacement);
      if (reference.length == 0) {
        out.push_back('$');
        replacement.remove_prefix(1);
        continue;
      }
      out.append(referenced(reference.name, found));
      replacement.remove_prefix(reference.length);
    }
    return out;
  }

  const std::string& pattern() const override { return pattern_; }

 private:
  static re2::StringPiece piece(std::string_view text) {
    return {text.data() != nullptr ? text.data() : "", text.size()};
  }

  static std::size_t next_rune(std::string_view text, std::size_t at) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    return at;
  }

  std::vector<std::string_view> match_from(std::string_view subject, std::size_t from) const {
    std::vector<re2::StringPiece> pieces(group_names_.size());
    if (!re_.Match(piece(subject), from, subject.size(), anchor_, pieces.data(),
                   static_cast<int>(pieces.size()))) {
      return {};
    }
    std::vector<std::string_view> found;
    found.reserve(pieces.size());
    for (const auto& p : pieces) found.emplace_back(p.data(), p.size());
    return found;
  }

  std::string_view referenced(std::string_view name,
                              const std::vector<std::string_view>& found) const {
    const int number = group_number(name);
    if (number >= 0) {
      const auto index = static_cast<std::size_t>(number);
      return index < found.size() ? found[index] : std::string_view();
    }
    for (std::size_t i = 1; i < group_names_.size() && i < found.size(); ++i) {
      if (group_names_[i] == name && found[i].data() != nullptr) return found[i];
    }
    return {};
  }

  std::string pattern_;
  RE2 re_;
  bool ranged_ = false;  // what matches lies in [least_, most_]
  std::string least_, most_;
  RE2::Anchor anchor_;
  std::vector<std::string> group_names_{1};
};

// In the words of Go's regexp package, which people know from Prometheus and find on the web.
std::string complaint(const RE2& re) {
  std::string_view what = re.error();
  switch (re.error_code()) {
    case RE2::ErrorBadEscape:
      what = "invalid escape sequence";
      break;
    case RE2::ErrorBadCharClass:
      what = "invalid character class";
      break;
    case RE2::ErrorBadCharRange:
      what = "invalid character class range";
      break;
    case RE2::ErrorMissingBracket:
      what = "missing closing ]";
      break;
    case RE2::ErrorMissingParen:
      what = "missing closing )";
      break;
    case RE2::ErrorUnexpectedParen:
      what = "unexpected )";
      break;
    case RE2::ErrorTrailingBackslash:
      what = "trailing backslash at end of expression";
      break;
    case RE2::ErrorRepeatArgument:
      what = "missing argument to repetition operator";
      break;
    case RE2::ErrorRepeatSize:
      what = "invalid repeat count";
      break;
    case RE2::ErrorRepeatOp:
      what = "invalid nested repetition operator";
      break;
    case RE2::ErrorBadPerlOp:
      what = "invalid or unsupported Perl syntax";
      break;
    case RE2::ErrorBadUTF8:
      what = "invalid UTF-8";
      break;
    case RE2::ErrorBadNamedCapture:
      what = "invalid named capture";
      break;
    default:
      return std::string(what);
  }
  return "error parsing regexp: " + std::string(what) + ": `" + std::string(re.error_arg()) + "`";
}

}  // namespace

Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view pattern, RegexAnchor anchor) {
  if (pattern.size() > kRegexBytesMax) {
    return Error(ErrorCode::kLimit, "regular expression of " + std::to_string(pattern.size()) +
                                        " bytes is longer than " + std::to_string(kRegexBytesMax));
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMemoryMax);
  // A matcher means the whole value, line feeds included: ^(?s:PATTERN)$. Anchoring by option, not
  // by wrapping, keeps a pattern such as `a)(b` from passing.
  options.set_dot_nl(anchor == RegexAnchor::kBoth);
  auto regex = std::make_shared<Re2Regex>(
      pattern, options, anchor == RegexAnchor::kBoth ? RE2::ANCHOR_BOTH : RE2::UNANCHORED);
  const auto too_big = [] {
    return Error(ErrorCode::kLimit, "regular expression compiles to more than " +
                                        std::to_string(kRegexProgramMax) + " instructions");
  };
  if (!regex->re().ok()) {
    if (regex->re().error_code() == RE2::ErrorPatternTooLarge) return too_big();
    return Error(ErrorCode::kInvalid, complaint(regex->re()));
  }
  if (regex->re().ProgramSize() > kRegexProgramMax) return too_big();
  return std::shared_ptr<const Regex>(std::move(regex));
}

}  // namespace nines
