#include "collector/discovery/relabel.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace nines::collector {
namespace {

RelabelSpec spec(RelabelAction action) {
  RelabelSpec s;
  s.action = action;
  return s;
}

RelabelSpec replace(std::vector<std::string> sources, std::string target,
                    std::optional<std::string> regex = {},
                    std::optional<std::string> replacement = {}) {
  RelabelSpec s;
  s.source_labels = std::move(sources);
  s.target_label = std::move(target);
  s.regex = std::move(regex);
  s.replacement = std::move(replacement);
  return s;
}

std::optional<LabelSet> apply(const LabelSet& labels, const std::vector<RelabelSpec>& specs) {
  std::vector<RelabelRule> rules;
  for (const RelabelSpec& s : specs) {
    Result<RelabelRule> rule = make_relabel_rule(s);
    REQUIRE_MESSAGE(rule, (rule ? "" : rule.error().what()));
    rules.push_back(*std::move(rule));
  }
  return relabel(labels, rules);
}

std::string why(const RelabelSpec& s) {
  const auto rule = make_relabel_rule(s);
  return rule ? "" : rule.error().what();
}

TEST_CASE("replace: defaults copy the joined sources; groups expand in target and replacement") {
  const LabelSet in{{"a", "foo"}, {"b", "bar"}};
  CHECK(*apply(in, {replace({"a"}, "c")}) == in.with("c", "foo"));
  CHECK(*apply(in, {replace({"a", "b"}, "c")}) == in.with("c", "foo;bar"));
  CHECK(*apply(in, {replace({"a", "none"}, "c")}) == in.with("c", "foo;"));
  CHECK(*apply(in, {replace({"a"}, "d", "f(o)(.*)", "${2}-$1")}) == in.with("d", "o-o"));
  CHECK(*apply(in, {replace({"a"}, "x_$1", "(f).*", "1")}) == in.with("x_f", "1"));
  CHECK(*apply(in, {replace({"a"}, "${1}", "(b)?.*", "1")}) == in);  // no name: nothing happens
  CHECK(*apply(in, {replace({"a"}, "d", "o", "1")}) == in);          // anchored on both ends
  CHECK(*apply(in, {replace({"a"}, "b", ".*", "")}) == in.without("b"));  // empty: removed
  CHECK(*apply(in, {replace({}, "d", {}, "1")}) == in.with("d", "1"));
  RelabelSpec separated = replace({"a", "b"}, "c");
  separated.separator = "";
  CHECK(*apply(in, {separated}) == in.with("c", "foobar"));
  CHECK(*apply(in.with("a", "x\ny"), {replace({"a"}, "c")}) ==
        in.with("a", "x\ny").with("c", "x\ny"));
}

TEST_CASE("keep, drop, keepequal and dropequal decide about the whole set") {
  const LabelSet in{{"a", "foo"}, {"b", "foo"}, {"c", "bar"}};
  RelabelSpec s = replace({"a"}, "", "f.*");
  s.action = RelabelAction::kKeep;
  CHECK(apply(in, {s}));
  s.regex = "o.*";
  CHECK_FALSE(apply(in, {s}));
  s.action = RelabelAction::kDrop;
  CHECK(apply(in, {s}));
  s.regex = "foo";
  CHECK_FALSE(apply(in, {s}));
  RelabelSpec equal = replace({"a"}, "b");
  equal.action = RelabelAction::kKeepEqual;
  CHECK(apply(in, {equal}));
  equal.target_label = "c";
  CHECK_FALSE(apply(in, {equal}));
  equal.action = RelabelAction::kDropEqual;
  CHECK(apply(in, {equal}));
  equal.target_label = "b";
  CHECK_FALSE(apply(in, {equal}));
}

TEST_CASE("hashmod shards as Prometheus does: the low eight bytes of MD5, modulo") {
  RelabelSpec s = replace({"c"}, "d");
  s.action = RelabelAction::kHashMod;
  s.separator = ";";
  s.modulus = 1000;
  // md5("baz") = 73feffa4b7f6bb68e44cf984c85f6e88; 0xe44cf984c85f6e88 mod 1000 = 976.
  CHECK(*apply(LabelSet{{"c", "baz"}}, {s}) == LabelSet{{"c", "baz"}, {"d", "976"}});
  CHECK(apply(LabelSet{{"c", "foo\nbar"}}, {s})->get("d") == "734");
}

TEST_CASE("labelmap, labeldrop and labelkeep look at names") {
  const LabelSet in{{"__meta_k8s_app", "x"}, {"__meta_k8s_zone", "z"}, {"job", "j"}};
  RelabelSpec map = spec(RelabelAction::kLabelMap);
  map.regex = "__meta_k8s_(.+)";
  CHECK(*apply(in, {map}) == in.with("app", "x").with("zone", "z"));
  map.replacement = "k_${1}";
  CHECK(*apply(in, {map}) == in.with("k_app", "x").with("k_zone", "z"));
  RelabelSpec drop = spec(RelabelAction::kLabelDrop);
  drop.regex = "__meta_.*";
  CHECK(*apply(in, {drop}) == LabelSet{{"job", "j"}});
  RelabelSpec keep = spec(RelabelAction::kLabelKeep);
  keep.regex = "job";
  CHECK(*apply(in, {keep}) == LabelSet{{"job", "j"}});
}

TEST_CASE("lowercase and uppercase know more than ASCII") {
  RelabelSpec s = replace({"a"}, "b");
  s.action = RelabelAction::kLowercase;
  CHECK(apply(LabelSet{{"a", "BaR ÄΣ"}}, {s})->get("b") == "bar äσ");
  s.action = RelabelAction::kUppercase;
  CHECK(apply(LabelSet{{"a", "bar äσ日"}}, {s})->get("b") == "BAR ÄΣ日");
}

TEST_CASE("rules run in order, each on what the one before left") {
  RelabelSpec keep = replace({"__tmp_x"}, "", "1");
  keep.action = RelabelAction::kKeep;
  const LabelSet in{{"a", "1"}};
  CHECK(apply(in, {replace({"a"}, "__tmp_x"), keep})->get("__tmp_x") == "1");
  CHECK_FALSE(apply(in, {keep, replace({"a"}, "__tmp_x")}));

  std::vector<RelabelRule> rules = {*make_relabel_rule(replace({"a"}, "b")),
                                    *make_relabel_rule(keep)};
  const auto steps = relabel_steps(in, rules);
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].output == in.with("b", "1"));
  CHECK(steps[0].keep);
  CHECK(steps[1].output.empty());
  CHECK_FALSE(steps[1].keep);
}

TEST_CASE("an option that is missing, or that the action does not read, is refused by name") {
  CHECK(why(spec(RelabelAction::kReplace)).find("`target_label`") != std::string::npos);
  RelabelSpec hash = replace({"a"}, "b");
  hash.action = RelabelAction::kHashMod;
  CHECK(why(hash).find("`modulus`") != std::string::npos);
  hash.modulus = 1;
  CHECK(why(hash).empty());
  RelabelSpec drop = spec(RelabelAction::kLabelDrop);
  CHECK(why(drop).empty());
  drop.source_labels = {"a"};
  CHECK(why(drop).find("only `regex`") != std::string::npos);
  RelabelSpec lower = replace({"a"}, "b", {}, "x");
  lower.action = RelabelAction::kLowercase;
  CHECK(why(lower).find("`replacement`") != std::string::npos);
  RelabelSpec equal = replace({"a"}, "b", "x");
  equal.action = RelabelAction::kKeepEqual;
  CHECK(why(equal).find("only `source_labels`") != std::string::npos);
  CHECK(why(replace({"a"}, "b", "(")).starts_with("`regex`"));
}

TEST_CASE("every action has its name, in any case of letters") {
  for (const std::string_view name : relabel_action_names()) {
    CHECK(to_string(*relabel_action(name)) == name);
  }
  CHECK(relabel_action("KeepEqual") == RelabelAction::kKeepEqual);
  CHECK_FALSE(relabel_action("rename"));
}

}  // namespace
}  // namespace nines::collector
