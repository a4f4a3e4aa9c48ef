#include <string>
#include <utility>
#include <vector>

#include "doctest/doctest.h"
#include "rules/promql/engine.h"

namespace nines::promql {
namespace {

TEST_CASE("what cannot be parsed is refused in Prometheus's words, with line and column") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "1:1: parse error: no expression found in input"},
      {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
      {"1 +", "1:4: parse error: unexpected end of input"},
      {"sum(", "1:5: parse error: unclosed left parenthesis"},
      {"foo{a=1}", "1:7: parse error: unexpected character inside braces: '1'"},
      {"foo{a \"b\"}",
       "1:7: parse error: unexpected string \"\\\"b\\\"\" in label matching, expected "
       "label matching operator"},
      {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"{a=~\".*\"}",
       "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
      {"foo + bool bar",
       "1:5: parse error: bool modifier can only be used on comparison operators"},
      {"1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
      {"rate(foo)",
       "1:6: parse error: expected type range vector in call to function \"rate\", got "
       "instant vector"},
      {"rate(foo[5m], 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"},
      {"nosuch(1)", "1:1: parse error: unknown function with name \"nosuch\""},
      {"foo\n  + )", "2:6: parse error: unexpected right parenthesis ')'"},
      {"(foo) offset 5m",
       "1:1: parse error: offset modifier must be preceded by an instant vector "
       "selector or range vector selector or a subquery"},
      {"foo offset 1m offset 1m", "1:1: parse error: offset may not be set multiple times"},
      {"topk(foo)",
       "1:1: parse error: wrong number of arguments for aggregate expression provided, "
       "expected 2, got 1"},
      {"foo and group_left() bar", "1:9: parse error: unexpected <group_left>"},
      {"foo and on(a) group_left() bar",
       "1:1: parse error: no grouping allowed for \"and\" operation"},
      {"foo * on(a) group_left bool bar",
       "1:24: parse error: unexpected <bool> in grouping opts, expected \"(\""},
      {"foo[5m", "1:7: parse error: unexpected end of input in duration expression"},
      {"foo[]",
       "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, "
       "duration, step(), or range()"},
      {"foo[\"5m\"]", "1:5: parse error: unexpected character in duration expression: '\"'"},
      {"foo[:5m]", "1:6: parse error: unexpected colon before duration in duration expression"},
      {"foo[5m:1m:1m]", "1:11: parse error: unexpected repeated colon in duration expression"},
      {"foo[5m1]", "1:5: parse error: bad number or duration syntax: \"5m1\""},
      {"foo[1m1h]", "1:5: parse error: not a valid duration string: \"1m1h\""},
      {"foo[5y1hs]", "1:5: parse error: unknown unit \"hs\" in duration \"5y1hs\""},
      {"foo[-5m]", "1:5: parse error: duration must be greater than 0"},
      {"foo[5m:0s]", "1:8: parse error: duration must be greater than 0"},
      {"foo offset bar",
       "1:12: parse error: unexpected identifier \"bar\" in offset, expected number, duration, "
       "step(), or range()"},
      {"foo @ start", "1:12: parse error: unexpected end of input in @, expected timestamp"},
      {"foo @ 1e30",
       "1:1: parse error: timestamp out of bounds for @ modifier: "
       "1000000000000000019884624838656.000000"},
      {"foo @ 1 [5m]", "1:9: parse error: no @ modifiers allowed before range"},
      {"foo{a=~\"(\"}", "1:5: parse error: error parsing regexp: missing closing ): `(`"},
      {"1_ + 1",
       "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1_\": invalid "
       "syntax"},
      {"0x8000000000000000",
       "1:1: parse error: error parsing number: strconv.ParseFloat: parsing "
       "\"0x8000000000000000\": invalid syntax"},
      {"\"x", "1:1: parse error: unterminated quoted string"},
      {"\"\\", "1:1: parse error: escape sequence not terminated"},
      {"\"\\c\"", "1:1: parse error: unknown escape sequence U+0063 'c'"},
      {"\"\\x.\"", "1:1: parse error: illegal character U+002E '.' in escape sequence"},
      {"\"\\U00110000\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
      {"foo{a=\"\xff\"}", "1:7: parse error: invalid UTF-8 rune"},
      {"1e999",
       "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e999\": value out "
       "of range"},
  };
  for (const auto& one : cases) {
    const auto& text = one.first;
    const auto& error = one.second;
    CAPTURE(text);
    const Result<Query> query = Query::parse(text);
    REQUIRE(!query);
    CHECK(query.error().what() == error);
    CHECK(query.error().code() == ErrorCode::kInvalid);
  }
}

TEST_CASE("a query prints on one line, and what is printed prints the same") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"sum by(a,b)(rate(foo{x='y'}[5m]offset 1h))",
       "sum by (a, b) (rate(foo{x=\"y\"}[5m] offset 1h))"},
      {"a+on(x)group_left(y)b", "a + on (x) group_left (y) b"},
      {"foo[1h:5m]@100.5", "foo[1h:5m] @ 100.500"},
      {"-foo ^ 2", "-foo ^ 2"},
      {"{\"a.b\", c!=\"d\"}", "{\"a.b\",c!=\"d\"}"},
      {"foo @ end() offset -5m", "foo @ end() offset -5m"},
      {"1 > bool 2", "1 > bool 2"},
      {"count_values without(a) (\"v\", foo)", "count_values without (a) (\"v\", foo)"},
  };
  for (const auto& one : cases) {
    const auto& text = one.first;
    const auto& printed = one.second;
    CAPTURE(text);
    const Result<Query> query = Query::parse(text);
    REQUIRE(query);
    CHECK(query->to_string() == printed);
    const Result<Query> again = Query::parse(printed);
    REQUIRE(again);
    CHECK(again->to_string() == printed);
  }
}

}  // namespace
}  // namespace nines::promql
