// [[maintenance]], and what SLOs say of exclusions, policies and alerts.
#include <doctest/doctest.h>

#include "app/config/config.h"
#include "rules/slo/service.h"
#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

Result<Config> load(const std::string& text) {
  testing::MemFs fs;
  return load_text(fs, "n.toml", "[builtin]\nrules = false\nslo = false\n" + text);
}
std::string mistake(const std::string& text) {
  const auto config = load(text);
  return config ? "" : config.error().what();
}
bool says(const std::string& text, const std::string& part) {
  const std::string all = mistake(text);
  INFO(all);
  CHECK(all.find(part) != std::string::npos);
  return true;
}

std::string planned(const std::string& rest) {
  return "[[maintenance]]\nname = \"weekly-db\"\nmatchers = ['service=\"db\"']\n" + rest;
}
const std::string kStart = "starts_at = \"2026-01-04 02:00:00\"\nduration = \"1h\"\n";
const std::string kExcludeOnly =
    "[[maintenance]]\nname = \"weekly-db\"\neffects = [\"slo_exclude\"]\n" + kStart;

std::string slo(const std::string& rest) {
  return "[[slos]]\nname = \"s\"\nservice = \"db\"\nobjectives = [{ target_percent = 99 }]\n"
         "indicator = { probe = { job = \"shop\" } }\n" +
         rest;
}
const std::string kReceivers =
    "[route]\nreceiver = \"oncall\"\n[[receivers]]\nname = \"oncall\"\n"
    "webhook_configs = [{ url = \"http://127.0.0.1:1/\" }]\n";

}  // namespace

TEST_CASE("a maintenance is read with its zone, its rule and its effects") {
  const auto config =
      load(planned(kStart + "time_zone = \"Europe/Paris\"\nrrule = \"FREQ=WEEKLY;BYDAY=SU\"\n"
                            "comment = \"vacuum\"\neffects = [\"silence\", \"no_remediation\"]\n"));
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  REQUIRE(config->maintenance.size() == 1);
  const maintenance::Maintenance& m = config->maintenance[0];
  CHECK(m.name == "weekly-db");
  CHECK(m.duration == Duration(3'600'000));
  CHECK(m.silences);
  CHECK_FALSE(m.excludes);
  CHECK(m.stops_remediation);
  // 02:00 in Paris is 01:00 UTC in winter, midnight in summer.
  const auto at = [](const char* text) { return TimeZone::utc().to_utc(*parse_local_time(text)); };
  CHECK(maintenance::is_active(m, at("2026-02-01 01:30:00")));
  CHECK_FALSE(maintenance::is_active(m, at("2026-02-01 02:30:00")));
  CHECK(maintenance::is_active(m, at("2026-07-05 00:30:00")));
}

TEST_CASE("a start may be an instant with its offset, or a local time") {
  for (const char* text : {"2026-01-04T02:00:00+01:00", "2026-01-04T01:00:00Z",
                           "2026-01-04 02:00:00", "2026-01-04T02:00:00"}) {
    const auto config =
        load(planned("time_zone = \"Europe/Paris\"\nduration = \"1h\"\nstarts_at = \"" +
                     std::string(text) + "\"\n"));
    REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
    CHECK(config->maintenance[0].start == *parse_local_time("2026-01-04 02:00:00"));
  }
}

TEST_CASE("single starts are added and taken out, a thousand of each") {
  const auto config =
      load(planned(kStart + "time_zone = \"Europe/Paris\"\nrrule = \"FREQ=WEEKLY;BYDAY=SU\"\n"
                            "rdate = [\"2026-01-07 02:00:00\", \"2026-01-08T02:00:00Z\"]\n"
                            "exdate = [\"2026-01-11\", \"2026-01-18T02:00:00\"]\n"));
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  const auto at = [](const char* text) { return TimeZone::utc().to_utc(*parse_local_time(text)); };
  CHECK(maintenance::windows(config->maintenance[0], at("2026-01-01"), at("2026-01-26")) ==
        std::vector<maintenance::Span>{{at("2026-01-04 01:00:00"), at("2026-01-04 02:00:00")},
                                       {at("2026-01-07 01:00:00"), at("2026-01-07 02:00:00")},
                                       {at("2026-01-08 02:00:00"), at("2026-01-08 03:00:00")},
                                       {at("2026-01-25 01:00:00"), at("2026-01-25 02:00:00")}});
  const auto days = [](int count) {
    std::string list;
    for (int i = 0; i < count; ++i) list += "\"2026-12-24\",";
    return planned(kStart + "exdate = [" + list + "]\n");
  };
  CHECK(load(days(1000)));
  says(days(1001), "`exdate` has 1001 times, more than 1000");
}

TEST_CASE("what is wrong with a maintenance is said with file, line, key and remedy") {
  says(planned("duration = \"1h\"\n"), "n.toml:4:1: `starts_at` is missing in [[maintenance]]: ");
  says(planned("starts_at = \"soon\"\nduration = \"1h\"\n"),
       "n.toml:7:13: `starts_at` must be a time");
  says(planned("starts_at = \"2026-01-04 02:00:00\"\n"), "`duration` is missing");
  says(planned("starts_at = \"2026-01-04 02:00:30\"\nduration = \"1h\"\n"),
       "n.toml:7:13: the start must be a whole minute");
  says(planned("starts_at = \"2026-01-04 02:00:00\"\nduration = \"30s\"\n"),
       "n.toml:8:12: the duration must be whole minutes");
  says(planned(kStart + "rrule = \"FREQ=NEVER\"\n"),
       "n.toml:9:9: FREQ=NEVER: must be one of SECONDLY");
  says(planned(kStart + "rdate = [\"2026-01-04\"]\n"), "n.toml:9:9: `rdate` are times like");
  says(planned(kStart + "exdate = [\"2026-02-30\"]\n"), "n.toml:9:10: `exdate` are times like");
  says(planned(kStart + "time_zone = \"Mars/Base\"\n"), "n.toml:9:13: no time zone");
  says(planned(kStart + "effects = [\"quiet\"]\n"), "n.toml:9:11: `effects` are");
  says(planned(kStart + "effects = []\n"), "would do nothing");
  says(planned(kStart + "matcher = 1\n"), "matchers");
  says(planned(kStart) + planned(kStart), "is defined twice");
  says("[[maintenance]]\nname = \"a\"\n" + kStart, "`matchers` is missing");
  says("[[maintenance]]\nmatchers = ['a=\"b\"']\n" + kStart, "`name` is missing");
  CHECK(load(kExcludeOnly));
}

TEST_CASE("an SLO excludes the maintenance it names, and the one that names it") {
  const auto named =
      load(kExcludeOnly + slo("exclude = [\"weekly-db\"]\nexclude_alerts = [\"Down\"]\n"));
  REQUIRE_MESSAGE(named, (named ? "" : named.error().what()));
  REQUIRE(named->slos[0].exclude.size() == 1);
  CHECK(named->slos[0].exclude_alerts == std::vector<std::string>{"Down"});
  const auto matched = load(planned(kStart) + slo(""));
  REQUIRE_MESSAGE(matched, (matched ? "" : matched.error().what()));
  CHECK(matched->slos[0].exclude.size() == 1);
  CHECK(load(kExcludeOnly + slo(""))->slos[0].exclude.empty());
  // Of several objectives, by the definition's name as by their own.
  std::string several = slo("");
  several.replace(several.find("objectives = ["),
                  several.find(']', several.find("objectives")) + 1 - several.find("objectives"),
                  "objectives = [{ target_percent = 99 }, { target_percent = 95 }]");
  for (const auto& [matcher, first, second] :
       std::vector<std::tuple<std::string, std::size_t, std::size_t>>{
           {"slo=\"s\"", 1, 1}, {"slo=\"s-1\"", 0, 1}, {"slo=\"other\"", 0, 0}}) {
    const auto some =
        load("[[maintenance]]\nname = \"m\"\nmatchers = ['" + matcher + "']\n" + kStart + several);
    REQUIRE_MESSAGE(some, (some ? "" : some.error().what()));
    CHECK(some->slos[0].exclude.size() == first);
    CHECK(some->slos[1].exclude.size() == second);
  }
  const auto both = load(planned(kStart) + slo("exclude = [\"weekly-db\"]\n"));
  CHECK(both->slos[0].exclude.size() == 1);
  says(slo("exclude = [\"nobody\"]\n"), "`exclude` names \"nobody\", which is not among");
  says(planned(kStart + "effects = [\"silence\"]\n") + slo("exclude = [\"weekly-db\"]\n"),
       "has no effect \"slo_exclude\"");
  says(slo("exclude_alerts = [\"\"]\n"), "names of alerts");
}

TEST_CASE("the steps of a policy are read, ordered and checked") {
  const auto config = load(
      kReceivers +
      slo("error_budget_policy = [\n"
          "  { remaining_below = 0, actions = [\"webhook:oncall\", \"label:deploys=frozen\"] },\n"
          "  { remaining_below = 0.25, hysteresis = 0.1, actions = [\"notify\"] },\n]\n"));
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  const auto& policy = config->slos[0].policy;
  REQUIRE(policy.size() == 2);
  CHECK(policy[0].remaining_below == 0.25);
  CHECK(policy[0].hysteresis == 0.1);
  CHECK(policy[0].notify);
  CHECK(policy[1].receivers == std::vector<std::string>{"oncall"});
  CHECK(policy[1].labels.at("deploys") == "frozen");
  const auto step = [](const std::string& text) {
    return slo("error_budget_policy = [{ " + text + " }]\n");
  };
  says(step("actions = [\"notify\"]"), "`remaining_below` is missing");
  says(step("remaining_below = 0.1"), "`actions` is missing");
  says(step("remaining_below = 0.1, actions = [\"shout\"]"), "not \"shout\"");
  says(step("remaining_below = 0.1, actions = [\"label:slo=x\"]"), "not \"label:slo=x\"");
  says(step("remaining_below = 0.1, actions = [\"webhook:nobody\"]"),
       "receiver \"nobody\" is not among [[receivers]]");
  says(slo("error_budget_policy = [{ remaining_below = 0.1, actions = [\"notify\"] }, { "
           "remaining_below = 0.1, actions = [\"notify\"] }]\n"),
       "two steps have the same");
  for (const auto& [value, good] : std::vector<std::pair<std::string, bool>>{
           {"1", true}, {"1.01", false}, {"-10", true}, {"-10.1", false}}) {
    CHECK(load(step("remaining_below = " + value + ", actions = [\"notify\"]")).has_value() ==
          good);
  }
  for (const auto& [value, good] : std::vector<std::pair<std::string, bool>>{
           {"0", true}, {"1", true}, {"1.01", false}, {"-0.01", false}}) {
    CHECK(load(step("remaining_below = 0.5, hysteresis = " + value + ", actions = [\"notify\"]"))
              .has_value() == good);
  }
}

TEST_CASE("alerts of an SLO carry its names, labels and annotations") {
  const auto config = load(slo(
      "labels = { team = \"db\" }\n[slos.alerting]\nname = \"DbBudget\"\nlabels = { a = \"1\" }\n"
      "annotations = { runbook = \"https://x\" }\npage = { severity = \"critical\" }\n"
      "ticket = { disable = true }\n"));
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  const auto groups = slo::Service::alert_groups(config->slos);
  REQUIRE(groups.size() == 1);
  REQUIRE(groups[0].rules.size() == 2);
  const alerts::RuleConfig& rule = groups[0].rules[0];
  CHECK(rule.alert == "DbBudget");
  CHECK(rule.labels.at("severity") == "critical");
  CHECK(rule.labels.at("team") == "db");
  CHECK(rule.labels.at("a") == "1");
  CHECK(rule.annotations.at("runbook") == "https://x");
  CHECK(rule.annotations.contains("summary"));
  says(slo("labels = { \"a-b\" = \"1\" }\n"), "cannot be a label here");
  says(slo("[slos.alerting]\nname = \"\"\n"), "`name` must not be empty");
  says(slo("[slos.alerting]\nannotations = { a = \"{{ .nope\" }\n"), "annotation");
}

}  // namespace nines::config
