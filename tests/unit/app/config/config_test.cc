// Every mistake in a configuration is named where it stands, with what was probably meant.
#include "app/config/config.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

std::string mistakes(const std::string& text) {
  testing::MemFs fs;
  const auto config = load_text(fs, "n.toml", text);
  return config ? "" : config.error().what();
}

// The first mistake begins with `where` and says `what`.
void check_mistake(const std::string& text, const std::string& where, const std::string& what) {
  const std::string said = mistakes(text);
  CAPTURE(text);
  CAPTURE(said);
  CHECK(said.find("n.toml:" + where + ": ") != std::string::npos);
  CHECK(said.find(what) != std::string::npos);
}

const std::string kGroup = "[[groups]]\nname = \"g\"\n[[groups.rules]]\n";

TEST_CASE("unknown keys are errors with the nearest known name") {
  check_mistake("[gloabl]\n", "1:2", "did you mean `global`");
  check_mistake("[storage]\nbugdet = \"1GiB\"\n", "2:1", "did you mean `budget`");
  check_mistake("[[scrape_configs]]\njob_name = \"a\"\nstatic_config = []\n", "3:1",
                "did you mean `static_configs`");
  check_mistake(kGroup + "alert = \"A\"\nexpr = \"up\"\nannotation = { a = \"b\" }\n", "6:1",
                "did you mean `annotations`");
  check_mistake("completely_else = 1\n", "1:1", "unknown key `completely_else`");
}

TEST_CASE("wrong types say what is wanted and what is there") {
  check_mistake("[global]\nscrape_interval = 15\n", "2:19", "must be a duration");
  check_mistake("[web]\nlisten = 9999\n", "2:10", "must be");
  check_mistake("[web]\nbody_timeout = \"99ms\"\n", "2:16", "at least 100ms");
  check_mistake("[[groups]]\nname = [\"g\"]\n", "2:8", "must be");
  check_mistake("global = \"x\"\n", "1:10", "must be");
}

TEST_CASE("quotas are per cent of the ring, and each class gets what it works with") {
  const std::string budget = "[storage]\nbudget = \"1GiB\"\n";
  check_mistake(budget + "quota = { raw = 90, logs = 20 }\n", "3:9", "gives away 110 per cent");
  CHECK(mistakes(budget + "quota = { raw = 60, logs = 20 }\n").empty());
  check_mistake(budget + "quota = { raw = 60, logs = 2 }\n", "3:28", "`logs = 2` is too little");
  check_mistake(budget + "quota = { raw = 60, logs = 3.1 }\n", "3:28", "3.2 per cent of the ring");
  CHECK(mistakes(budget + "quota = { raw = 60, logs = 3.2 }\n").empty());
  check_mistake(budget + "quota = { raw = 95 }\n", "3:9", "leaves");
  check_mistake(budget + "quota = { raw = -1 }\n", "3:17", "no part of the ring");
  check_mistake(budget + "quota = { raw = 101 }\n", "3:17", "no part of the ring");
  check_mistake(budget + "quota = { logz = 50 }\n", "3:11", "did you mean `logs`");
  check_mistake(budget + "quota = { raw = \"50\" }\n", "3:17", "must be");
  check_mistake(budget + "quota = 50\n", "3:9", "must be");
  // The least is known when the disk is: at the start.
  CHECK(mistakes("[storage]\nbudget = \"5%\"\nquota = { logs = 0.5 }\n").empty());
  testing::MemFs fs;
  const auto config = load_text(fs, "n.toml", budget + "quota = { raw = 60, logs = 12.5 }\n");
  REQUIRE(config);
  CHECK(config->storage.quota == storage::QuotaPercents{{"raw", 60}, {"logs", 12.5}});
}

TEST_CASE("limits of newcomers and the admin API are options") {
  testing::MemFs fs;
  const auto config = load_text(fs, "n.toml",
                                "[storage]\nmax_series_per_metric = 7\nmax_labels_per_series = 8\n"
                                "max_label_name_length = 9\nmax_label_value_length = \"2KiB\"\n"
                                "[web]\nenable_admin_api = true\n");
  REQUIRE(config);
  CHECK(config->storage.series_per_metric_max == 7);
  CHECK(config->storage.labels_per_series_max == 8);
  CHECK(config->storage.label_name_bytes_max == 9);
  CHECK(config->storage.label_value_bytes_max == 2048);
  CHECK(config->admin_api);
  CHECK_FALSE(load_text(fs, "n.toml", "")->admin_api);
  check_mistake("[storage]\nmax_label_value_length = \"x\"\n", "2:26", "bad size");
  check_mistake("[storage]\nmax_series_per_metrics = 5\n", "2:1", "did you mean");
}

TEST_CASE("how much is kept of what selectors mean is an option, with both its ends") {
  testing::MemFs fs;
  const auto kept = [&fs](const std::string& value) {
    const auto config = load_text(fs, "n.toml", "[storage]\nselection_cache = " + value + "\n");
    REQUIRE(config);
    return config->storage.selection_cache_bytes;
  };
  CHECK(load_text(fs, "n.toml", "")->storage.selection_cache_bytes == 32u << 20);
  CHECK(kept("\"1MiB\"") == 1u << 20);
  CHECK(kept("0") == 0);
  CHECK(kept("\"64GiB\"") == std::uint64_t{64} << 30);
  check_mistake("[storage]\nselection_cache = \"65GiB\"\n", "2:19",
                "`selection_cache` must be between 0 (nothing is kept) and 64GiB");
  check_mistake("[storage]\nselection_cache = \"much\"\n", "2:19", "bad size");
  check_mistake("[storage]\nselection_cache = -1\n", "2:19", "selection_cache");
  check_mistake("[storage]\nselection_cashe = 0\n", "2:1", "did you mean `selection_cache`");
}

TEST_CASE("limits of queries: their defaults, what is asked for, and the ends of what may be") {
  testing::MemFs fs;
  const auto load = [&fs](const std::string& line) {
    return load_text(fs, "n.toml", "[query]\n" + line + "\n");
  };
  const auto usual = load("");
  REQUIRE(usual);
  CHECK(usual->promql.samples_max == 50'000'000);
  CHECK(usual->promql.series_max == 2'000'000);
  CHECK(usual->promql.memory_bytes_max == 1u << 30);
  CHECK(usual->promql.points_max == 11'000);
  CHECK(usual->promql.text_bytes_max == 65536);
  CHECK(usual->promql.depth_max == 64);
  CHECK(usual->promql.timeout == Duration(120'000));
  CHECK(usual->promql.lookback_delta == Duration(300'000));
  CHECK(usual->web.slow_workers == 4);
  CHECK(usual->promql.threads == 2);

  const auto set = load(
      "max_samples = 7\nmax_series = 8\nmax_memory = \"2MiB\"\nmax_points = 9\nmax_text = 2000\n"
      "max_depth = 10\ntimeout = \"3s\"\nlookback_delta = \"4s\"\nmax_concurrency = 5\nthreads = 3");
  REQUIRE(set);
  CHECK(set->promql.samples_max == 7);
  CHECK(set->promql.series_max == 8);
  CHECK(set->promql.memory_bytes_max == 2u << 20);
  CHECK(set->promql.points_max == 9);
  CHECK(set->promql.text_bytes_max == 2000);
  CHECK(set->promql.depth_max == 10);
  CHECK(set->promql.timeout == Duration(3000));
  CHECK(set->promql.lookback_delta == Duration(4000));
  CHECK(set->web.slow_workers == 5);
  CHECK(set->promql.threads == 3);

  struct Bound {
    std::string inside, outside, said;
  };
  const Bound bounds[] = {
      {"max_samples = 1", "max_samples = 0", "between 1 and 1000000000000"},
      {"max_samples = 1000000000000", "max_samples = 1000000000001", "between 1 and"},
      {"max_series = 1", "max_series = 0", "between 1 and"},
      {"max_points = 1", "max_points = 0", "between 1 and"},
      {"max_memory = \"1MiB\"", "max_memory = 1048575", "at least 1MiB"},
      {"max_text = 1024", "max_text = 1023", "between 1KiB and 1MiB"},
      {"max_text = \"1MiB\"", "max_text = 1048577", "between 1KiB and 1MiB"},
      {"max_depth = 8", "max_depth = 7", "between 8 and 256"},
      {"max_depth = 256", "max_depth = 257", "between 8 and 256"},
      {"max_concurrency = 1", "max_concurrency = 0", "between 1 and 256"},
      {"max_concurrency = 256", "max_concurrency = 257", "between 1 and 256"},
      {"threads = 1", "threads = 0", "between 1 and 64"},
      {"threads = 64", "threads = 65", "between 1 and 64"},
      {"timeout = \"1ms\"", "timeout = \"0s\"", "at least 1ms"},
      {"lookback_delta = \"1ms\"", "lookback_delta = \"0s\"", "at least 1ms"},
  };
  for (const Bound& bound : bounds) {
    CAPTURE(bound.inside);
    CHECK(load(bound.inside));
    check_mistake("[query]\n" + bound.outside + "\n",
                  "2:" + std::to_string(bound.outside.find('=') + 3), bound.said);
  }
  check_mistake("[query]\nmax_depth = -1\n", "2:13", "must not be negative");
  check_mistake("[query]\nmax_sample = 1\n", "2:1", "did you mean `max_samples`");
}

TEST_CASE("durations, sizes, regexes, PromQL and templates are checked at load") {
  check_mistake("[global]\nscrape_interval = \"15x\"\n", "2:19", "want a unit");
  check_mistake("[global]\nscrape_interval = \"-5s\"\n", "2:19", "scrape_interval");
  check_mistake("[storage]\nbudget = \"10Gb\"\n", "2:10", "bad size");
  check_mistake("[storage]\nbudget = \"105%\"\n", "2:10", "budget");
  check_mistake(kGroup + "alert = \"A\"\nexpr = \"rate(up[5m)\"\n", "5:8", "parse error");
  check_mistake(kGroup + "alert = \"A\"\nexpr = \"nofunction(up)\"\n", "5:8", "nofunction");
  check_mistake(kGroup + "alert = \"A\"\nexpr = \"up\"\nannotations = { s = \"{{ $labels.x \" }\n",
                "3:1", "annotation \"s\"");
  check_mistake(
      "[[log_configs]]\njob_name = \"a\"\nfiles = [\"/x\"]\nmetrics = [{ name = \"m\", regex = "
      "\"(\" }]\n",
      "4:34", "missing closing )");
}

TEST_CASE("references between sections are checked") {
  check_mistake("[route]\nreceiver = \"nobody\"\n", "1:1", "\"nobody\"");
  check_mistake(
      "[[scrape_configs]]\njob_name = \"a\"\nstatic_configs = [{ targets = [\"x:1\"] }]\n"
      "[[scrape_configs]]\njob_name = \"a\"\nstatic_configs = [{ targets = [\"x:2\"] }]\n",
      "5:12", "\"a\"");
}

TEST_CASE("discovery: what is wrong has its place, what is left out its default") {
  const std::string job = "[[scrape_configs]]\njob_name = \"a\"\n";
  check_mistake(job, "1:1",
                "job \"a\" has no targets: give it `static_configs`, `file_sd_configs`");
  check_mistake(job + "[[scrape_configs.file_sd_configs]]\nfile = [\"x.json\"]\n", "4:1",
                "did you mean `files`");
  check_mistake(job + "file_sd_configs = [{ files = [\"x.txt\"] }]\n", "3:30", "must end in .json");
  check_mistake(job + "http_sd_configs = [{ url = \"sd:80\" }]\n", "3:28", "must be a URL");
  check_mistake(job + "dns_sd_configs = [{ names = [\"x\"], type = \"TXT\" }]\n", "3:43",
                "none of A, AAAA, SRV, MX, NS");
  check_mistake(job + "dns_sd_configs = [{ names = [\"x\"], type = \"A\" }]\n", "3:19",
                "`port` is missing");
  check_mistake(job + "dns_sd_configs = [{ names = [\"x..y\"] }]\n", "3:29", "a part is empty");
  check_mistake(job + "http_sd_configs = [{ url = \"http://sd/\", refresh_interval = \"99ms\" }]\n",
                "3:61", "at least 100ms");
  testing::MemFs fs;
  const auto config = load_text(
      fs, "/etc/n.toml",
      job +
          "file_sd_configs = [{ files = [\"x.yml\"] }]\n"
          "http_sd_configs = [{ url = \"http://sd/\", basic_auth = { username = \"u\" } }]\n"
          "dns_sd_configs = [{ names = [\"x\"], type = \"aaaa\", port = 1 }, { names = [\"y\"] "
          "}]\n");
  REQUIRE(config);
  const collector::JobDiscovery& found = config->scrapes.at(0).discovery;
  CHECK(found.files.at(0).files == std::vector<std::string>{"/etc/x.yml"});
  CHECK(found.files.at(0).refresh_interval == Duration(300'000));
  CHECK(found.https.at(0).refresh_interval == Duration(60'000));
  CHECK(found.https.at(0).access.basic_auth_username == "u");
  CHECK(found.dns.at(0).type == "AAAA");
  CHECK(found.dns.at(1).type == "SRV");
  CHECK(found.dns.at(1).refresh_interval == Duration(30'000));
}

TEST_CASE("a target file in TOML") {
  const auto groups = load_targets_toml(
      "t.toml", "[[static_configs]]\ntargets = [\"a:1\"]\nlabels = { x = \"y\" }\n");
  REQUIRE(groups);
  CHECK(*groups == collector::TargetGroups{{{"a:1"}, {{"x", "y"}}}});
  CHECK(
      load_targets_toml("t.toml", "[[static_config]]\n").error().what().find("1:3: unknown key") !=
      std::string::npos);
  CHECK(load_targets_toml("t.toml", "x =").error().what().starts_with("1:"));
}

TEST_CASE("all mistakes are told at once, each on a line of its own") {
  const std::string said =
      mistakes("[global]\nscrape_interval = \"x\"\n[storage]\nbudget = 5\n[wbe]\n");
  CHECK(std::count(said.begin(), said.end(), '\n') >= 2);
}

TEST_CASE("broken TOML says where") {
  check_mistake("x = [\n", "1:7", "array");
  check_mistake("[storage\n", "1:9", "expected ']'");
  CHECK(mistakes(std::string(kConfigBytesMax + 1, '#')).find("larger") != std::string::npos);
}

TEST_CASE("the built-in configuration and the design's example load") {
  testing::MemFs fs;
  const auto defaults = load_defaults(fs);
  REQUIRE_MESSAGE(defaults, defaults.error().what());
  CHECK(defaults->web.listen == "127.0.0.1:9999");
  CHECK_FALSE(defaults->groups.empty());
  CHECK_FALSE(defaults->slos.empty());
  const auto again = load_text(fs, "n.toml", default_toml());
  REQUIRE_MESSAGE(again, again.error().what());
  const auto config = load_text(fs, "n.toml", R"(
[global]
scrape_interval = "5s"
external_labels = { region = "eu-1" }
[storage]
path = "/var/lib/nines"
budget = "5%"
sync = "always"
[[scrape_configs]]
job_name = "node"
metrics_path = "/m"
static_configs = [{ targets = ["127.0.0.1:9100"], labels = { env = "prod" } }]
[[probe_configs]]
job_name = "shop"
module = "http_2xx"
static_configs = [{ targets = ["http://127.0.0.1:8080/health"] }]
)");
  REQUIRE_MESSAGE(config, config.error().what());
  CHECK(config->storage.budget_percent == 5);
  CHECK(config->storage.sync == storage::SyncMode::kAlways);
  REQUIRE(config->scrapes.size() == 1);
  CHECK(config->global.external_labels.get("region") == "eu-1");
}

TEST_CASE("rule files are found beside the configuration, TOML and Prometheus's YAML") {
  testing::MemFs fs;
  fs.put("/etc/nines/rules/a.toml",
         "[[groups]]\nname = \"t\"\n[[groups.rules]]\nrecord = \"a:b\"\nexpr = \"up\"\n");
  fs.put("/etc/nines/legacy/b.yml",
         "groups:\n- name: y\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n");
  fs.put("/etc/nines/nines.toml", "rule_files = [\"rules/*.toml\", \"legacy/*.yml\"]\n");
  const auto config = load_file(fs, "/etc/nines/nines.toml");
  REQUIRE_MESSAGE(config, config.error().what());
  std::set<std::string> names;
  for (const auto& group : config->groups) names.insert(group.name);
  CHECK(names.contains("t"));
  CHECK(names.contains("y"));
  fs.put("/etc/nines/legacy/b.yml",
         "groups:\n- name: y\n  rules:\n  - alert: Down\n    exp: up == 0\n");
  const auto bad = load_file(fs, "/etc/nines/nines.toml");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().what().find("b.yml:5") != std::string::npos);
}

std::string scrape_problem(const std::string& lines) {
  testing::MemFs fs;
  const auto config =
      load_text(fs, "/etc/nines/n.toml",
                "[[scrape_configs]]\njob_name = \"a\"\nstatic_configs = [{ targets = "
                "[\"a:1\"] }]\n" +
                    lines);
  return config ? "" : config.error().what();
}

TEST_CASE("scrape options under Prometheus's names") {
  testing::MemFs fs;
  const auto config = load_text(fs, "/etc/nines/n.toml", R"(
[[scrape_configs]]
job_name = "a"
static_configs = [{ targets = ["a:1"] }]
follow_redirects = false
enable_http2 = false
enable_compression = false
track_timestamps_staleness = true
proxy_url = "http://proxy:3128"
scrape_protocols = ["PrometheusText0.0.4"]
fallback_scrape_protocol = "OpenMetricsText1.0.0"
target_limit = 5
http_headers = { X-Scope-OrgID = "one" }
authorization = { type = "Token", credentials = "c" }
tls_config = { ca_file = "ca.pem", cert_file = "/c.pem", key_file = "k.pem", insecure_skip_verify = true }
relabel_configs = [{ source_labels = ["a", "b"], regex = "x", action = "Drop" }, { target_label = "t", replacement = "r" }]
metric_relabel_configs = [{ regex = "l", action = "labeldrop" }]
)");
  REQUIRE_MESSAGE(config, config.error().what());
  const collector::ScrapeConfig& s = config->scrapes.at(0);
  CHECK_FALSE(s.follow_redirects);
  CHECK_FALSE(s.enable_http2);
  CHECK(s.enable_compression == false);
  CHECK(s.track_timestamps_staleness);
  CHECK(s.proxy.url == "http://proxy:3128");
  CHECK(s.proxy.secure_url == "http://proxy:3128");
  CHECK(s.scrape_protocols == std::vector{collector::ScrapeProtocol::kPrometheusText004});
  CHECK(s.fallback_scrape_protocol == collector::ScrapeProtocol::kOpenMetricsText100);
  CHECK(s.target_limit == 5);
  CHECK_FALSE(s.scrape_native_histograms);
  CHECK(s.http_headers == HttpHeaders{{"X-Scope-OrgID", "one"}});
  CHECK(s.authorization_type == "Token");
  CHECK(s.tls.files.ca == "/etc/nines/ca.pem");
  CHECK(s.tls.files.cert == "/c.pem");
  CHECK_FALSE(s.tls.verify);
  REQUIRE(s.relabel_configs.size() == 2);
  CHECK(s.relabel_configs[0].action == collector::RelabelAction::kDrop);
  CHECK(s.relabel_configs[1].replacement == "r");
  CHECK(s.metric_relabel_configs.size() == 1);
}

TEST_CASE("[global] says what jobs begin with about expositions, each job may say otherwise") {
  using collector::NameEscaping;
  testing::MemFs fs;
  const Result<Config> config = load_text(fs, "/n.toml", R"(
[global]
scrape_native_histograms = true
metric_name_validation_scheme = "legacy"
[[scrape_configs]]
job_name = "a"
static_configs = [{ targets = ["h:1"] }]
[[scrape_configs]]
job_name = "b"
scrape_native_histograms = false
metric_name_validation_scheme = "utf8"
metric_name_escaping_scheme = "dots"
scrape_classic_histograms = true
convert_classic_histograms_to_nhcb = true
native_histogram_bucket_limit = 160
native_histogram_min_bucket_factor = 1.1
static_configs = [{ targets = ["h:1"] }]
[[scrape_configs]]
job_name = "c"
scrape_protocols = ["PrometheusText1.0.0"]
static_configs = [{ targets = ["h:1"] }]
)");
  REQUIRE_MESSAGE(config, config.error().what());
  const auto& a = config->scrapes.at(0);
  CHECK(a.scrape_protocols == collector::default_scrape_protocols(true));
  CHECK(a.legacy_names_only);
  CHECK(a.metric_name_escaping_scheme == NameEscaping::kUnderscores);
  const auto& b = config->scrapes.at(1);
  CHECK(b.scrape_protocols == collector::default_scrape_protocols());
  CHECK_FALSE(b.legacy_names_only);
  CHECK(b.metric_name_escaping_scheme == NameEscaping::kDots);
  CHECK(b.always_scrape_classic_histograms);
  CHECK(b.convert_classic_histograms_to_nhcb);
  CHECK(b.native_histogram_bucket_limit == 160);
  CHECK(b.native_histogram_min_bucket_factor == 1.1);
  CHECK(config->scrapes.at(2).scrape_protocols ==
        std::vector{collector::ScrapeProtocol::kPrometheusText100});
}

TEST_CASE("scrape options that make no sense are refused with their place") {
  CHECK(
      scrape_problem("native_histogram_min_bucket_factor = -1.0\n").find("must not be negative") !=
      std::string::npos);
  CHECK(scrape_problem("metric_name_validation_scheme = \"legacy\"\n"
                       "metric_name_escaping_scheme = \"allow-utf-8\"\n")
            .find("refuses") != std::string::npos);
  CHECK(scrape_problem("metric_name_escaping_scheme = \"utf8\"\n").find("underscores") !=
        std::string::npos);
  CHECK(scrape_problem("").empty());
  CHECK(scrape_problem("scrape_protocols = [\"Prometheus\"]\n").find("PrometheusText0.0.4") !=
        std::string::npos);
  CHECK(scrape_problem("scrape_protocols = []\n").find("names no protocol") != std::string::npos);
  CHECK(scrape_problem("proxy_url = \"proxy\"\n").find("n.toml:4") != std::string::npos);
  CHECK(scrape_problem("http_headers = { Host = \"x\" }\n").find("\"Host\"") != std::string::npos);
  CHECK(scrape_problem("tls_config = { cert_file = \"c\" }\n").find("key_file") !=
        std::string::npos);
  CHECK(scrape_problem("authorization = { type = \"Basic\" }\n").find("basic_auth") !=
        std::string::npos);
  CHECK(scrape_problem("relabel_configs = [{ action = \"hashmod\", target_label = \"a\" }]\n")
            .find("`modulus`") != std::string::npos);
  CHECK(scrape_problem("relabel_configs = [{ target_label = \"a\", regex = \"(\" }]\n")
            .find("n.toml:4:") != std::string::npos);
}

}  // namespace
}  // namespace nines::config
