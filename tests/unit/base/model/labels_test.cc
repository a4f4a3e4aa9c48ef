#include "base/model/labels.h"

#include <unordered_map>

#include <doctest/doctest.h>

#include "base/text/text.h"

namespace nines {
namespace {

TEST_CASE("a label set is sorted, has each name once and no empty value") {
  const LabelSet set{{"z", "1"}, {"a", "2"}, {"z", "3"}, {"gone", ""}, {"a", ""}};
  REQUIRE(set.size() == 1);
  CHECK(set.get("z") == "3");
  CHECK_FALSE(set.has("a"));
  const LabelSet sorted{{"b", "1"}, {"a", "1"}, {"B", "1"}, {"\xC3\xA9", "1"}};
  std::string names;
  for (const Label& label : sorted) names += label.name + ",";
  CHECK(names == "B,a,b,\xC3\xA9,");  // by bytes
}

TEST_CASE("a set of nothing is the empty set") {
  CHECK(LabelSet{{"a", ""}} == LabelSet());
  CHECK(LabelSet::from({}).hash() == LabelSet().hash());
  CHECK(LabelSet().hash() == hash64(""));
  CHECK(LabelSet().empty());
  CHECK(LabelSet().get("a").empty());
  CHECK(LabelSet().begin() == LabelSet().end());
}

TEST_CASE("the hash covers names and values with their borders and nothing else") {
  const LabelSet set{{"a", "b"}, {"c", "d"}};
  CHECK(set.hash() == hash64("a\xFF"
                             "b\xFF"
                             "c\xFF"
                             "d\xFF"));
  CHECK(set.hash() == LabelSet{{"c", "d"}, {"a", "b"}}.hash());
  CHECK(set.hash() != LabelSet{{"ab", "c"}, {"c", "d"}}.hash());
  const std::string longer(5000, 'x');  // beyond the fast path
  CHECK(LabelSet{{"a", longer}}.hash() == hash64("a\xFF" + longer + "\xFF"));
}

TEST_CASE("equal sets are equal whatever made them, and serve as keys") {
  const LabelSet a{{"a", "1"}, {"b", "2"}};
  const LabelSet b = LabelSet{{"a", "1"}}.with("b", "2");
  CHECK(a == b);
  CHECK((a <=> b) == std::strong_ordering::equal);
  std::unordered_map<LabelSet, int> map;
  map[a] = 1;
  CHECK(map.contains(b));
  CHECK_FALSE(a == LabelSet{{"a", "1"}, {"b", "3"}});
}

TEST_CASE("sets are ordered label by label, the shorter first") {
  const LabelSet a{{"a", "1"}};
  CHECK(LabelSet() < a);
  CHECK(a < LabelSet{{"a", "1"}, {"b", "1"}});
  CHECK(a < LabelSet{{"a", "2"}});
  CHECK(LabelSet{{"a", "2"}} < LabelSet{{"b", "1"}});
  CHECK(LabelSet{{"a", "1"}, {"c", "1"}} < LabelSet{{"a", "2"}});
  CHECK(LabelSet{{"a", "z"}} < LabelSet{{"a", "\xC3\xA9"}});  // bytes are unsigned
}

TEST_CASE("a change gives a new set and leaves the old one alone") {
  const LabelSet set{{"a", "1"}, {"c", "3"}};
  CHECK(set.with("b", "2") == LabelSet{{"a", "1"}, {"b", "2"}, {"c", "3"}});
  CHECK(set.with("a", "9") == LabelSet{{"a", "9"}, {"c", "3"}});
  CHECK(set.with("a", "") == LabelSet{{"c", "3"}});
  CHECK(set.with("a", "1") == set);
  CHECK(set.without("a") == LabelSet{{"c", "3"}});
  CHECK(set.without("x") == set);
  CHECK(set.without("a").without("c") == LabelSet());
  const std::vector<std::string> names = {"c", "x"};
  CHECK(set.keep(names) == LabelSet{{"c", "3"}});
  CHECK(set.drop(names) == LabelSet{{"a", "1"}});
  CHECK(set.keep({}) == LabelSet());
  CHECK(set.drop({}) == set);
  CHECK(set == LabelSet{{"a", "1"}, {"c", "3"}});
  CHECK(set.with("b", "2").hash() == LabelSet{{"a", "1"}, {"b", "2"}, {"c", "3"}}.hash());
}

TEST_CASE("a series prints as Prometheus prints it") {
  CHECK(LabelSet().to_string() == "{}");
  CHECK(LabelSet{{"__name__", "up"}}.to_string() == "up");
  CHECK(LabelSet{{"b", "x\"\\\n"}, {"a", "1"}}.to_string() == R"({a="1", b="x\"\\\n"})");
  CHECK(LabelSet{{"__name__", "a:b"}, {"A", "1"}}.to_string() == R"(a:b{A="1"})");
  CHECK(LabelSet{{"__name__", "my.metric"}, {"my.label", "1"}}.to_string() ==
        R"({"my.metric", "my.label"="1"})");
  CHECK(LabelSet{{"__name__", "my.metric"}}.to_string() == R"({"my.metric"})");
}

TEST_CASE("a builder collects changes over a base") {
  const LabelSet base{{"a", "1"}, {"b", "2"}};
  LabelBuilder builder(base);
  builder.set("c", "3").set("a", "").set("b", "4").set("d", "5").remove("d");
  CHECK(builder.get("b") == "4");
  CHECK(builder.get("a").empty());
  CHECK(builder.build() == LabelSet{{"b", "4"}, {"c", "3"}});
}

TEST_CASE("classic names are letters, digits and underscores; metrics add the colon") {
  for (const char* name : {"a", "_", "__name__", "a1", "Z_9"}) CHECK(is_legacy_label_name(name));
  for (const char* name : {"", "1a", "a-b", "a.b", "a:b", "a ", "\xC3\xA9"}) {
    CHECK_FALSE(is_legacy_label_name(name));
  }
  CHECK(is_legacy_metric_name(":a:b"));
  CHECK_FALSE(is_legacy_metric_name("9:a"));
}

}  // namespace
}  // namespace nines
