#pragma once
// One function per part of the configuration file. Each reads its keys, reports what is wrong with
// its place, and fills its part of Config.

#include <functional>
#include <optional>
#include <string>

#include "app/config/config.h"
#include "app/config/internal/toml_reader.h"

namespace nines::config {

// Text of a file named in the configuration (a secret), relative to the configuration's folder.
using ReadSecret = std::function<std::optional<std::string>(const std::string&)>;

struct Context {
  const ReadSecret& read_secret;
  std::string file;  // as messages and rule groups name it
  const ReadSecret* read_text = nullptr;  // the same for longer files; null in rule files
};

void read_global(TableReader& root, Config& config);
void read_storage(TableReader& root, Config& config);
void read_web(TableReader& root, Config& config);
void read_query(TableReader& root, Config& config);
void read_builtin(TableReader& root, Config& config);

void read_host(TableReader& root, Config& config);
void read_scrapes(TableReader& root, Config& config, const Context& context);
void read_probes(TableReader& root, Config& config, const Context& context);
void read_logs(TableReader& root, Config& config);
void read_receive(TableReader& root, Config& config);
void read_remote_writes(TableReader& root, Config& config, const Context& context);

// [[groups]] and [[slos]] also stand in TOML rule files.
void read_groups(TableReader& root, Config& config, const Context& context);
void read_slos(TableReader& root, Config& config);
// Parts of one SLO: sections_slo_rest.cc.
void read_alert_naming(TableReader& alerting, slo::AlertNaming& out);
void read_slo_rest(TableReader& t, slo::SloConfig& s, const Config& config);
// Before the SLOs, which name them.
void read_maintenance(TableReader& root, Config& config);
void read_alerting(TableReader& root, Config& config, const Context& context);

void read_notify(TableReader& root, Config& config, const Context& context);
void read_remediations(TableReader& root, Config& config, const Context& context);

// Reports what is wrong with a PromQL expression, at its place inside the file.
void check_promql(TableReader& reader, std::string_view key, const std::string& expr,
                  const Config& config);
// An absolute http(s) URL with a host; reports otherwise.
void check_url(TableReader& reader, std::string_view key, const std::string& url);

}  // namespace nines::config
