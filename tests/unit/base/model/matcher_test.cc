#include "base/model/matcher.h"

#include <doctest/doctest.h>

namespace nines {
namespace {

Matcher regex(std::string pattern, MatchOp op = MatchOp::kRegex) {
  auto matcher = Matcher::make(op, "job", std::move(pattern));
  REQUIRE(matcher.has_value());
  return *matcher;
}

std::vector<std::string> literals(std::string pattern) {
  const Matcher matcher = regex(std::move(pattern));
  return {matcher.literal_set().begin(), matcher.literal_set().end()};
}

using Words = std::vector<std::string>;

TEST_CASE("the four operators mean what they mean in Prometheus") {
  CHECK(Matcher::equal("a", "x").matches("x"));
  CHECK_FALSE(Matcher::equal("a", "x").matches("xx"));
  CHECK((*Matcher::make(MatchOp::kNotEqual, "a", "x")).matches(""));
  CHECK_FALSE((*Matcher::make(MatchOp::kNotEqual, "a", "x")).matches("x"));
  CHECK(regex("x.*").matches("xyz"));
  CHECK_FALSE(regex("x").matches("xyz"));
  CHECK(regex("x.*", MatchOp::kNotRegex).matches("ax"));
  CHECK_FALSE(regex("x.*", MatchOp::kNotRegex).matches("xa"));
}

TEST_CASE("a missing label matches as the empty text") {
  const LabelSet set{{"a", "1"}};
  const auto selects = [&](MatchOp op, const char* name, const char* value) {
    const Matcher matcher = *Matcher::make(op, name, value);
    return matches_all(std::span(&matcher, 1), set);
  };
  CHECK(selects(MatchOp::kEqual, "b", ""));
  CHECK(selects(MatchOp::kNotEqual, "b", "x"));
  CHECK(selects(MatchOp::kRegex, "b", ".*"));
  CHECK_FALSE(selects(MatchOp::kRegex, "b", ".+"));
  CHECK(selects(MatchOp::kNotRegex, "b", ".+"));
  CHECK(selects(MatchOp::kRegex, "a", ".+"));
  CHECK(Matcher::equal("b", "").matches_empty());
  CHECK_FALSE(Matcher::equal("b", "x").matches_empty());
  CHECK(matches_all({}, set));
}

TEST_CASE("any and non-empty hold for line feeds and broken UTF-8 too") {
  CHECK(regex(".*").matches("\xFF\n"));
  CHECK(regex(".+").matches("\xFF"));
  CHECK_FALSE(regex(".+").matches(""));
  CHECK_FALSE(regex(".*", MatchOp::kNotRegex).matches("x"));
}

TEST_CASE("an alternation of literals is its set of words, sorted, each once") {
  CHECK(literals("b|a|b") == Words{"a", "b"});
  CHECK(literals("(a|b)") == Words{"a", "b"});
  CHECK(literals("(?:a|b)") == Words{"a", "b"});
  CHECK(literals("web") == Words{"web"});
  CHECK(literals("10\\.0\\.0\\.1:80|a\\|b") == Words{"10.0.0.1:80", "a|b"});
  CHECK(literals("a|") == Words{"", "a"});
  CHECK(literals("") == Words{""});
  CHECK(literals("()") == Words{""});
}

TEST_CASE("anything more than literals has no set") {
  for (const char* pattern : {"a.|b", "a*", "a+|b", "(a)|(b)", "(a|b)c", "a(b|c)", "[ab]", "a|\\d",
                              "\\n", "^a$", "(?i)a|b", "(?i:a|b)", "a{2}", "((a|b))"}) {
    CHECK_MESSAGE(literals(pattern).empty(), pattern);
  }
  CHECK(Matcher::equal("a", "b").literal_set().empty());
}

TEST_CASE("a set of words answers as its regex does") {
  for (const char* pattern : {"a|b|", "(a|ab)", "a\\.b|c", "x"}) {
    const auto re = *Regex::compile(pattern, RegexAnchor::kBoth);
    for (const char* value : {"", "a", "b", "ab", "a.b", "axb", "c", "x", "xx", "a|b"}) {
      CHECK(regex(pattern).matches(value) == re->matches(value));
      CHECK(regex(pattern, MatchOp::kNotRegex).matches(value) != re->matches(value));
    }
  }
}

TEST_CASE("a bad or too costly pattern is refused, naming label and pattern") {
  const auto bad = Matcher::make(MatchOp::kRegex, "job", "a(");
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().code() == ErrorCode::kInvalid);
  CHECK(bad.error().what().find("\"job\"") != std::string::npos);
  CHECK(bad.error().what().find("\"a(\"") != std::string::npos);
  const auto big = Matcher::make(MatchOp::kNotRegex, "job", std::string(kRegexBytesMax + 1, 'a'));
  CHECK(big.error().code() == ErrorCode::kLimit);
  CHECK(big.error().what().size() < 400);
  CHECK(Matcher::make(MatchOp::kEqual, "job", "a(").has_value());
}

TEST_CASE("a matcher prints with its value quoted and reads back the same") {
  CHECK(Matcher::equal("a", "x\"y").to_string() == R"(a="x\"y")");
  CHECK(regex("a|b", MatchOp::kNotRegex).to_string() == R"(job!~"a|b")");
  CHECK(Matcher::equal("my.label", "1").to_string() == R"("my.label"="1")");
  for (const char* value : {"", "plain", "q\"uote", "back\\slash", "line\nfeed", "\\d+"}) {
    const Matcher matcher = Matcher::equal("my.label", value);
    CHECK(*parse_matcher(matcher.to_string()) == matcher);
  }
}

TEST_CASE("Alertmanager's spellings of a matcher are read") {
  const auto is = [](const char* text, MatchOp op, const char* name, const char* value) {
    const auto matcher = parse_matcher(text);
    REQUIRE_MESSAGE(matcher.has_value(), text);
    CHECK(*matcher == *Matcher::make(op, name, value));
  };
  is("severity=page", MatchOp::kEqual, "severity", "page");
  is("  severity = \"page\"  ", MatchOp::kEqual, "severity", "page");
  is("team=~\"a|b\"", MatchOp::kRegex, "team", "a|b");
  is("team!~a.*", MatchOp::kNotRegex, "team", "a.*");
  is("team!=", MatchOp::kNotEqual, "team", "");
  is("a=\"\"", MatchOp::kEqual, "a", "");
  is("a=b=c", MatchOp::kEqual, "a", "b=c");
  is("a==~(", MatchOp::kEqual, "a", "=~(");
  is("a=two words", MatchOp::kEqual, "a", "two words");
  is(R"(a="x\n\"\\\d")", MatchOp::kEqual, "a", "x\n\"\\\\d");
  is(R"(a=x\ny\")", MatchOp::kEqual, "a", "x\ny\"");
  is(R"(a=x\)", MatchOp::kEqual, "a", "x\\");
  is("\"my label\"=\"1\"", MatchOp::kEqual, "my label", "1");
}

TEST_CASE("what is no matcher is refused") {
  for (const char* text : {"", "a", "=b", "a~b", "1a=b", "a b=c", "a=\"b", "a=\"b\"c", "a=b\"",
                           "a=\"b\\\"", "a=~\"(\"", "\"\"=b", "\"a=b", "a=\xFF", "a-b=c"}) {
    const auto matcher = parse_matcher(text);
    REQUIRE_FALSE_MESSAGE(matcher.has_value(), text);
    CHECK(matcher.error().code() == ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace nines
