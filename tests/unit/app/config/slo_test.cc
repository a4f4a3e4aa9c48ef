// [[slos]] of every kind, and [alerting].
#include <doctest/doctest.h>

#include "app/config/config.h"
#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

Result<Config> load(const std::string& text) {
  testing::MemFs fs;
  return load_text(fs, "n.toml", "[builtin]\nrules = false\nslo = false\n" + text);
}

std::string slo(const std::string& rest) {
  return "[[slos]]\nname = \"s\"\nservice = \"shop\"\n" + rest;
}
const std::string kObjective = "objectives = [{ target_percent = 99 }]\n";

slo::SloConfig one(const std::string& rest) {
  const auto config = load(slo(rest));
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  REQUIRE(config->slos.size() == 1);
  return config->slos[0];
}

std::string mistake(const std::string& text) {
  const auto config = load(text);
  return config ? "" : config.error().what();
}

}  // namespace

TEST_CASE("each kind of indicator is read, and one only") {
  const auto gauge =
      one(kObjective +
          "indicator = { threshold_metric = { metric = 'age', op = \"lt\", value = 5 } }\n");
  CHECK(gauge.indicator.kind == slo::IndicatorKind::kThreshold);
  CHECK(gauge.indicator.op == slo::CompareOp::kLt);
  CHECK(gauge.indicator.threshold == 5);
  const auto latency =
      one(kObjective + "indicator = { latency_metric = { histogram = 'h', threshold = 0.3 } }\n");
  CHECK(latency.indicator.kind == slo::IndicatorKind::kLatency);
  const auto probe = one(kObjective + "indicator = { probe = { job = \"shop\" } }\n");
  CHECK(probe.indicator.total == "probe_success{job=\"shop\"}");
  CHECK(probe.indicator.kind == slo::IndicatorKind::kProbe);
  CHECK(mistake(slo(kObjective +
                    "indicator = { probe = { job = \"a\" }, boolean_metric = { metric = 'b' } }\n"))
            .find("here are two") != std::string::npos);
  CHECK(mistake(slo(kObjective + "indicator = { threshold_metric = { metric = 'age' } }\n"))
            .find("`value` is missing") != std::string::npos);
}

TEST_CASE("a ratio may be one series of shares, and is nothing else then") {
  const auto raw = one(
      kObjective +
      "indicator = { ratio_metric = { raw = 'bad_share{a=\"b\"}', raw_type = \"failure\" } }\n");
  CHECK(raw.indicator.kind == slo::IndicatorKind::kRatio);
  CHECK(raw.indicator.raw == slo::RawRatio::kFailure);
  CHECK(raw.indicator.total == "bad_share{a=\"b\"}");
  const auto refused = [](const std::string& ratio, const std::string& why) {
    const std::string said =
        mistake(slo(kObjective + "indicator = { ratio_metric = { " + ratio + " } }\n"));
    CHECK_MESSAGE(said.find(why) != std::string::npos, said);
    CHECK(said.starts_with("n.toml:"));
  };
  refused("raw = 'a'", "`raw_type` is missing");
  refused("raw = 'a', raw_type = \"sucess\"", "did you mean \"success\"");
  refused("raw = 'a', raw_type = \"success\", total = 'b'", "`total` does not go with it");
  refused("raw_type = \"success\", good = 'a', total = 'b'", "`raw_type` says what `raw` is");
  refused("raw = 'rate(a[5m])', raw_type = \"success\"", "without functions");
}

TEST_CASE("a rule file alone may name what only the configuration can have") {
  testing::MemFs fs;
  const std::string body =
      slo(kObjective +
          "indicator = { probe = { job = \"shop\" } }\nexclude = [\"weekly\"]\n"
          "error_budget_policy = [{ remaining_below = 0, actions = [\"webhook:ops\"] }]\n") +
      "[[slos]]\nname = \"all\"\nservice = \"shop\"\n" + kObjective +
      "indicator = { composite = { members = [{ slo = \"s\" }, { slo = \"elsewhere\" }] } }\n";
  REQUIRE(write_file_atomically(fs, "/r.toml", body));
  const auto alone = load_rules_alone(fs, "/r.toml");
  REQUIRE_MESSAGE(alone, (alone ? "" : alone.error().what()));
  CHECK(alone->slos.size() == 2);
  REQUIRE(alone->warnings.size() == 3);
  CHECK(alone->warnings[0].starts_with("/r.toml:6:"));
  CHECK(alone->warnings[0].find("\"weekly\", which must be among [[maintenance]]") !=
        std::string::npos);
  CHECK(alone->warnings[1].find("must be among [[receivers]]") != std::string::npos);
  CHECK(alone->warnings[2].find("there is no SLO \"elsewhere\"") != std::string::npos);
  // With the configuration each is a mistake.
  const auto named =
      load_text(fs, "/n.toml", "rule_files = [\"r.toml\"]\n[builtin]\nslo = false\n");
  REQUIRE_FALSE(named);
  CHECK(std::string(named.error().what()).find("is not among [[maintenance]]") !=
        std::string::npos);
  // What is wrong whatever the configuration says, is.
  REQUIRE(write_file_atomically(fs, "/b.toml", body + "exclude = 5\n"));
  CHECK_FALSE(load_rules_alone(fs, "/b.toml"));
  CHECK_FALSE(load_rules_alone(fs, "/none.toml"));
}

TEST_CASE("slices, calendars and presets are read, and what cannot be is said") {
  const std::string probe = "indicator = { probe = { job = \"shop\" } }\n";
  const auto sliced =
      one("objectives = [{ target_percent = 99, time_slice_target = 0.9, time_slice_window = "
          "\"5m\" }]\n"
          "budgeting_method = \"Timeslices\"\non_no_data = \"bad\"\nmin_events = 7\n" +
          probe);
  CHECK(sliced.budgeting == slo::Budgeting::kTimeslices);
  CHECK(sliced.time_slice_window == Duration(300'000));
  CHECK(sliced.on_no_data == slo::OnNoData::kBad);
  CHECK(sliced.min_events == 7);
  const auto monthly =
      one(kObjective + probe +
          "time_window = { duration = \"1M\", calendar = { start_time = \"2026-01-01 00:00:00\", "
          "time_zone = \"Europe/Paris\" } }\n");
  REQUIRE(monthly.calendar);
  CHECK(monthly.calendar->zone.name() == "Europe/Paris");
  CHECK(mistake(
            slo(kObjective + probe +
                "time_window = { duration = \"1M\", calendar = { time_zone = \"Mars/Base\" } }\n"))
            .find("no time zone") != std::string::npos);
  CHECK(mistake(
            slo(kObjective + probe + "time_window = { duration = \"30d\", is_rolling = false }\n"))
            .find("calendar") != std::string::npos);
  CHECK(mistake(slo(kObjective + probe + "on_no_data = \"bad\"\n")).find("time slices") !=
        std::string::npos);
  CHECK(
      one(kObjective + probe + "alerting = { preset = \"google-28d\" }\n").alerting[0].burn_rate ==
      13.44);
  CHECK(mistake(slo("objectives = [{ target_percent = 90 }]\n" + probe)).find("never") !=
        std::string::npos);
}

TEST_CASE("external Alertmanagers are looked for, relabelled, and told as they want to be") {
  const auto config = load(
      "[alerting]\nalert_relabel_configs = [{ action = \"labeldrop\", regex = \"replica\" }]\n"
      "[[alerting.alertmanagers]]\nstatic_configs = [{ targets = [\"a:1\", \"b:2\"] }]\n"
      "file_sd_configs = [{ files = [\"am.json\"] }]\n"
      "relabel_configs = [{ source_labels = [\"__address__\"], regex = \"b.*\", action = \"drop\" "
      "}]\n"
      "alert_relabel_configs = [{ target_label = \"to\", replacement = \"x\" }]\n"
      "basic_auth = { username = \"u\", password = \"p\" }\n");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  REQUIRE(config->notify.alertmanagers.size() == 1);
  const notify::AlertmanagerConfig& one = config->notify.alertmanagers[0];
  CHECK(one.url == "http://a:1/api/v2/alerts");
  const auto seen = one.relabel({{"alertname", "A"}, {"replica", "1"}});
  REQUIRE(seen);
  CHECK(*seen == LabelSet{{"alertname", "A"}, {"to", "x"}});
  HttpRequest request;
  one.prepare(request);
  CHECK(request.basic_user == "u");
  REQUIRE(config->alertmanager_jobs.size() == 1);
  CHECK(config->alertmanager_jobs[0].discovery.files.size() == 1);
  const auto found = alertmanagers_at(config->alertmanager_jobs[0], {{{"c:3", "b:4"}, {}}});
  REQUIRE(found.size() == 1);
  CHECK(found[0].url == "http://c:3/api/v2/alerts");
  CHECK(mistake("[alerting]\n[[alerting.alertmanagers]]\nfile_sd_configs = [{ files = [] }]\n") !=
        "");
  CHECK(mistake("[alerting]\n[[alerting.alertmanagers]]\nsigv4 = { region = \"x\" }\n")
            .find("sigv4") != std::string::npos);
}

TEST_CASE("external Alertmanagers are read as Prometheus reads them") {
  const auto config = load(
      "[alerting]\n[[alerting.alertmanagers]]\nscheme = \"https\"\npath_prefix = \"am/\"\n"
      "static_configs = [{ targets = [\"a:1\", \"b:2\"] }]\n");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  REQUIRE(config->notify.alertmanagers.size() == 2);
  CHECK(config->notify.alertmanagers[0].url == "https://a:1/am/api/v2/alerts");
  CHECK(mistake("[alerting]\n[[alerting.alertmanagers]]\nscheme = \"http\"\n")
            .find("static_configs") != std::string::npos);
  CHECK(mistake("[alerting]\n[[alerting.alertmanagers]]\nstatic_configs = [{ targets = "
                "[\"http://a:1\"] }]\n")
            .find("HOST:PORT") != std::string::npos);
}

TEST_CASE("several objectives are several SLOs, each with its own target and alerts") {
  const auto config = load(
      slo("indicator = { probe = { job = \"shop\" } }\n"
          "alerting = { preset = \"none\" }\n"
          "objectives = [{ target_percent = 99.9, display_name = \"gold\" }, { target = 0.5, "
          "alerting = { windows = [{ long = \"1h\", short = \"5m\", burn_rate = 1.5, severity = "
          "\"page\" }] } }, { name = \"fast\", target_percent = 90, indicator = { "
          "latency_metric = { histogram = 'h', threshold = 0.3, native = true } } }]\n"));
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  REQUIRE(config->slos.size() == 3);
  CHECK(config->slos[0].name == "s-0");
  CHECK(config->slos[0].definition == "s");
  CHECK(config->slos[0].objective == "gold");
  CHECK(config->slos[0].target_percent == 99.9);
  CHECK(config->slos[0].alerting.empty());
  CHECK(config->slos[1].name == "s-1");
  CHECK(config->slos[1].target_percent == 50);
  CHECK(config->slos[1].alerting.size() == 1);
  CHECK(config->slos[2].name == "s-fast");
  CHECK(config->slos[2].indicator.kind == slo::IndicatorKind::kLatencyNative);
  CHECK(one(kObjective + "indicator = { probe = { job = \"shop\" } }\n").definition.empty());
}

TEST_CASE("an objective's value and op are those of its threshold metric") {
  const auto config =
      load(slo("indicator = { threshold_metric = { metric = 'age', op = \"lt\" } }\n"
               "objectives = [{ target_percent = 99.9, value = 5 }, "
               "{ target_percent = 99.9, value = 6, op = \"lte\" }]\n"));
  REQUIRE_MESSAGE(config, (config ? "" : config.error().what()));
  CHECK(config->slos[0].indicator.threshold == 5);
  CHECK(config->slos[0].indicator.op == slo::CompareOp::kLt);
  CHECK(config->slos[1].indicator.threshold == 6);
  CHECK(config->slos[1].indicator.op == slo::CompareOp::kLte);
  CHECK(mistake(slo("indicator = { probe = { job = \"shop\" } }\n"
                    "objectives = [{ target_percent = 99.9, value = 5 }]\n"))
            .find("are about threshold_metric") != std::string::npos);
}

TEST_CASE("log lines, groups and composites are read, and what cannot be is said with its line") {
  const auto logs =
      one(kObjective +
          "indicator = { log_lines = { bad = '{app=\"a\"} |= \"x\"', total = "
          "'{app=\"a\"}' } }\ngroup_by = [\"pod\", \"app\", \"pod\"]\nmax_groups = 7\n");
  CHECK(logs.indicator.kind == slo::IndicatorKind::kLogs);
  CHECK(logs.group_by == std::vector<std::string>{"app", "pod"});
  CHECK(logs.max_groups == 7);
  CHECK(
      mistake(slo(kObjective + "indicator = { log_lines = { bad = '{', total = '{a=\"b\"}' } }\n"))
          .find("n.toml:") == 0);
  const std::string probe = "indicator = { probe = { job = \"shop\" } }\n";
  CHECK(mistake(slo(kObjective + probe + "max_groups = 7\n")).find("`group_by`") !=
        std::string::npos);
  for (const char* max : {"0", "10001"}) {
    CHECK(mistake(slo(kObjective + probe + "group_by = [\"a\"]\nmax_groups = " + max + "\n"))
              .find("between 1 and 10000") != std::string::npos);
  }
  CHECK(mistake(slo(kObjective + probe + "group_by = [\"slo\"]\n")).find("\"slo\"") !=
        std::string::npos);
  const std::string composite =
      "[[slos]]\nname = \"all\"\nservice = \"shop\"\nobjectives = [{ target_percent = 99.9 }]\n"
      "indicator = { composite = { method = \"weighted\", members = [{ slo = \"s\", weight = 2 }, "
      "{ slo = \"OTHER\" }] } }\n";
  const auto with = [&](const std::string& other) {
    std::string text = composite;
    return slo(kObjective + probe) + text.replace(text.find("OTHER"), 5, other);
  };
  CHECK(mistake(with("nosuch")).find("there is no SLO \"nosuch\"") != std::string::npos);
  const std::string cycle = mistake(with("all"));
  CHECK(cycle.find("all -> all") != std::string::npos);
  CHECK(cycle.find("n.toml:9") == 0);
  CHECK(mistake(slo(kObjective + "indicator = { composite = { members = [] } }\n"))
            .find("needs members") != std::string::npos);
  CHECK(mistake(slo(kObjective + "indicator = { composite = { method = \"worst\", members = [{ slo "
                                 "= \"b\", weight = 2 }] } }\n"))
            .find("means nothing") != std::string::npos);
}

}  // namespace nines::config
