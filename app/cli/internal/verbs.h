#pragma once
// The verbs, each returning its exit code.

#include <optional>
#include <string>
#include <vector>

#include "app/cli/internal/gate.h"
#include "app/server/application.h"
#include "base/core/clock.h"

namespace nines::app {

struct ClientOptions {
  std::string server;            // http://127.0.0.1:9999
  std::string output = "table";  // table | json | csv
};

int serve(const ServeOptions& options, bool verbose);
int init(const std::string& file);
int check_config(const std::string& file);

struct LintOptions {
  bool lint = true;
  std::vector<std::string> checks;  // names of checks, "all", "none", "duplicate-rules"; empty: all
  std::string config;         // the configuration whose names the files use; empty: none
  bool fatal = false;         // findings make the exit code kExitLint
  bool ignore_unknown_fields = false;
  std::string server;         // URL to look for dead selectors at; empty: not looked for
  std::string window = "1h";  // how far back a series may have ended and still count
};
int check_rules(const std::vector<std::string>& files, const LintOptions& options);
// What `promtool check metrics` says of stdin: kExitLint with findings, kExitFailure when it cannot
// be read. `extended`: without findings, a table of the families' sizes.
int check_metrics(bool extended);
// Pages of at most `rows_per_page` rows (1 to 64) that do not reach over multiples of `page_span`
// (a duration; empty: no such cut).
int test_promql(const std::vector<std::string>& files, std::uint32_t rows_per_page,
                const std::string& page_span);
struct RuleTestRunOptions {
  std::string junit;  // where to write a JUnit report; empty: nowhere
  std::vector<std::string>
      run;             // expressions of which a test's name must match one; empty: all run
  bool diff = false;   // failures as differences line by line, coloured on a terminal
  bool debug = false;  // after each test all that is stored
  bool ignore_unknown_fields = false;  // of test files and of rule files
  bool coverage = false;               // say on stderr which rules no test asks for
  double coverage_least = 0;           // per cent; less is a failure; above 0 implies `coverage`
};
int test_rules(const std::vector<std::string>& files, const RuleTestRunOptions& options);
struct ReplayOptions {
  ClientOptions client;
  std::string span;   // how far back, as 30d
  std::string until;  // RFC 3339 or seconds; empty: now
};
// Rule files, not tests, over what a server has stored.
int replay_rules(const std::vector<std::string>& files, const ReplayOptions& options);

// `kind`: sloth, pyrra or openslo. TOML on stdout, what was left out on stderr; kExitLint when an
// SLO is not converted.
int import_slos(const std::string& kind, const std::string& file);

int check_ready(const ClientOptions& client);
int query_instant(const ClientOptions& client, const std::string& expr, const std::string& time);
int query_range(const ClientOptions& client, const std::string& expr, const std::string& start,
                const std::string& end, const std::string& step);
int query_series(const ClientOptions& client, const std::vector<std::string>& matchers);
int query_labels(const ClientOptions& client, const std::string& name);
int slo_list(const ClientOptions& client);
int slo_status(const ClientOptions& client, const std::string& name);
struct ContributorOptions {
  std::string by;     // a label; empty: all that tell
  std::string start;  // empty: the window's beginning
  std::string end;
  int limit = 5;  // values of each label
};
int slo_contributors(const ClientOptions& client, const std::string& name,
                     const ContributorOptions& options);
int slo_burn(const ClientOptions& client, const std::string& name);
int slo_report(const ClientOptions& client);
int slo_rebuild(const ClientOptions& client, const std::string& name, const std::string& from);
struct SimulateOptions {
  std::string name;  // of the SLO whose target, window and alerts judge; empty: the defaults
  std::string file;  // where it is defined; empty: the server is asked
  std::optional<double> target_percent;  // instead of the SLO's
  std::optional<int> window_days;
  std::string preset;        // of alerts, instead of the SLO's; empty: those
  double error_percent = 1;  // of all events
  std::string lasts;         // a duration; empty: without end
};
int slo_simulate(const ClientOptions& client, const SimulateOptions& options);
int gate(const ClientOptions& client, const GateOptions& options);
int list_alerts(const ClientOptions& client);
int reload(const ClientOptions& client);

}  // namespace nines::app
