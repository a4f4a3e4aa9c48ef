// [probes] and [[probe_configs]]: what is asked from outside, and what a good answer is.
#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/config/internal/collector_keys.h"
#include "app/config/internal/sections.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/probe/module_config.h"

namespace nines::config {
namespace {

using collector::ConfigNode;
using collector::ConfigProblem;

constexpr std::array<std::string_view, 6> kProbers = {"http", "tcp",  "dns",
                                                      "icmp", "grpc", "scenario"};

ConfigNode to_node(const toml::node& from) {
  ConfigNode to;
  to.line = static_cast<int>(from.source().begin.line);
  to.column = static_cast<int>(from.source().begin.column);
  if (const toml::table* table = from.as_table()) {
    to.kind = ConfigNode::Kind::kMap;
    for (auto&& [key, value] : *table)
      to.members.push_back({std::string(key.str()), to_node(value)});
    return to;
  }
  if (const toml::array* array = from.as_array()) {
    to.kind = ConfigNode::Kind::kList;
    for (const toml::node& item : *array) to.items.push_back(to_node(item));
    return to;
  }
  to.kind = ConfigNode::Kind::kScalar;
  if (const auto text = from.value_exact<std::string>()) {
    to.text = *text;
  } else if (const auto flag = from.value_exact<bool>()) {
    to.text = *flag ? "true" : "false";
  } else if (const auto number = from.value_exact<std::int64_t>()) {
    to.text = std::to_string(*number);
  } else if (const auto real = from.value_exact<double>()) {
    to.text = format_double(*real);
  }
  return to;
}

void report(Problems& problems, const std::vector<ConfigProblem>& found) {
  for (const ConfigProblem& one : found) {
    problems.add(static_cast<std::uint32_t>(one.line), static_cast<std::uint32_t>(one.column),
                 one.what);
  }
}

collector::ModuleContext module_context(const Context& context) {
  const std::string here = beside(context, "x");
  return {here.substr(0, here.size() - 2), context.read_secret};
}

void read_module_files(TableReader& t, Config& config, const Context& context) {
  std::vector<std::string> files;
  t.read("module_files", files);
  for (const std::string& file : files) {
    const auto text = context.read_text != nullptr ? (*context.read_text)(file) : std::nullopt;
    if (!text) {
      t.fail("module_files", "`module_files`: cannot read " + quote_go(file));
      continue;
    }
    std::vector<ConfigProblem> found;
    collector::ProbeModules modules =
        collector::parse_modules_yaml(*text, module_context(context), found);
    for (const ConfigProblem& one : found) {
      t.problems().add_line(beside(context, file) + ":" + std::to_string(one.line) + ":" +
                            std::to_string(one.column) + ": " + one.what);
    }
    for (auto& [name, module] : modules) config.probe_modules[name] = std::move(module);
  }
}

void read_modules(TableReader& root, Config& config, const Context& context) {
  root.table("probes", [&](TableReader& t) {
    for (const auto& [key, most] :
         {std::pair<std::string, int*>{"max_concurrent", &config.probe_options.max_concurrent},
          {"max_scheduled", &config.probe_options.max_scheduled}}) {
      t.read_count(key, *most);
      if (*most >= 1 && *most <= 10'000) continue;
      t.fail(key, "`" + key + "` in [probes] must be 1 to 10000");
      *most = 1;
    }
    t.read("timeout_offset", config.probe_options.timeout_offset);
    read_module_files(t, config, context);
    t.table("modules", [&](TableReader& all) {
      for (auto&& [key, value] : all.raw()) {
        all.accept(key.str());
        std::vector<ConfigProblem> found;
        config.probe_modules[std::string(key.str())] =
            std::make_shared<const collector::ProbeModule>(
                collector::read_probe_module(to_node(value), {}, module_context(context), found));
        report(all.problems(), found);
      }
    });
  });
}

std::shared_ptr<const collector::ProbeModule> find_module(TableReader& t, const Config& config,
                                                          const std::string& name) {
  const collector::ProbeModules& builtin = collector::builtin_probe_modules();
  if (const auto own = config.probe_modules.find(name); own != config.probe_modules.end()) {
    return own->second;
  }
  if (const auto known = builtin.find(name); known != builtin.end()) return known->second;
  std::vector<std::string_view> names;
  for (const auto* modules : {&config.probe_modules, &builtin}) {
    for (const auto& [known, module] : *modules) names.push_back(known);
  }
  const std::string_view near = nearest_word(name, names);
  t.fail("module", "unknown module " + quote_go(name) +
                       (near.empty() ? ": write it under [probes.modules." + name + "]"
                                     : "; did you mean " + quote_go(near) + "?"));
  return builtin.at("http_2xx");
}

// The job's own tables (`http`, `tcp`, ...) stand on top of its module.
std::shared_ptr<const collector::ProbeModule> own_module(
    TableReader& t, std::shared_ptr<const collector::ProbeModule> base, const Context& context) {
  ConfigNode own;
  own.kind = ConfigNode::Kind::kMap;
  own.line = t.line();
  for (const std::string_view prober : kProbers) {
    t.accept(prober);
    if (const toml::node* node = t.raw().get(prober)) {
      own.members.push_back({std::string(prober), to_node(*node)});
    }
  }
  if (own.members.empty()) return base;
  std::vector<ConfigProblem> found;
  auto module = std::make_shared<const collector::ProbeModule>(
      collector::read_probe_module(own, *base, module_context(context), found));
  report(t.problems(), found);
  return module;
}

}  // namespace

void read_probes(TableReader& root, Config& config, const Context& context) {
  read_modules(root, config, context);
  std::set<std::string> jobs;
  root.tables("probe_configs", [&](TableReader& t) {
    collector::ProbeConfig p;
    p.line = t.line();
    read_job_name(t, p.job_name, jobs);
    read_times(t, config.global, p.scrape_interval, p.scrape_timeout);
    t.read("module", p.module);
    p.definition = own_module(t, find_module(t, config, p.module), context);
    read_static_configs(t, p.static_configs);
    read_discovery(t, p.discovery, context);
    read_relabelling(t, "relabel_configs", p.relabel_configs);
    check_has_targets(t, p.job_name, p.static_configs, p.discovery);
    const bool urls = p.definition->kind == collector::ProberKind::kHttp;
    for (const auto& group : p.static_configs) {
      for (const std::string& target : group.targets) {
        if (urls && !target.starts_with("http://") && !target.starts_with("https://")) {
          t.fail("static_configs",
                 "probe target " + quote_go(target) + " must be a URL: write http://" + target);
        }
      }
    }
    config.probes.push_back(std::move(p));
  });
}

}  // namespace nines::config
