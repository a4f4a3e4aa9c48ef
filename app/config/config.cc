#include "app/config/config.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/config/internal/collector_keys.h"
#include "app/config/internal/sections.h"
#include "app/config/internal/toml_text.h"
#include "app/config/planned.h"
#include "base/text/text.h"
#include "rules/alerts/rule_places.h"

namespace nines::config {
namespace {

using alerts::UnknownKeys;

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, std::max<std::size_t>(slash, 1));
}

std::string beside(const std::string& file, const std::string& path) {
  return path.starts_with('/') ? path : folder_of(file) + "/" + path;
}

// Sections that the design names and this version does not have.
constexpr std::string_view kLaterSections[] = {"escalations", "schedules", "time_intervals",
                                               "heartbeats"};

constexpr std::size_t kRuleFileBytesMax = 16u << 20;  // of YAML, which is often generated

constexpr std::string_view kSecretKeys[] = {"password", "secret", "credentials", "token",
                                            "assertion"};

// The text with the values of secret keys, and user names and passwords in URLs, replaced.
std::string redact(std::string_view text) {
  std::string out;
  for (const std::string_view row : split(text, '\n')) {
    std::string line(row);
    for (const std::string_view key : kSecretKeys) {
      std::size_t at = 0;
      while ((at = line.find(key, at)) != std::string::npos) {
        std::size_t value = line.find_first_not_of(" \t", at + key.size());
        at += key.size();
        if (value == std::string::npos || line[value] != '=') continue;
        value = line.find_first_of("'\"", value);
        if (value == std::string::npos) continue;
        std::size_t end = line.find(line[value], value + 1);
        while (end != std::string::npos && line[value] == '"' && line[end - 1] == '\\') {
          end = line.find('"', end + 1);
        }
        if (end == std::string::npos) end = line.size();
        line.replace(value + 1, end - value - 1, "<secret>");
      }
    }
    std::size_t scheme = 0;
    while ((scheme = line.find("://", scheme)) != std::string::npos) {
      scheme += 3;
      const std::size_t end = line.find_first_of("/'\" \t", scheme);
      const std::size_t host = line.rfind('@', end);
      if (host != std::string::npos && host > scheme)
        line.replace(scheme, host - scheme, "<secret>");
    }
    out += line;
    out += '\n';
  }
  if (!out.empty() && !text.ends_with('\n')) out.pop_back();
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  return join(lines, "\n");
}

// Adds the groups and SLOs of one TOML rule file.
void load_rules_toml(const std::string& name, std::string_view text, const ReadSecret& secrets,
                     Config& config, std::vector<std::string>& problems,
                     UnknownKeys unknown = UnknownKeys::kRefuse) {
  Result<toml::table> table = parse_toml(name, text);
  if (!table) {
    problems.push_back(table.error().what());
    return;
  }
  Problems found(name, unknown == UnknownKeys::kIgnore);
  TableReader root(*table, "", found);
  const Context context{secrets, name};
  read_groups(root, config, context);
  read_slos(root, config);
  root.finish();
  problems.insert(problems.end(), found.lines().begin(), found.lines().end());
  config.warnings.insert(config.warnings.end(), found.warnings().begin(), found.warnings().end());
}

// Which rule files, and how they are read.
struct RuleFiles {
  std::string besides;  // one more than the configuration names; empty: none
  UnknownKeys unknown = UnknownKeys::kRefuse;
  bool alone = false;  // there is no configuration, only `besides`
};

void load_rule_file(Fs& fs, const std::string& path, const ReadSecret& secrets, Config& config,
                    std::vector<std::string>& problems, UnknownKeys unknown) {
  const Result<std::string> text = read_file(fs, path, kRuleFileBytesMax);
  if (!text) {
    problems.push_back(path + ":1:1: " + text.error().what());
    return;
  }
  constexpr std::string_view kYamlEndings[] = {".yml", ".yaml", ".rules", ".json"};
  if (std::none_of(std::begin(kYamlEndings), std::end(kYamlEndings),
                   [&](std::string_view ending) { return path.ends_with(ending); })) {
    load_rules_toml(path, *text, secrets, config, problems, unknown);
    return;
  }
  Result<std::vector<alerts::GroupConfig>> groups = alerts::parse_rules_yaml(path, *text, unknown);
  if (!groups) {
    problems.push_back(groups.error().what());
    return;
  }
  std::vector<std::string> bad;
  for (alerts::GroupConfig& group : *groups) {
    std::vector<std::string> found = alerts::check_group(group, config.promql);
    bad.insert(bad.end(), found.begin(), found.end());
    config.groups.push_back(std::move(group));
  }
  if (bad.empty()) return;
  for (std::string& problem : alerts::place_problems(path, *text, std::move(bad)))
    problems.push_back(std::move(problem));
}

std::string plain_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

void load_rule_files(Fs& fs, TableReader& root, const std::string& name, const ReadSecret& secrets,
                     Config& config, std::vector<std::string>& problems, const RuleFiles& how) {
  const std::string& besides = how.besides;  // read once
  bool read_besides = besides.empty();
  std::set<std::string> seen;
  std::vector<std::string> patterns;
  root.read("rule_files", patterns);
  for (const std::string& pattern : patterns) {
    // As Prometheus names them: "rules/a.yml", not "./rules/a.yml".
    const std::filesystem::path path = beside(name, pattern);
    const auto files = glob_files(fs, path.lexically_normal().string());
    if (!files) {
      root.fail("rule_files", "`rule_files`: " + files.error().what());
      continue;
    }
    const bool literal = pattern.find_first_of("*?[") == std::string::npos;
    if (files->empty() && literal) {
      root.fail("rule_files", "`rule_files`: " + quote_go(pattern) + " does not exist");
    }
    for (const std::string& file : *files) {
      if (!seen.insert(plain_path(file)).second) continue;  // patterns may overlap
      const bool is_it = !besides.empty() && plain_path(file) == plain_path(besides);
      read_besides = read_besides || is_it;
      load_rule_file(fs, is_it ? besides : file, secrets, config, problems, how.unknown);
    }
  }
  if (!read_besides) load_rule_file(fs, besides, secrets, config, problems, how.unknown);
}

// Composites may be made of SLOs of other files.
void check_slos_together(Config& config, std::vector<std::string>& problems) {
  const auto line_of = [&](const std::pair<std::size_t, std::string>& one) {
    const slo::SloConfig& slo = config.slos[one.first];
    return slo.file + ":" + std::to_string(slo.line) + ":1: " + one.second;
  };
  const auto sure = slo::check_together(config.slos, config.rules_alone);
  for (const auto& one : sure) problems.push_back(line_of(one));
  if (!config.rules_alone) return;
  for (const auto& one : slo::check_together(config.slos)) {
    if (std::find(sure.begin(), sure.end(), one) == sure.end())
      config.warnings.push_back(line_of(one));
  }
}

void add_builtin_rules(const ReadSecret& secrets, Config& config,
                       std::vector<std::string>& problems) {
  if (!config.builtin.rules && !config.builtin.slo) return;
  Config builtin;
  builtin.promql = config.promql;
  load_rules_toml("<built in>", builtin_rules_toml(), secrets, builtin, problems);
  if (config.builtin.rules) {
    config.groups.insert(config.groups.end(), builtin.groups.begin(), builtin.groups.end());
  }
  if (config.builtin.slo) {
    for (slo::SloConfig& s : builtin.slos) {
      const bool taken =
          std::any_of(config.slos.begin(), config.slos.end(),
                      [&](const slo::SloConfig& other) { return other.name == s.name; });
      if (!taken) config.slos.push_back(std::move(s));
    }
  }
}

Result<Config> load_all(Fs& fs, const std::string& name, std::string_view text,
                        const RuleFiles& rules) {
  NINES_TRY(const toml::table table, parse_toml(name, text));
  Config config;
  config.file = name;
  config.toml = redact(text);
  config.rules_alone = rules.alone;
  Problems problems(name);
  TableReader root(table, "", problems);
  const ReadSecret secrets = [&](const std::string& path) -> std::optional<std::string> {
    Result<std::string> secret = read_file(fs, beside(name, path), 64u << 10);
    if (!secret) return std::nullopt;
    return *std::move(secret);
  };
  const ReadSecret texts = [&](const std::string& path) -> std::optional<std::string> {
    Result<std::string> found = read_file(fs, beside(name, path), kConfigBytesMax);
    if (!found) return std::nullopt;
    return *std::move(found);
  };
  const Context context{secrets, name, &texts};
  read_global(root, config);
  read_storage(root, config);
  read_web(root, config);
  read_query(root, config);
  read_builtin(root, config);
  read_host(root, config);
  read_scrapes(root, config, context);
  read_probes(root, config, context);
  read_logs(root, config);
  read_receive(root, config);
  read_remote_writes(root, config, context);
  read_groups(root, config, context);
  read_notify(root, config, context);
  read_maintenance(root, config);
  read_slos(root, config);
  read_remediations(root, config, context);
  std::vector<std::string> others;  // of rule files
  load_rule_files(fs, root, name, secrets, config, others, rules);
  for (const std::string_view later : kLaterSections) {
    if (!root.has(later)) continue;
    root.fail(later, "[" + std::string(later) + "] is not in this version of nines yet; remove it");
  }
  root.finish();
  add_builtin_rules(secrets, config, others);
  std::vector<std::string> all = problems.lines();
  all.insert(all.end(), others.begin(), others.end());
  if (all.empty()) check_slos_together(config, all);
  if (!all.empty()) return Error(ErrorCode::kInvalid, joined(all));
  exclude_configured(config);
  return config;
}

}  // namespace

Result<Config> load_text(Fs& fs, const std::string& name, std::string_view text,
                         UnknownKeys of_rules) {
  return load_all(fs, name, text, {"", of_rules, false});
}

Result<Config> load_rules_alone(Fs& fs, const std::string& rule_file, UnknownKeys unknown) {
  return load_all(fs, "<command line>", "[builtin]\nrules = false\nslo = false\n",
                  {rule_file, unknown, true});
}

Result<Config> load_file_with_rules(Fs& fs, const std::string& path, const std::string& rule_file) {
  NINES_TRY(const std::string text, read_file(fs, path, kConfigBytesMax));
  return load_all(fs, path, text, {rule_file, UnknownKeys::kRefuse, false});
}

Result<collector::TargetGroups> load_targets_toml(const std::string& name, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return Error(ErrorCode::kInvalid, name + ":1:1: the file holds a NUL byte");
  }
  toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const auto at = parsed.error().source().begin;
    return Error(ErrorCode::kInvalid, std::to_string(at.line) + ":" + std::to_string(at.column) +
                                          ": " + std::string(parsed.error().description()));
  }
  const toml::table table = std::move(parsed).table();
  Problems problems(name);
  TableReader root(table, "", problems);
  collector::TargetGroups groups;
  read_static_configs(root, groups);
  root.finish();
  if (!problems.empty()) return Error(ErrorCode::kInvalid, problems.lines().front());
  return groups;
}

Result<Config> load_file(Fs& fs, const std::string& path) {
  Result<std::string> text = read_file(fs, path, kConfigBytesMax);
  if (!text) return std::move(text).error();
  return load_text(fs, path, *text);
}

Result<Config> load_defaults(Fs& fs) {
  NINES_TRY(Config config, load_text(fs, "<built-in defaults>", default_toml()));
  config.file.clear();
  return config;
}

}  // namespace nines::config
