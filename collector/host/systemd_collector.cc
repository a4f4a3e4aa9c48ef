// States of systemd's units, as systemctl tells them.
// Source: systemctl(1), "show"; org.freedesktop.systemd1(5).
#include <array>
#include <map>

#include "base/text/regex.h"
#include "collector/host/internal/collectors.h"
#include "collector/host/internal/run_command.h"

namespace nines::collector {
namespace {

constexpr MetricType kG = MetricType::kGauge;
constexpr HostFamily kState{"node_systemd_unit_state", kG, "1 for the state the unit is in."};
constexpr HostFamily kUnits{"node_systemd_units", kG, "Units in each state."};
constexpr HostFamily kRunning{"node_systemd_system_running", kG,
                              "1 when the system is up and no unit failed."};
constexpr HostFamily kVersion{"node_systemd_version", kG, "Version of systemd."};
constexpr std::array<std::string_view, 5> kStates = {"activating", "active", "deactivating",
                                                     "failed", "inactive"};
constexpr std::size_t kAnswerBytesMax = 16u << 20;

using Properties = std::map<std::string_view, std::string_view>;

std::string_view of(const Properties& properties, std::string_view key) {
  const auto found = properties.find(key);
  return found == properties.end() ? std::string_view() : found->second;
}

// Lines of key=value; a blank line stands between two units.
Result<std::vector<Properties>> parse(std::string_view text) {
  std::vector<Properties> all(1);
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) {
      if (!all.back().empty()) all.emplace_back();
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == line.npos) return bad_line("systemctl", line.substr(0, 80));
    all.back()[line.substr(0, equals)] = line.substr(equals + 1);
  }
  if (all.back().empty()) all.pop_back();
  return all;
}

Result<std::string> ask(const HostContext& context, std::vector<std::string> words) {
  std::vector<std::string> argv = {context.config.systemctl, "show", "--no-pager"};
  argv.insert(argv.end(), words.begin(), words.end());
  Result<std::string> text = run_command(argv, context.config.systemctl_timeout, kAnswerBytesMax);
  // Where systemd runs, a missing systemctl is a fault to speak of.
  if (!text && text.error().code() == ErrorCode::kNotFound)
    return Error(ErrorCode::kUnavailable, text.error().what() + " ([host] systemctl names it)");
  return text;
}

Result<void> add_manager(const HostContext& context, HostSamples& out) {
  NINES_TRY(const std::string text, ask(context, {"--property=Version,SystemState"}));
  NINES_TRY(const std::vector<Properties> all, parse(text));
  if (all.empty()) return Error(ErrorCode::kInvalid, "systemctl: an empty answer");
  const std::string_view state = of(all[0], "SystemState");
  if (!state.empty()) out.add(kRunning, state == "running" ? 1 : 0);
  const std::string_view version = of(all[0], "Version");
  const std::size_t digits = std::min(version.find_first_not_of("0123456789."), version.size());
  if (const auto number = number_of(version.substr(0, digits))) {
    out.add(kVersion, {{"version", version}}, *number);
  }
  return {};
}

Result<void> add_units(const HostContext& context, const Regex& excluded, HostSamples& out) {
  NINES_TRY(const std::string text,
            // Without --all a pattern finds no unit that is inactive.
            ask(context, {"--all", "--property=Id,LoadState,ActiveState,Type", "*"}));
  NINES_TRY(const std::vector<Properties> units, parse(text));
  std::map<std::string_view, double> counts;
  for (const std::string_view state : kStates) counts[state] = 0;
  for (const Properties& unit : units) {
    const std::string_view name = of(unit, "Id");
    const std::string_view active = of(unit, "ActiveState");
    if (name.empty() || active.empty()) {
      return Error(ErrorCode::kInvalid, "systemctl: a unit without Id or ActiveState");
    }
    ++counts[active];
    if (of(unit, "LoadState") != "loaded" || excluded.matches(name)) continue;
    const std::string_view type = name.ends_with(".service") ? of(unit, "Type") : "";
    for (const std::string_view state : kStates) {
      out.add(kState, {{"name", name}, {"state", state}, {"type", type}}, active == state ? 1 : 0);
    }
  }
  for (const auto& [state, n] : counts) out.add(kUnits, {{"state", state}}, n);
  return {};
}

}  // namespace

HostCollector systemd_collector(HostContext context) {
  return {
      "systemd",
      [context, excluded = Regex::compile(context.config.systemd_unit_exclude, RegexAnchor::kBoth)](
          HostSamples& out) -> Result<void> {
        if (!excluded) return Error(excluded.error());
        // This folder is how systemd says that it runs the host: sd_booted(3).
        std::string root = context.config.root_path;
        while (root.ends_with('/')) root.pop_back();
        const Result<FileInfo> booted = context.fs.info(root + "/run/systemd/system");
        if (!booted) return Error(booted.error());
        if (Result<void> done = add_manager(context, out); !done) return done;
        return add_units(context, **excluded, out);
      }};
}

}  // namespace nines::collector
