#include "app/cli/cli.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/cli/internal/people_verbs.h"
#include "app/cli/internal/storage_verbs.h"
#include "app/cli/internal/verbs.h"

namespace nines::app {
namespace {

std::string server_from_environment() {
  const char* value =
      std::getenv("NINES_SERVER");  // NOLINT(concurrency-mt-unsafe): one thread so far
  return value && *value ? value : "http://127.0.0.1:9999";
}

// CLI11 calls the verb's callback while parsing; the exit code waits here until it is done.
struct Commands {
  CLI::App app{"nines keeps services available: it collects, stores, judges, pages and remediates.",
               "nines"};
  ServeOptions serve_options;
  ClientOptions client{server_from_environment(), "table"};
  bool verbose = false, extended = false;
  int exit_code = kExitOk;
  GateOptions gate_options;
  ContributorOptions contributor_options;
  StorageOptions storage_options;
  AnalyzeOptions analyze_options;
  DumpVerbOptions dump_options;
  BackupVerbOptions backup_options;
  ImportOptions import_options;
  LintOptions lint_options;
  RuleTestRunOptions rule_tests;
  ReplayOptions replay_options;
  MaintenanceOptions maintenance_options;
  AcknowledgeOptions acknowledge_options;
  int incidents_shown = 50;
  bool only_open = false;
  SimulateOptions simulate_options;
  std::string file, expr, time, start, end, step, label;
  std::string page_span;
  std::uint32_t rows_per_page = 64;
  std::vector<std::string> files, matchers;

  Commands() {
    app.set_version_flag("--version", std::string("nines ") + kVersion);
    app.require_subcommand(0, 1);
    add_serve_options(app);
    add_server_verbs();
    add_file_verbs();
    add_import_verbs();
    add_storage_verbs();
    add_backup_verbs();
    add_client_verbs();
    add_maintenance_verbs();
    add_incident_verbs();
    app.final_callback([this] {
      if (app.get_subcommands().empty()) exit_code = serve(serve_options, verbose);
    });
  }

  void add_serve_options(CLI::App& verb) {
    verb.add_option("--config", serve_options.config_file,
                    "configuration file (TOML); without it, the built-in defaults");
    verb.add_option("--data", serve_options.data, "data folder; wins over [storage] path");
    verb.add_option("--listen", serve_options.listen, "HOST:PORT; wins over [web] listen");
    verb.add_flag("--verbose", verbose, "log at debug level");
  }

  void add_client_options(CLI::App& verb) {
    verb.add_option("--server", client.server, "URL of the nines to ask (or NINES_SERVER)");
    verb.add_option("-o,--output", client.output, "table, json or csv")
        ->check(CLI::IsMember({"table", "json", "csv"}));
  }

  CLI::App& group(const std::string& name, const std::string& help) {
    CLI::App* verb = app.add_subcommand(name, help);
    verb->require_subcommand(1);
    return *verb;
  }

  void add_server_verbs() {
    CLI::App* verb = app.add_subcommand("serve", "run (the default)");
    add_serve_options(*verb);
    verb->callback([this] { exit_code = serve(serve_options, verbose); });
    app.add_subcommand("version", "print the version")->callback([] {
      std::puts((std::string("nines ") + kVersion).c_str());
    });
  }

  void add_file_verbs() {
    CLI::App* verb = app.add_subcommand("init", "write the default configuration to a file");
    verb->add_option("FILE", file, "where to (default nines.toml)")->default_val("nines.toml");
    verb->callback([this] { exit_code = init(file); });

    CLI::App& check = group("check", "check files, or whether a server is ready");
    verb = check.add_subcommand("config", "check a configuration and everything it names");
    verb->add_option("FILE", file)->required();
    verb->callback([this] { exit_code = check_config(file); });
    verb = check.add_subcommand("rules", "check rule files (TOML, or Prometheus's YAML)");
    verb->add_option("FILE", files)->required();
    verb->add_flag("!--no-lint", lint_options.lint, "only whether the files load, no advice");
    verb->add_option("--lint", lint_options.checks,
                     "which advice: all (the default), none, duplicate-rules, or names of checks")
        ->delimiter(',')
        ->allow_extra_args(false);
    verb->add_option("--config", lint_options.config,
                     "the configuration that the files belong to: its maintenance, receivers, SLOs");
    verb->add_flag("--lint-fatal", lint_options.fatal, "advice makes the exit code 3");
    verb->add_flag("--ignore-unknown-fields", lint_options.ignore_unknown_fields,
                   "look past unknown fields of the files");
    verb->add_option("--server,--url", lint_options.server,
                     "URL of a nines or Prometheus: name selectors that match nothing there");
    verb->add_option("--window", lint_options.window, "how far back series are looked for")
        ->default_val("1h");
    verb->callback([this] { exit_code = check_rules(files, lint_options); });
    verb = check.add_subcommand(
        "metrics", "lint an exposition on stdin, as promtool does; exit 3 when there is advice");
    verb->add_flag("--extended", extended, "also how many series each metric has");
    verb->callback([this] { exit_code = check_metrics(extended); });
    verb = check.add_subcommand("ready", "exit 0 when the server is ready");
    add_client_options(*verb);
    verb->callback([this] { exit_code = check_ready(client); });

    CLI::App& test = group("test", "run test files");
    verb = test.add_subcommand("promql", "run scripts in Prometheus's promqltest language");
    verb->add_option("FILE", files)->required();
    verb->add_option("--rows-per-page", rows_per_page, "rows a page of the store holds: 1 to 64")
        ->check(CLI::Range(1, 64));
    verb->add_option("--page-span", page_span, "no page reaches over a multiple of this, as 1m");
    verb->callback([this] { exit_code = test_promql(files, rows_per_page, page_span); });
    verb = test.add_subcommand(
        "rules", "run promtool's unit tests of rules, or replay rules over stored history");
    verb->add_option("FILE", files, "test files; with --replay, rule files")->required();
    CLI::Option* report =
        verb->add_option("--junit", rule_tests.junit, "write a JUnit report to this file");
    verb->add_option("--run", rule_tests.run,
                     "only tests whose name this expression matches; several: one of them")
        ->allow_extra_args(false);
    verb->add_flag("--diff", rule_tests.diff, "what differs line by line, in colour on a terminal");
    verb->add_flag("--debug", rule_tests.debug, "print all that is stored after each test");
    verb->add_flag("--ignore-unknown-fields", rule_tests.ignore_unknown_fields,
                   "look past unknown fields of test and rule files");
    verb->add_flag("--coverage", rule_tests.coverage, "say which rules no test asks for");
    verb->add_option("--coverage-threshold", rule_tests.coverage_least,
                     "fail when tests ask for less than this many per cent of the rules")
        ->check(CLI::Range(0.0, 100.0));
    CLI::Option* replay = verb->add_option(
        "--replay", replay_options.span,
        "list every alert the rules would have fired in this long a time, as 30d, on a server");
    replay->excludes(report);
    verb->add_option("--until", replay_options.until,
                     "end of the replayed time: RFC 3339 or seconds; default now")
        ->needs(replay);
    add_client_options(*verb);
    verb->callback([this] {
      replay_options.client = client;
      exit_code = replay_options.span.empty() ? test_rules(files, rule_tests)
                                              : replay_rules(files, replay_options);
    });
  }

  void add_import_verbs() {
    CLI::App& import = group("import", "print files of other tools as TOML for nines");
    const auto slos = [&](const std::string& kind, const std::string& help) {
      CLI::App* verb = import.add_subcommand(kind, help);
      verb->add_option("FILE", file, "YAML, several documents allowed")->required();
      verb->callback([this, kind] { exit_code = import_slos(kind, file); });
    };
    slos("sloth", "SLOs of Sloth: prometheus/v1, or PrometheusServiceLevel");
    slos("pyrra", "SLOs of Pyrra: ServiceLevelObjective");
    slos("openslo", "SLOs of OpenSLO: openslo/v1");
  }

  void add_storage_options(CLI::App& verb) {
    add_folder_option(verb, storage_options);
    verb.add_flag("--json", storage_options.json, "JSON instead of tables");
  }

  static void add_folder_option(CLI::App& verb, StorageOptions& options) {
    verb.add_option("DIR,--data", options.data, "data folder; default " + default_data_path());
  }

  void add_storage_verbs() {
    CLI::App& storage = group("storage", "look into a data folder, or import into it");
    CLI::App* verb = storage.add_subcommand(
        "list", "every segment: class, state, sequence, times, bytes used, damage");
    add_storage_options(*verb);
    verb->callback([this] { exit_code = storage_list(storage_options); });
    verb = storage.add_subcommand("analyze",
                                  "series and churn by metric, label and target; bytes by class");
    add_folder_option(*verb, analyze_options.storage);
    verb->add_option("--top", analyze_options.top, "metrics, labels and targets shown; 0: all")
        ->default_val(10);
    verb->add_option("--config", analyze_options.config,
                     "configuration whose [storage] quota counts; default the default shares");
    verb->add_flag("--json", analyze_options.storage.json, "JSON instead of tables");
    verb->callback([this] { exit_code = storage_analyze(analyze_options); });
    verb = storage.add_subcommand("dump", "samples as text, on stdout");
    add_folder_option(*verb, dump_options.storage);
    verb->add_option("--match", dump_options.match,
                     "a selector such as 'up{job=\"node\"}'; default everything");
    verb->add_option("--from", dump_options.from, "RFC 3339 or seconds since the epoch");
    verb->add_option("--to", dump_options.to, "RFC 3339 or seconds since the epoch");
    verb->add_option("--format", dump_options.format,
                     "openmetrics, or json: one object a line, native histograms too")
        ->default_val("openmetrics")
        ->check(CLI::IsMember({"openmetrics", "json"}));
    verb->callback([this] { exit_code = storage_dump(dump_options); });
    add_import_verb(storage);
    verb = app.add_subcommand("verify", "check every checksum of a data folder, or of a backup");
    add_storage_options(*verb);
    verb->callback([this] { exit_code = verify_storage(storage_options); });
  }

  void add_import_verb(CLI::App& storage) {
    CLI::App* verb = storage.add_subcommand(
        "import", "store samples that have times: OpenMetrics, or Prometheus's text");
    verb->add_option("FILE", import_options.files)->required();
    verb->add_option("--format", import_options.format, "openmetrics or prometheus")
        ->default_val("openmetrics")
        ->check(CLI::IsMember({"openmetrics", "prometheus"}));
    verb->add_option("--data", import_options.data,
                     "data folder nobody runs in; default " + default_data_path());
    verb->add_option("--config", import_options.config,
                     "open the folder with this configuration's [storage]");
    verb->add_option("--url", import_options.url, "a running nines instead of a folder");
    verb->callback([this] { exit_code = import_storage(import_options); });
  }

  void add_backup_verbs() {
    CLI::App* verb = app.add_subcommand(
        "backup", "copy a data folder into a new folder DIR, while nines runs or not");
    verb->add_option("DIR", backup_options.folder, "must not exist; appears whole or not at all")
        ->required();
    verb->add_option("--data", backup_options.data, "data folder; default " + default_data_path());
    verb->add_option("--max-rate", backup_options.rate_max,
                     "copy at most so much a second, such as 20MiB; default: no bound");
    verb->callback([this] { exit_code = backup_storage(backup_options); });
    verb = app.add_subcommand("restore", "make a data folder out of the backup in DIR");
    verb->add_option("DIR", backup_options.folder, "what `nines backup` wrote")->required();
    verb->add_option("--data", backup_options.data,
                     "data folder, missing or empty; default " + default_data_path());
    verb->add_flag("--force", backup_options.force,
                   "replace what nines keeps in the data folder; other files stay");
    verb->callback([this] { exit_code = restore_storage(backup_options); });
  }

  void add_maintenance_verbs() {
    CLI::App& maintenance = group("maintenance", "planned work, of the configuration and added");
    CLI::App* verb = maintenance.add_subcommand("list", "all, with the window that lasts or comes");
    add_client_options(*verb);
    verb->callback([this] { exit_code = maintenance_list(client); });
    verb = maintenance.add_subcommand("create", "plan some on a running nines");
    MaintenanceOptions& o = maintenance_options;
    verb->add_option("NAME", o.name)->required();
    verb->add_option("MATCHER", o.matchers, "whom it concerns, as 'service=\"db\"'")->required();
    verb->add_option("--duration", o.duration, "whole minutes, as 1h30m")->required();
    verb->add_option("--start", o.start, "default this minute");
    verb->add_option("--time-zone", o.zone, "IANA name; default UTC");
    verb->add_option("--rrule", o.rrule, "RFC 5545, as FREQ=WEEKLY;BYDAY=SU; default once");
    verb->add_option("--rdate", o.rdate, "a start more");
    verb->add_option("--exdate", o.exdate, "a start, or a day, less");
    verb->add_option("--effect", o.effects, "silence, slo_exclude, no_remediation; default all");
    verb->add_option("--comment", o.comment);
    verb->add_option("--by", o.by, "who plans it");
    add_client_options(*verb);
    verb->callback([this] { exit_code = maintenance_create(client, maintenance_options); });
    verb = maintenance.add_subcommand("end", "end one that was added, now and for good");
    verb->add_option("NAME", o.name)->required();
    add_client_options(*verb);
    verb->callback([this] { exit_code = maintenance_end(client, maintenance_options.name); });
    verb = maintenance.add_subcommand("windows", "when a configuration file plans it");
    verb->add_option("FILE", file)->required();
    verb->add_option("--from", start, "RFC 3339 or seconds; default now");
    verb->add_option("--to", end, "RFC 3339 or seconds; default 30 days later");
    verb->add_option("-o,--output", client.output, "table, json or csv")
        ->check(CLI::IsMember({"table", "json", "csv"}));
    verb->callback([this] { exit_code = maintenance_windows(client, file, start, end); });
  }

  void add_incident_verbs() {
    CLI::App& incident = group("incident", "what fired, and who works on it");
    CLI::App* verb = incident.add_subcommand("list", "the newest incidents");
    verb->add_option("--limit", incidents_shown)->default_val(50)->check(CLI::Range(1, 1'000));
    verb->add_flag("--open", only_open, "those that are not over");
    add_client_options(*verb);
    verb->callback([this] { exit_code = incident_list(client, incidents_shown, only_open); });
    verb = incident.add_subcommand("show", "everything that happened in one");
    verb->add_option("INCIDENT", label)->required();
    add_client_options(*verb);
    verb->callback([this] { exit_code = incident_show(client, label); });
    AcknowledgeOptions& o = acknowledge_options;
    verb = incident.add_subcommand("ack", "say who works on it: it is not told again meanwhile");
    verb->add_option("INCIDENT", o.episode)->required();
    verb->add_option("--by", o.by, "who")->required();
    verb->add_option("--comment", o.comment);
    verb->add_option("--expires-in", o.expires_in, "as 2h; default when it is over");
    add_client_options(*verb);
    verb->callback([this] { exit_code = incident_acknowledge(client, acknowledge_options); });
    verb = incident.add_subcommand("unack", "take an acknowledgement back");
    verb->add_option("INCIDENT", o.episode)->required();
    verb->add_option("--by", o.by, "who");
    add_client_options(*verb);
    verb->callback([this] { exit_code = incident_unacknowledge(client, acknowledge_options); });
  }

  void add_gate_verb() {
    CLI::App* verb = app.add_subcommand(
        "gate", "exit 0 when error budgets allow a deployment, 10 when not, 11 without data");
    verb->add_option("NAME", gate_options.slos, "SLOs; default all");
    verb->add_option("--service", gate_options.service, "only SLOs of this service");
    verb->add_option("--min-remaining", gate_options.min_remaining,
                     "per cent of the budget that must be left")
        ->default_val(0);
    verb->add_option("--max-burn", gate_options.max_burn, "highest burn rate; 0: not looked at");
    verb->add_option("--burn-window", gate_options.burn_window)->default_val("1h");
    verb->add_flag("--no-data-passes", gate_options.no_data_passes, "an SLO without data is fine");
    verb->add_option("--format", gate_options.format)
        ->default_val("text")
        ->check(CLI::IsMember({"text", "json", "junit", "github", "gitlab"}));
    add_client_options(*verb);
    verb->callback([this] { exit_code = gate(client, gate_options); });
  }

  void add_simulate_verb(CLI::App& slo) {
    SimulateOptions& o = simulate_options;
    CLI::App* verb =
        slo.add_subcommand("simulate", "when the alerts of an SLO would fire in an outage");
    verb->add_option("NAME", o.name,
                     "an SLO; default one of 99.9% over 30d with the default alerts");
    verb->add_option("--file", o.file, "where it is defined; default the server is asked");
    verb->add_option("--errors", o.error_percent, "per cent of events that fail")->default_val(1);
    verb->add_option("--for", o.lasts, "how long, as 2h; default without end");
    verb->add_option("--target", o.target_percent, "per cent, instead of the SLO's");
    verb->add_option("--window-days", o.window_days, "instead of the SLO's window")
        ->check(CLI::Range(1, 400));
    verb->add_option("--preset", o.preset, "alerts to judge by instead of the SLO's")
        ->check(CLI::IsMember({"google-30d", "google-28d", "pyrra"}));
    add_client_options(*verb);
    verb->callback([this] { exit_code = slo_simulate(client, simulate_options); });
  }

  void add_client_verbs() {
    CLI::App& query = group("query", "ask a running nines");
    CLI::App* verb = query.add_subcommand("instant", "evaluate PromQL at one instant");
    verb->add_option("EXPR", expr)->required();
    verb->add_option("--time", time, "RFC 3339 or seconds since the epoch; default now");
    add_client_options(*verb);
    verb->callback([this] { exit_code = query_instant(client, expr, time); });

    verb = query.add_subcommand("range", "evaluate PromQL over a range");
    verb->add_option("EXPR", expr)->required();
    verb->add_option("--start", start, "RFC 3339 or seconds; default an hour before the end");
    verb->add_option("--end", end, "RFC 3339 or seconds; default now");
    verb->add_option("--step", step, "distance of the points")->default_val("60s");
    add_client_options(*verb);
    verb->callback([this] { exit_code = query_range(client, expr, start, end, step); });

    verb = query.add_subcommand("series", "list the series that match");
    verb->add_option("MATCHER", matchers, "a selector such as 'up{job=\"node\"}'")->required();
    add_client_options(*verb);
    verb->callback([this] { exit_code = query_series(client, matchers); });

    verb = query.add_subcommand("labels", "list label names, or the values of one label");
    verb->add_option("NAME", label, "a label name");
    add_client_options(*verb);
    verb->callback([this] { exit_code = query_labels(client, label); });

    CLI::App& slo = group("slo", "error budgets");
    verb = slo.add_subcommand("list", "every SLO with what is left of its budget");
    add_client_options(*verb);
    verb->callback([this] { exit_code = slo_list(client); });
    verb = slo.add_subcommand("report", "every SLO with all its figures, as Markdown");
    add_client_options(*verb);
    verb->callback([this] { exit_code = slo_report(client); });
    verb = slo.add_subcommand("status", "all figures of one SLO");
    verb->add_option("NAME", label)->required();
    add_client_options(*verb);
    verb->callback([this] { exit_code = slo_status(client, label); });
    verb = slo.add_subcommand("burn", "the burn rates of one SLO, and the alerts on them");
    verb->add_option("NAME", label)->required();
    add_client_options(*verb);
    verb->callback([this] { exit_code = slo_burn(client, label); });
    verb = slo.add_subcommand("contributors", "which label values spent the budget of one SLO");
    verb->add_option("NAME", label)->required();
    verb->add_option("--by", contributor_options.by, "one label; default all that tell");
    verb->add_option("--start", contributor_options.start,
                     "RFC 3339 or seconds; default the window's beginning");
    verb->add_option("--end", contributor_options.end, "RFC 3339 or seconds; default now");
    verb->add_option("--limit", contributor_options.limit, "values of each label")
        ->default_val(5)
        ->check(CLI::Range(1, 1'000));
    add_client_options(*verb);
    verb->callback([this] { exit_code = slo_contributors(client, label, contributor_options); });
    verb = slo.add_subcommand("rebuild", "count again what the ring still holds");
    verb->add_option("NAME", label)->required();
    verb->add_option("--start", start, "RFC 3339 or seconds; default the window's beginning");
    add_client_options(*verb);
    verb->callback([this] { exit_code = slo_rebuild(client, label, start); });
    add_simulate_verb(slo);
    add_gate_verb();

    verb = app.add_subcommand("alerts", "alerts that are pending or firing");
    add_client_options(*verb);
    verb->callback([this] { exit_code = list_alerts(client); });
    verb = app.add_subcommand("reload", "make the server read its configuration again");
    add_client_options(*verb);
    verb->callback([this] { exit_code = reload(client); });
  }
};

}  // namespace

int run_command_line(int argc, char** argv) {
  Commands commands;
  try {
    commands.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = commands.app.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  return commands.exit_code;
}

}  // namespace nines::app
