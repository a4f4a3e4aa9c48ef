#pragma once
// The configuration file: TOML in, one Options struct per module out.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/fs/fs.h"
#include "base/model/labels.h"
#include "collector/host/host.h"
#include "collector/probe/prober.h"
#include "collector/receive/receivers.h"
#include "collector/scrape/scraper.h"
#include "collector/send/remote_sender.h"
#include "collector/tail/tailer.h"
#include "rules/alerts/config.h"
#include "rules/maintenance/maintenance.h"
#include "rules/notify/config.h"
#include "rules/promql/engine.h"
#include "rules/remediation/config.h"
#include "rules/slo/config.h"
#include "storage/engine/engine.h"
#include "web/http/server.h"

namespace nines::config {

struct Global {
  Duration scrape_interval{15'000};
  Duration scrape_timeout{10'000};
  Duration evaluation_interval{15'000};
  LabelSet external_labels;
  // What every scrape configuration begins with, of what [global] may say about expositions. No
  // scrape_protocols: those that go with the histograms wanted.
  collector::ScrapeConfig exposition;
};

struct Builtin {
  bool rules = true;  // default alerts
  bool slo = true;    // the self-SLO
  bool self = true;   // scraping nines itself
};

// One of [alerting] alertmanagers.
struct AlertmanagerJob {
  std::string scheme = "http";
  std::string path_prefix;  // empty, or with a slash before and none behind
  Duration timeout{10'000};
  collector::TargetGroups static_configs;
  collector::JobDiscovery discovery;
  collector::HttpAccess access;
  std::vector<collector::RelabelRule> relabel_configs;        // of targets
  std::vector<collector::RelabelRule> alert_relabel_configs;  // those of [alerting] first
};
// Whom to tell at these targets; relabelling may drop some.
std::vector<notify::AlertmanagerConfig> alertmanagers_at(const AlertmanagerJob& job,
                                                         const collector::TargetGroups& targets);

struct Config {
  std::string file;  // empty: the built-in defaults
  std::string toml;  // the file as read, values of secrets replaced by <secret>
  Global global;
  Builtin builtin;
  storage::Options storage;
  web::ServerOptions web;
  bool admin_api = false;    // /api/v1/admin/*
  std::string external_url;  // how people reach the page; empty: http://<listen>
  promql::EngineOptions promql;
  collector::HostConfig host;
  std::vector<collector::ScrapeConfig> scrapes;
  std::vector<collector::ProbeConfig> probes;
  collector::ProbeModules probe_modules;  // of [probes], besides the built-in ones
  collector::ProbeOptions probe_options;
  std::vector<collector::LogConfig> logs;
  std::vector<collector::SendConfig> remote_writes;  // take effect at the next start
  std::string remote_writes_text;                    // what they were read from, to be compared
  collector::ReceiveOptions receive;                 // takes effect at the next start
  std::vector<alerts::GroupConfig> groups;  // of the file, of rule_files, and the built-in ones
  std::vector<maintenance::Maintenance> maintenance;
  std::vector<slo::SloConfig> slos;
  notify::Config notify;  // `alertmanagers`: those of static_configs
  std::vector<AlertmanagerJob> alertmanager_jobs;
  std::vector<remediation::RemediationConfig> remediations;
  // Rule files are read without the configuration that names them: what they name of it may well
  // be there. Each such name is a line in `warnings`, `file:line:col: message`.
  bool rules_alone = false;
  std::vector<std::string> warnings;
};

// Limits against configuration that would exhaust the parser.
inline constexpr std::size_t kConfigBytesMax = 1u << 20;
inline constexpr std::size_t kConfigLineMax = 64u << 10;
inline constexpr std::size_t kConfigKeyDepthMax = 32;

// Reads a configuration file with everything it names (rule_files, *_file secrets) and checks all
// of it: unknown keys, types, durations, regexes, PromQL, references between sections. kInvalid:
// every problem on a line of its own, `file:line:col: message`, with the nearest known name where a
// name is unknown. kNotFound, kIo: the file itself.
Result<Config> load_file(Fs& fs, const std::string& path);

// The same for text already read; `fs` resolves rule_files relative to the folder of `name`.
// `of_rules`: whether its rule files may hold keys that are not known.
Result<Config> load_text(Fs& fs, const std::string& name, std::string_view text,
                         alerts::UnknownKeys of_rules = alerts::UnknownKeys::kRefuse);

// A rule file alone, without the configuration that names it: names of maintenance, receivers and
// SLOs of other files that it uses are warnings.
Result<Config> load_rules_alone(Fs& fs, const std::string& rule_file,
                                alerts::UnknownKeys unknown = alerts::UnknownKeys::kRefuse);

// A configuration file, and `rule_file` as if it were among its rule_files.
Result<Config> load_file_with_rules(Fs& fs, const std::string& path, const std::string& rule_file);

// A target file of file_sd_configs in TOML: [[static_configs]] as a job has them. kInvalid: the
// first mistake, with its place.
Result<collector::TargetGroups> load_targets_toml(const std::string& name, std::string_view text);

// What `nines` does without a file: loads default_toml(), `file` left empty.
Result<Config> load_defaults(Fs& fs);

// The built-in configuration, as `nines init` writes it.
std::string_view default_toml();

// The built-in alerting rules and the SLO about nines itself.
std::string_view builtin_rules_toml();

}  // namespace nines::config
