#include "base/text/regex.h"

#include <doctest/doctest.h>

namespace nines {
namespace {

std::shared_ptr<const Regex> regex(std::string_view pattern,
                                   RegexAnchor anchor = RegexAnchor::kNone) {
  auto made = Regex::compile(pattern, anchor);
  REQUIRE_MESSAGE(made.has_value(), std::string(pattern));
  return *made;
}

ErrorCode refusal(std::string_view pattern, RegexAnchor anchor = RegexAnchor::kBoth) {
  const auto made = Regex::compile(pattern, anchor);
  REQUIRE_FALSE_MESSAGE(made.has_value(), std::string(pattern));
  return made.error().code();
}

TEST_CASE("an anchored regex must match the whole subject, line feeds included") {
  const auto re = regex("a.*b|c", RegexAnchor::kBoth);
  CHECK(re->matches("a\nb"));
  CHECK(re->matches("c"));
  CHECK_FALSE(re->matches("cc"));
  CHECK_FALSE(re->matches("xab"));
  CHECK_FALSE(re->matches("ab\n"));
  CHECK(regex("", RegexAnchor::kBoth)->matches(""));
  CHECK_FALSE(regex("", RegexAnchor::kBoth)->matches("x"));
}

TEST_CASE("the bounds of what an anchored regex can match never hide a match") {
  const std::vector<std::string> patterns = {
      "host1.*", "(?i)host1.*", "host(1|22)?",  "[a-c]+x", ".*host", "",     "x|",
      "\\xff.*", "é.*",         "host\\d{2,3}", "(?s).*",  "a{3}",   "\\.x", "(abc|abd).*"};
  std::vector<std::string> subjects = {"",
                                       "host",
                                       "host1",
                                       "HOST1",
                                       "host12",
                                       "host22",
                                       "host\xff\xff\xff\xff",
                                       "hosu",
                                       "é",
                                       "\xff",
                                       "\xff" "a",
                                       "aaa",
                                       "abc",
                                       "abdz",
                                       "abcccx",
                                       std::string(60, 'a') + "x",
                                       ".x",
                                       "x"};
  for (const std::string& pattern : patterns) {
    const auto whole = Regex::compile(pattern, RegexAnchor::kBoth);
    const auto anywhere = Regex::compile("(?s)^(?:" + pattern + ")$", RegexAnchor::kNone);
    REQUIRE(whole);
    REQUIRE(anywhere);
    for (const std::string& subject : subjects) {
      CAPTURE(pattern);
      CAPTURE(subject);
      CHECK((*whole)->matches(subject) == (*anywhere)->matches(subject));
    }
  }
}

TEST_CASE("an unanchored regex finds a match anywhere, and its dot stops at a line feed") {
  CHECK(regex("b+")->matches("abbc"));
  CHECK_FALSE(regex("a.c")->matches("a\nc"));
  CHECK(regex("(?s)a.c")->matches("a\nc"));
}

TEST_CASE("anchoring does not repair unbalanced parentheses") {
  CHECK(refusal("a)(b") == ErrorCode::kInvalid);
}

TEST_CASE("a broken pattern is refused with a reason, and a broken subject is only a subject") {
  CHECK(refusal("a(") == ErrorCode::kInvalid);
  CHECK(refusal("[z-a]") == ErrorCode::kInvalid);
  CHECK(refusal("(?=a)") == ErrorCode::kInvalid);  // RE2 has no look-ahead
  CHECK(refusal("\xFF") == ErrorCode::kInvalid);
  CHECK_FALSE(Regex::compile("a(", RegexAnchor::kNone).error().what().empty());
  CHECK_FALSE(regex("a", RegexAnchor::kBoth)->matches("\xFF"));
  CHECK(
      regex("a")->matches("\xFF\xFE"
                          "a"));
}

TEST_CASE("a pattern is refused one byte above the limit") {
  CHECK(Regex::compile(std::string(kRegexBytesMax, 'a'), RegexAnchor::kBoth).has_value());
  CHECK(refusal(std::string(kRegexBytesMax + 1, 'a')) == ErrorCode::kLimit);
}

TEST_CASE("a short pattern that compiles to a huge program is over budget") {
  CHECK(refusal("((a{100}){10}){100}") != ErrorCode::kNotFound);
  CHECK(refusal("(\\pL{500}){2}") == ErrorCode::kLimit);
  CHECK(Regex::compile("[a-z]{500}", RegexAnchor::kBoth).has_value());
}

TEST_CASE("groups are those of the leftmost match; one that took no part has no data") {
  const auto re = regex("(a)|(?P<other>b)(x*)");
  const auto found = re->groups("zzb");
  REQUIRE(found.size() == 4);
  CHECK(found[0] == "b");
  CHECK(found[1].data() == nullptr);
  CHECK(found[2] == "b");
  CHECK(found[3].empty());
  CHECK(found[3].data() != nullptr);
  CHECK(re->groups("zzz").empty());
  CHECK(re->group_names() == std::vector<std::string>{"", "", "other", ""});
}

TEST_CASE("an expansion takes the longest name, as Go does") {
  const auto re = regex("(?P<host>[a-z]+):([0-9]+)");
  const auto found = re->groups("web:80");
  CHECK(re->expand("$1-$2", found) == "web-80");
  CHECK(re->expand("${1}x", found) == "webx");
  CHECK(re->expand("$1x", found) == "");  // the group "1x"
  CHECK(re->expand("${host}/$host", found) == "web/web");
  CHECK(re->expand("$$1 $ ${ ${} $9 $01", found) == "$1 $ ${ ${}  ");
  CHECK(re->expand("$0", found) == "web:80");
  CHECK(re->expand("", found) == "");
}

TEST_CASE("replace_all replaces every match, empty ones too, as Go does") {
  CHECK(regex("a")->replace_all("banana", "<$0>") == "b<a>n<a>n<a>");
  CHECK(regex("a*")->replace_all("baaac", "x") == "xbxcx");
  CHECK(regex("")->replace_all("\xC3\xA9x", "-") == "-\xC3\xA9-x-");
  CHECK(regex("^a")->replace_all("aaa", "b") == "baa");
  CHECK(regex("z")->replace_all("abc", "x") == "abc");
  CHECK(regex("")->replace_all("", "x") == "x");
  CHECK(regex("(\\w)(\\w)")->replace_all("abcd", "$2$1") == "badc");
}

}  // namespace
}  // namespace nines
