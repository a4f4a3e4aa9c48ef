// `nines check rules`: do the files load, and is there advice on what they hold?
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/rule_files.h"
#include "app/cli/internal/verbs.h"
#include "base/core/real_clock.h"
#include "base/fs/fs.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "rules/alerts/lint.h"

namespace nines::app {
namespace {

// Whether the server has a series that matches, within what it was told to look back.
Result<bool> series_exists(const ClientOptions& client, const std::string& selector,
                           Duration window) {
  const Timestamp now = make_real_clock()->now();
  const Answer answer = ask(client, "GET", "/api/v1/series",
                            {{"match[]", selector},
                             {"start", format_time(now - window)},
                             {"end", format_time(now)},
                             {"limit", "1"}});
  if (answer.exit_code != kExitOk)
    return Error(ErrorCode::kUnavailable, "no answer on " + selector);
  return !answer.json["data"].items().empty();
}

// Names that only the configuration can have.
void tell_warnings(const std::string& file, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) fmt::print(stderr, "warning: {}\n", warning);
  if (warnings.empty()) return;
  fmt::print(stderr,
             "with the configuration that names it such names are checked: nines check rules "
             "--config nines.toml {}\n",
             file);
}

// The checks whose findings are told.
Result<std::set<std::string>> wanted_checks(const LintOptions& options) {
  const auto& known = alerts::kLintChecks;
  const std::set<std::string> all(known.begin(), known.end());
  if (!options.lint) return std::set<std::string>();
  if (options.checks.empty()) return all;
  std::set<std::string> wanted;
  for (const std::string& name : options.checks) {
    if (name == "none") continue;
    if (name == "all") {
      wanted.insert(all.begin(), all.end());
    } else if (name == "duplicate-rules") {  // promtool's name
      wanted.insert("duplicate");
    } else if (all.contains(name)) {
      wanted.insert(name);
    } else {
      std::string list;
      for (const std::string_view one : known) list += ", " + std::string(one);
      return Error(ErrorCode::kInvalid,
                   quote_go(name) + " is none of all, none, duplicate-rules" + list);
    }
  }
  return wanted;
}

}  // namespace

int check_rules(const std::vector<std::string>& files, const LintOptions& options) {
  const auto fs = make_posix_fs();
  const auto checks = wanted_checks(options);
  if (!checks) {
    fmt::print(stderr, "nines: --lint: {}\n", checks.error().what());
    return kExitUsage;
  }
  const auto window = parse_duration(options.window);
  if (!window) {
    fmt::print(stderr, "nines: --window: {}\n", window.error().what());
    return kExitUsage;
  }
  alerts::SelectorExists exists;
  if (!options.server.empty()) {
    exists = [&, client = ClientOptions{options.server, "table"}](const std::string& selector) {
      return series_exists(client, selector, *window);
    };
  }
  const auto unknown =
      options.ignore_unknown_fields ? alerts::UnknownKeys::kIgnore : alerts::UnknownKeys::kRefuse;
  int code = kExitOk;
  for (const std::string& file : files) {
    const auto config = options.config.empty() ? load_rule_file(*fs, file, unknown)
                                               : load_rule_file_of(*fs, options.config, file);
    if (!config) {
      const std::string what = config.error().what();
      fmt::print(stderr, "{}\n", what);
      code = kExitFailure;
      continue;
    }
    tell_warnings(file, config->warnings);
    std::size_t rules = 0;
    for (const auto& group : config->groups) rules += group.rules.size();
    fmt::print("{}: ok: {} groups, {} rules, {} SLOs\n", file, config->groups.size(), rules,
               config->slos.size());
    if (checks->empty()) continue;
    const auto findings = alerts::lint_groups(config->groups, config->promql, exists);
    if (!findings) {
      fmt::print(stderr, "nines: {}\n", findings.error().what());
      return kExitUnreachable;
    }
    for (const alerts::LintFinding& one : *findings) {
      if (!checks->contains(one.check)) continue;
      fmt::print("{}: {}: {}: {}\n", one.place, one.rule, one.check, one.text);
      if (options.fatal && code == kExitOk) code = kExitLint;
    }
  }
  return code;
}

}  // namespace nines::app
