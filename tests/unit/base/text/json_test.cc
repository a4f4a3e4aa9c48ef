#include "base/text/json.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

namespace nines {
namespace {

std::string refusal(std::string_view text) {
  const auto json = Json::parse(text);
  REQUIRE_FALSE_MESSAGE(json.has_value(), std::string(text));
  CHECK(json.error().code() == ErrorCode::kInvalid);
  return json.error().what();
}

TEST_CASE("the writer places commas and quotes") {
  JsonWriter out;
  out.begin_object()
      .field("a", 1)
      .key("b")
      .begin_array()
      .value("x")
      .null()
      .value(true)
      .begin_object();
  out.end_object().end_array().field("c", 1.5).key("d").raw("[1]").end_object();
  CHECK(out.str() == R"({"a":1,"b":["x",null,true,{}],"c":1.5,"d":[1]})");
}

TEST_CASE("the writer escapes controls and replaces broken UTF-8") {
  JsonWriter out;
  out.value(std::string_view("\"\\\n\t\r\x01\xC3\xA9\xFFz", 10));
  CHECK(out.str() == "\"\\\"\\\\\\n\\t\\r\\u0001\xC3\xA9\xEF\xBF\xBDz\"");
}

TEST_CASE("numbers are written so that they read back") {
  const auto text = [](double d) {
    JsonWriter out;
    out.value(d);
    return out.take();
  };
  CHECK(text(0.1) == "0.1");
  CHECK(text(1e20) == "100000000000000000000");
  CHECK(text(1e21) == "1e+21");
  CHECK(text(1e-7) == "1e-07");
  CHECK(text(-0.0) == "-0");
  CHECK(text(std::nan("")) == "null");
  CHECK(text(std::numeric_limits<double>::infinity()) == "null");
  for (const double v : {5e-324, 1.7976931348623157e308, 1.0 / 3}) {
    CHECK(Json::parse(text(v))->as_double() == v);
  }
  JsonWriter out;
  out.begin_array().value(std::numeric_limits<std::int64_t>::min());
  out.value(std::numeric_limits<std::uint64_t>::max()).end_array();
  CHECK(out.str() == "[-9223372036854775808,18446744073709551615]");
}

TEST_CASE("a document becomes a tree") {
  const auto json =
      Json::parse(R"( {"a":[1,-2.5,"x\u00e9\n",true,null],"b":{"c":{}},"b2":9007199254740993} )");
  REQUIRE(json.has_value());
  CHECK((*json)["a"].items().size() == 5);
  CHECK((*json)["a"][0].as_int() == 1);
  CHECK((*json)["a"][1].as_double() == -2.5);
  CHECK((*json)["a"][2].as_string() == "x\xC3\xA9\n");
  CHECK((*json)["a"][3].as_bool());
  CHECK((*json)["a"][4].type() == Json::Type::kNull);
  CHECK((*json)["b"]["c"].is_object());
  CHECK((*json)["b2"].as_int() == 9007199254740993);  // more digits than a double has
  CHECK(json->members()[1].first == "b");
}

TEST_CASE("what is not there is null, and asking the wrong type gives the fallback") {
  const auto json = *Json::parse(R"({"a":"text"})");
  CHECK(json["x"]["y"][3].type() == Json::Type::kNull);
  CHECK(json["a"].as_int(7) == 7);
  CHECK(json["a"].as_double(2.5) == 2.5);
  CHECK(json["a"].as_bool(true));
  CHECK(json["x"].as_string().empty());
}

TEST_CASE("of equal names the last counts, and numbers out of range are held at the edge") {
  CHECK((*Json::parse(R"({"a":1,"a":2})"))["a"].as_int() == 2);
  CHECK(Json::parse("1e300")->as_int() == std::numeric_limits<std::int64_t>::max());
  CHECK(Json::parse("18446744073709551615")->as_int() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("a broken document is refused with the place") {
  CHECK(refusal("{\"a\":}").find("byte 5") != std::string::npos);
  CHECK(refusal("[1] x").find("byte 4") != std::string::npos);
  for (const char* text :
       {"", "{", "[1,]", "{\"a\":1,}", "nul", "01", "1.", "'a'", "\"\\x\"", "\"a\nb\"", "[1 2]",
        "{a:1}", "\"\xFF\"", "\"\\ud800\"", "NaN", "1e999", "// c\n1"}) {
    refusal(text);
  }
  refusal(std::string_view("1\0", 2));
  refusal(std::string_view("1\0002", 3));
}

TEST_CASE("nesting is refused one level above the limit") {
  CHECK(Json::parse(std::string(32, '[') + std::string(32, ']')).has_value());
  CHECK(refusal(std::string(33, '[') + std::string(33, ']')).find("32") != std::string::npos);
  refusal(std::string(1'000'000, '['));
}

}  // namespace
}  // namespace nines
