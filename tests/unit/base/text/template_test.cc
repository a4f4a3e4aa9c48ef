// The language: expected outputs are those of Go's text/template under missingkey=zero.
#include "base/text/template.h"

#include <cmath>

#include <doctest/doctest.h>

namespace nines {
namespace {

using Map = TemplateValue::Map;
using List = TemplateValue::List;

Map data() {
  return {{"L", Map{{"job", "api"}, {"zone", "b"}}},
          {"V", 1.2345},
          {"N", 65},
          {"List", List{"x", "y", "z"}},
          {"Empty", List{}},
          {"E", ""}};
}

Result<std::string> run(std::string_view text, const TemplateLimits& limits = {}) {
  NINES_TRY(const Template parsed, Template::parse("t", text, standard_template_functions()));
  return parsed.execute(data(), {{"labels", Map{{"job", "api"}}}, {"$value", 2.5}}, limits);
}

std::string render(std::string_view text) {
  auto out = run(text);
  return out ? *out : "error: " + out.error().what();
}

std::string failure(std::string_view text) {
  const auto out = run(text);
  REQUIRE_FALSE_MESSAGE(out.has_value(), std::string(text));
  return out.error().what();
}

TEST_CASE("a trim mark eats the white space on its side only") {
  CHECK(render("a {{- 1 -}} b") == "a1b");
  CHECK(render("a {{- 1}} b") == "a1 b");
  CHECK(render("a {{1 -}}\n\t b") == "a 1b");
  CHECK(render("a {{-1}}") == "a -1");
  CHECK(render("a {{- /* c */ -}} b") == "ab");
  CHECK(render("{{/* c */}} b") == " b");
}

TEST_CASE("a missing key is empty in a map of texts and no value elsewhere") {
  CHECK(render("{{$labels.job}}[{{$labels.nope}}]") == "api[]");
  CHECK(render("{{.Nope}}") == "<no value>");
  CHECK(render("{{if .L.nope}}a{{else}}b{{end}}") == "b");
  CHECK(failure("{{.Nope.x}}") ==
        "t:1:8: executing \"t\" at <.Nope.x>: nil pointer evaluating interface {}.x");
  CHECK(failure("\n {{.V.x}}") ==
        "t:2:6: executing \"t\" at <.V.x>: can't evaluate field x in type float64");
}

TEST_CASE("if, else if and with choose by Go's truth") {
  CHECK(render("{{if .E}}a{{else if gt .V 1.0}}b{{else}}c{{end}}") == "b");
  CHECK(
      render("{{if .Empty}}a{{else}}b{{end}}{{if 0}}a{{end}}{{if 0.0}}a{{end}}{{if .L}}c{{end}}") ==
      "bc");
  CHECK(render("{{with .L.job}}[{{.}}]{{end}}{{with .E}}x{{else with .N}}{{.}}{{end}}") ==
        "[api]65");
  CHECK(render("{{if $x := .V}}{{$x}}{{else}}{{$x}}{{end}}") == "1.2345");
}

TEST_CASE("range walks lists, sorted maps and numbers, with else, break and continue") {
  CHECK(render("{{range $i, $e := .List}}{{$i}}={{$e}},{{end}}") == "0=x,1=y,2=z,");
  CHECK(render("{{range $k, $v := .L}}{{$k}}:{{$v}};{{end}}") == "job:api;zone:b;");
  CHECK(render("{{range .Empty}}x{{else}}none{{end}}{{range print .Nope | len}}.{{end}}") ==
        "none.....");
  CHECK(render("{{range 3}}{{.}}{{end}}") == "012");
  CHECK(render("{{range .List}}{{if eq . \"y\"}}{{continue}}{{end}}{{.}}{{end}}") == "xz");
  CHECK(render("{{range .List}}{{if eq . \"y\"}}{{break}}{{end}}{{.}}{{end}}") == "x");
  CHECK(failure("{{range .V}}{{end}}") ==
        "t:1:9: executing \"t\" at <.V>: range can't iterate over 1.2345");
  CHECK(failure("{{break}}") == "t:1:3: {{break}} outside {{range}}");
}

TEST_CASE("a variable lives until the end of its block, and = changes the outer one") {
  CHECK(render("{{$x := 1}}{{range .List}}{{$x = .}}{{end}}{{$x}}") == "z");
  CHECK(render("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}") == "1");
  CHECK(render("{{with .L}}{{$.V}}{{end}}") == "1.2345");
  CHECK(failure("{{with $x := 3}}{{end}}{{$x}}") ==
        "t:1:26: executing \"t\" at <$x>: undefined variable: $x");
  CHECK(failure("{{$x = 1}}").find("undefined variable") != std::string::npos);
}

TEST_CASE("a defined template sees only the value it is given") {
  CHECK(render("{{define \"d\"}}<{{.}}{{$}}>{{end}}{{template \"d\" .V}}{{template \"d\"}}") ==
        "<1.23451.2345><<no value><no value>>");
  CHECK(failure("{{define \"d\"}}{{$value}}{{end}}{{template \"d\"}}").find("$value") !=
        std::string::npos);
  CHECK(render("{{block \"b\" .V}}({{.}}){{end}}{{template \"b\" 1}}") == "(1.2345)(1)");
  CHECK(failure("{{template \"zz\"}}") ==
        "t:1:12: executing \"t\" at <{{template \"zz\"}}>: template \"zz\" not defined");
}

TEST_CASE("pipes hand the value over as the last argument") {
  CHECK(render("{{.V | printf \"%v-%v\" 1}}") == "1-1.2345");
  CHECK(render("{{.L.job | len | printf \"%03d\"}}") == "003");
  CHECK(render("{{print (printf \"%d\" 1) (len \"ab\")}}") == "12");
  CHECK(render("{{(index .List 0) | print}} {{(.L).job}}") == "x api");
  CHECK(failure("{{1 | 2}}") == "t:1:7: non executable command in pipeline stage 2");
  CHECK(failure("{{.L.job 1}}").find("job is not a method but has arguments") != std::string::npos);
}

TEST_CASE("and, or evaluate no further than needed") {
  CHECK(render("{{and 1 0}} {{and 1 2}} {{or 0 \"\" 3}} {{or 0 0}} {{not 0}}") == "0 2 3 0 true");
  CHECK(render("{{or 1 (index .List 9)}}{{and 0 (index .List 9)}}") == "10");
  CHECK(failure("{{or 0 (index .List 9)}}").find("index out of range: 9") != std::string::npos);
}

TEST_CASE("comparisons take numbers by value and refuse mixed kinds") {
  CHECK(render("{{eq 1 1}} {{eq \"a\" \"b\" \"a\"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 1.5 "
               "1.0}} {{ge \"b\" \"a\"}}") == "true true true true true true true");
  CHECK(render("{{eq 1 1.0}} {{gt $value 2}} {{lt 9007199254740992 9007199254740993}}") ==
        "true true true");
  CHECK(render("{{eq .Nope nil}} {{eq .V nil}}") == "true false");
  CHECK(failure("{{eq 1 \"a\"}}").find("incompatible types") != std::string::npos);
  CHECK(failure("{{eq .L .L}}").find("non-comparable") != std::string::npos);
  CHECK(failure("{{lt true false}}").find("invalid type for comparison") != std::string::npos);
}

TEST_CASE("len, index and slice respect the ends") {
  CHECK(render("{{len .L}} {{len .List}} {{len \"abc\"}}") == "2 3 3");
  CHECK(
      render("{{index .L \"job\"}} {{index .List 2}} {{index \"abc\" 1}} [{{index .L \"zz\"}}]") ==
      "api z 98 []");
  CHECK(render("{{slice \"abcdef\" 1 3}} {{slice .List 3}} {{slice \"abc\"}}") == "bc [] abc");
  for (const char* text :
       {"{{index .List 3}}", "{{index .List -1}}", "{{slice \"abc\" 4}}", "{{slice \"abc\" 2 1}}",
        "{{len 3}}", "{{index nil 1}}", "{{slice .L}}"}) {
    failure(text);
  }
}

TEST_CASE("values print as Go's %v") {
  CHECK(render("{{.List}} {{.L}} {{true}} {{1e6}} {{123456.5}} {{-5}}") ==
        "[x y z] map[job:api zone:b] true 1e+06 123456.5 -5");
  CHECK(render("{{0x1F}} {{0b11}} {{0o17}} {{017}} {{1_000}} {{'a'}} {{.5}}") ==
        "31 3 15 15 1000 97 0.5");
  CHECK(render("{{\"a\\tb\\x41\\u00e9\"}}{{`raw\\n`}}") == "a\tbA\xC3\xA9raw\\n");
  CHECK(render("{{print 1 2 \"a\" \"b\" 3}}|{{println 1 \"a\"}}|{{print nil}}") ==
        "1 2ab3|1 a\n|<nil>");
}

TEST_CASE("the format verbs are Go's, misuse included") {
  CHECK(render("{{printf \"%v %s %d %f %.2f %q\" .V .L.job .N .V .V .L.job}}") ==
        "1.2345 api 65 1.234500 1.23 \"api\"");
  CHECK(render("{{printf \"%5d|%-5d|%05d|%+d|% d\" 65 65 65 65 5}}") == "   65|65   |00065|+65| 5");
  CHECK(render("{{printf \"%x %X %o %b %c %U %q\" 250 250 8 5 65 65 65}}") ==
        "fa FA 10 101 A U+0041 'A'");
  CHECK(render("{{printf \"%8.3f|%-8.3f|%08.3f|%+.1e\" .V .V -1.5 .V}}") ==
        "   1.234|1.234   |-001.500|+1.2e+00");
  CHECK(render("{{printf \"%d\" \"a\"}} {{printf \"%s\"}} {{printf \"x\" 1 2.5}}") ==
        "%!d(string=a) %!s(MISSING) x%!(EXTRA int=1, float64=2.5)");
  CHECK(render("{{printf \"%[2]d %[1]d\" 1 2}} {{printf \"%[3]d\" 1 2}} {{printf \"%*d\" 5 42}}") ==
        "2 1 %!d(BADINDEX)    42");
  CHECK(render("{{printf \"%.2s|%6s|%5t|%d%%\" \"h\u00e9llo\" \"\u00e9\" true 5}}") ==
        "h\u00e9|     \u00e9| true|5%");
  CHECK(render("{{printf \"%.0f %.0f %.3g %T\" 0.5 1.5 1234567.0 .L}}") ==
        "0 2 1.23e+06 map[string]string");
}

TEST_CASE("html, js and urlquery escape") {
  CHECK(render("{{html \"<a href='x'>&\"}}") == "&lt;a href=&#39;x&#39;&gt;&amp;");
  CHECK(render("{{urlquery \"a b&c/d?~-_.\"}} {{urlquery \" x \"}}") == "a+b%26c%2Fd%3F~-_. +x+");
  CHECK(render("{{js \"it's <b>\"}}") == "it\\'s \\u003Cb\\u003E");
}

TEST_CASE("a broken template is refused with name, line and column") {
  CHECK(failure("a\n{{if}}x{{end}}") == "t:2:5: missing value for if");
  CHECK(failure("{{nofunc 1}}") == "t:1:3: function \"nofunc\" not defined");
  CHECK(failure("{{if 1}}") == "t:1:9: unexpected EOF: {{if}} of line 1 has no {{end}}");
  CHECK(failure("{{end}}") == "t:1:3: unexpected {{end}}");
  for (const char* text : {"{{",
                           "{{}}",
                           "{{ }}",
                           "{{/* a }}",
                           "{{/* a */ 1}}",
                           "{{\"a}}",
                           "{{\"a\nb\"}}",
                           "{{`a}}",
                           "{{'ab'}}",
                           "{{(1}}",
                           "{{1)}}",
                           "{{1 2}}",
                           "{{\"a\"\"b\"}}",
                           "{{| 1}}",
                           "{{else}}",
                           "{{if 1}}a{{else}}b{{else}}c{{end}}",
                           "{{range .List}}{{define \"x\"}}{{end}}{{end}}",
                           "{{template .V}}",
                           "{{$a, $b := .L}}",
                           "{{nil}}",
                           "{{1.e}}",
                           "{{print 1,2}}",
                           "{{.V.}}",
                           "{{\"x\".y}}",
                           "{{!}}",
                           "{{\"\\q\"}}",
                           "{{if .V}}{{else with .N}}{{end}}"}) {
    failure(text);
  }
}

TEST_CASE("a template can be executed again and by name of function it was given") {
  TemplateFunctions functions;
  functions["twice"] = [](const std::vector<TemplateValue>& a) -> Result<TemplateValue> {
    if (a.empty()) return Error(ErrorCode::kNotFound, "nothing");
    return TemplateValue(a[0].to_string() + a[0].to_string());
  };
  const auto parsed = Template::parse("t", "{{twice .}}", functions);
  REQUIRE(parsed.has_value());
  CHECK(*parsed->execute("a") == "aa");
  CHECK(*parsed->execute("b") == "bb");
  const auto failing = Template::parse("n", "{{twice}}", functions)->execute({});
  CHECK(failing.error().what() ==
        "n:1:3: executing \"n\" at <twice>: error calling twice: nothing");
  CHECK(failing.error().code() == ErrorCode::kNotFound);
}

TEST_CASE("output, steps, calls and nesting end at their limits") {
  TemplateLimits limits;
  limits.output_bytes_max = 3;
  CHECK(run("abc", limits).has_value());
  CHECK(run("abcd", limits).error().code() == ErrorCode::kLimit);
  limits = {};
  limits.steps_max = 3;  // the action, its command, the text
  CHECK(run("{{1}}a", limits).has_value());
  CHECK(run("{{1}}a{{1}}", limits).error().code() == ErrorCode::kLimit);
  CHECK(run("{{range 1000000000000}}{{end}}").error().code() == ErrorCode::kLimit);
  CHECK(run("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}").error().code() ==
        ErrorCode::kLimit);
  CHECK(run("{{$x := \"ab\"}}{{range 100}}{{$x = print $x $x}}{{end}}").error().code() ==
        ErrorCode::kLimit);
  CHECK(run("{{$x := 1}}{{range 100}}{{$x = args $x $x}}{{end}}").error().code() ==
        ErrorCode::kLimit);
  CHECK(run("{{reReplaceAll \"\" (printf \"%9999d\" 1) (printf \"%9999d\" 1)}}").error().code() ==
        ErrorCode::kLimit);
  const std::string open(99, '(');
  CHECK(run("{{" + open + "1" + std::string(99, ')') + "}}").has_value());
  CHECK_FALSE(run("{{" + open + "(1" + std::string(100, ')') + "}}").has_value());
}

TEST_CASE("loops in loops, long texts and deep calls are stopped, however much they are given") {
  const auto code = [](const std::string& text) {
    const auto out = run(text);
    return out ? ErrorCode::kInvalid : out.error().code();
  };
  CHECK(code("{{range 1001}}{{range 1001}}{{end}}{{end}}") == ErrorCode::kLimit);
  // Each call is a step, and its text counts: 2,000 of them are fine, 100,000 are not.
  const std::string call = "{{$y := reReplaceAll \"1\" \"2\" $x}}{{end}}";
  CHECK(run("{{$x := printf \"%9999d\" 1}}{{range 2000}}" + call).has_value());
  CHECK(code("{{$x := printf \"%9999d\" 1}}{{range 100000}}" + call) == ErrorCode::kLimit);
  // A short pattern that takes long to compile.
  CHECK(code("{{range 1000000}}{{$y := match \"a{999}b{999}c{999}d{999}\" \"x\"}}{{end}}") ==
        ErrorCode::kLimit);
  // A short call that makes a long text.
  CHECK(code("{{$x := printf \"%9999d\" 1}}{{$r := printf \"%999d\" 1}}{{range 1000}}"
             "{{$y := reReplaceAll \".\" $r $x}}{{end}}") == ErrorCode::kLimit);
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) {
      text += "{{define \"t" + std::to_string(i) + "\"}}{{template \"t" + std::to_string(i + 1) +
              "\"}}{{end}}";
    }
    return text + "{{define \"t" + std::to_string(depth) + "\"}}end{{end}}{{template \"t0\"}}";
  };
  CHECK(*run(nested(99)) == "end");
  CHECK(run(nested(100)).error().what().find("exceeded maximum template depth (100)") !=
        std::string::npos);
  // The text is told with the limit and its place.
  TemplateLimits limits;
  limits.output_bytes_max = 3;
  CHECK(run("ab{{.N}}", limits).error().what() ==
        "t:1:5: executing \"t\" at <.N>: the output exceeds 3 bytes");
}

TEST_CASE("what a text does not declare is known before it is executed") {
  const auto undeclared = [](const std::string& text) -> std::string {
    const auto parsed = Template::parse("t", text, {});
    REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().what()));
    const auto complete = parsed->declares_its_variables();
    return complete ? "" : complete.error().what();
  };
  CHECK(undeclared("{{$x := 1}}{{$x}}{{if $x}}{{$y := 2}}{{$y}}{{$x = 3}}{{end}}{{$}}").empty());
  CHECK(undeclared("{{range $i, $e := $}}{{$i}}{{$e}}{{else}}{{$i}}{{end}}").empty());
  CHECK(undeclared("{{with $x := 1}}{{$x}}{{else}}{{$x}}{{end}}").empty());
  CHECK(undeclared("{{with $x := 1}}{{end}}{{$x}}") == "t:1:26: undefined variable \"$x\"");
  CHECK(undeclared("{{if 1}}{{$y := 1}}{{end}}{{(print $y)}}") ==
        "t:1:36: undefined variable \"$y\"");
  CHECK(undeclared("{{$x = 1}}") == "t:1:3: undefined variable \"$x\"");
  CHECK(undeclared("{{$x := 1}}{{define \"a\"}}{{$x}}{{end}}") ==
        "t:1:28: undefined variable \"$x\"");
  CHECK(undeclared("{{$x := 1}}{{define \"a\"}}{{$y := 1}}{{end}}{{$x}}").empty());
}

TEST_CASE("printf's widths are bounded") {
  CHECK(render("{{printf \"%99999999999d\" 1 | len}}") == "10000");
  CHECK(render("{{printf \"%.99999999f\" 1.0 | len}}") == "402");
}

// A row each: what Go 1.22 gives for the same text and the same data, a struct in place of a
// record.
TEST_CASE("records have their fields alone, print as Go's structs, and are true") {
  const TemplateRecord sample{"template.sample", {{"Labels", Map{{"job", "api"}}}, {"Value", 1.5}}};
  const TemplateRecord pair{"template.Pair", {{"Name", "a"}, {"Value", "b"}}};
  const TemplateRecord empty{"T", {}};
  const TemplateRecord top{"data",
                           {{"S", sample}, {"P", pair}, {"E", empty}, {"N", TemplateValue()}}};
  const std::pair<const char*, const char*> rows[] = {
      {"{{.S}}", "{map[job:api] 1.5}"},
      {"{{.P}}", "{a b}"},
      {"{{.E}}{{if .E}}true{{end}}", "{}true"},
      {"{{print .S .P 1}}", "{map[job:api] 1.5} {a b} 1"},
      {"{{printf \"%v|%s|%T\" .P .P .P}}", "{a b}|{a b}|template.Pair"},
      {"{{.S.Labels.job}}[{{.S.Labels.nope}}]", "api[]"},
      {"{{with .S}}{{.Value}}{{end}}{{$x := .P}}{{$x.Name}}", "1.5a"},
      {"{{.S | value}} {{.S | label \"job\"}}", "1.5 api"},
      {"{{toJson .P}}", "{\"Name\":\"a\",\"Value\":\"b\"}"},
      {"{{.N}}", "<no value>"},
      {"{{eq .P .P}} {{ne .P .E}}", "true true"},
      {"{{.S.Nope}}", "<.S.Nope>: can't evaluate field Nope in type template.sample"},
      {"a\n {{ .Nope }}", "<.Nope>: can't evaluate field Nope in type data"},
      {"{{range .S}}{{end}}", "<.S>: range can't iterate over {map[job:api] 1.5}"},
      {"{{len .P}}", "<len .P>: error calling len: len of type template.Pair"},
      {"{{eq .S .S}}",
       "<eq .S .S>: error calling eq: non-comparable type map[job:api]: map[string]string"},
      {"{{index .P \"Name\"}}",
       "<index .P \"Name\">: error calling index: can't index item of type template.Pair"},
      {"{{call .P}}", "<call .P>: error calling call: non-function of type template.Pair"},
      {"{{call .S.Value 1}}",
       "<call .S.Value 1>: error calling call: non-function of type float64"},
      {"{{call nil}}", "<call nil>: error calling call: call of nil"},
      {"{{call}}", "<call>: wrong number of args for call: want at least 1 got 0"}};
  for (const auto& row : rows) {
    const std::string text = row.first;
    CAPTURE(text);
    const auto parsed = Template::parse("t", text, standard_template_functions());
    REQUIRE(parsed.has_value());
    const auto out = parsed->execute(top);
    const std::string shown = out ? *out : out.error().what();
    CHECK(shown.substr(out ? 0 : shown.find('<')) == row.second);
  }
}

TEST_CASE("Alertmanager's methods work on its data") {
  const auto parsed =
      Template::parse("t",
                      "{{range .Labels.SortedPairs}}{{.Name}}={{.Value}} "
                      "{{end}}{{.Labels.Names}}{{.Labels.Values}} "
                      "{{(.Labels.Remove (stringSlice \"zone\")).SortedPairs.Names}} {{len "
                      ".Alerts.Firing}}{{len .Alerts.Resolved}} "
                      "{{.Labels.Names | join \",\"}}",
                      standard_template_functions());
  REQUIRE(parsed.has_value());
  const Map firing{{"Status", "firing"}};
  const Map resolved{{"Status", "resolved"}};
  const TemplateValue labels = Map{{"a", "1"}, {"alertname", "x"}, {"zone", "b"}};
  const TemplateValue alerts = List{firing, resolved, firing};
  const Map top{{"Labels", labels.as("template.KV")}, {"Alerts", alerts.as("template.Alerts")}};
  CHECK(*parsed->execute(top) ==
        "alertname=x a=1 zone=b [alertname a zone][x 1 b] [alertname a] 21 alertname,a,zone");
}

}  // namespace
}  // namespace nines
