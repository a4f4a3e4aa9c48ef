#include "collector/probe/prober.h"

#include <optional>
#include <set>
#include <utility>

#include "base/core/mutex.h"
#include "base/text/text.h"
#include "collector/probe/internal/probe_work.h"
#include "collector/probe/module_config.h"
#include "collector/probe/run_probe.h"
#include "collector/scrape/target_pool.h"

namespace nines::collector {
namespace {

std::string url_of(const ProbeModule& module, const std::string& target) {
  const bool plain = module.kind != ProberKind::kHttp || target.find("://") != std::string::npos;
  return plain ? target : "http://" + target;
}

std::uint64_t fingerprint_of(const ProbeConfig& c) {
  const std::string times =
      std::to_string(c.scrape_interval.count()) + " " + std::to_string(c.scrape_timeout.count());
  return hash64(times, c.definition->fingerprint);
}

}  // namespace

struct Prober::Impl {
  explicit Impl(ProberParts p)
      : parts(p), pool({p.http, p.scheduler, p.executor, p.log, "probe"}) {}

  // Nothing when relabelling drops it.
  std::optional<TargetPlan> plan_of(const std::shared_ptr<const ProbeConfig>& probe,
                                    const std::string& target, const StaticConfig& group)
      NINES_REQUIRES(mutex) {
    const ProbeConfig& config = *probe;
    LabelBuilder found;
    found.set("job", config.job_name).set("__address__", target);
    found.set("__param_module", config.module);
    for (const auto& [name, value] : group.labels) found.set(name, value);
    TargetPlan plan;
    plan.status.discovered = found.build();
    const std::optional<LabelSet> kept =
        relabel(plan.status.discovered, config.relabel_configs);
    if (!kept || kept->get("__address__").empty()) return std::nullopt;
    LabelBuilder labels;
    for (const Label& label : *kept) {
      if (!label.name.starts_with("__")) labels.set(label.name, label.value);
    }
    if (labels.get("instance").empty()) labels.set("instance", kept->get("__address__"));
    plan.status.pool = config.job_name;
    plan.status.url = url_of(*config.definition, std::string(kept->get("__address__")));
    plan.status.kind = "probe";
    plan.status.labels = labels.build();
    plan.status.interval = config.scrape_interval;
    plan.status.timeout = config.scrape_timeout;
    plan.key =
        "probe/" + config.job_name + "/" + plan.status.url + " " + hex(plan.status.labels.hash());
    plan.fingerprint = fingerprint_of(config);
    plan.phase_hash = hash64(plan.key, external_labels.hash());
    plan.make = [this, probe, url = plan.status.url, own = plan.status.labels, name = plan.key] {
      return std::make_unique<ProbeWork>(probe, url, own, name, parts.appender, tools(), stop,
                                         parts.log);
    };
    return plan;
  }

  void reload() NINES_REQUIRES(mutex) {
    std::vector<TargetPlan> plans;
    for (const auto& probe : probes) {
      const auto found = discovered.find(probe->job_name);
      const TargetGroups none;
      for (const TargetGroups* groups :
           {&probe->static_configs, found == discovered.end() ? &none : &found->second}) {
        for (const StaticConfig& group : *groups) {
          for (const std::string& target : group.targets) {
            if (auto plan = plan_of(probe, target, group)) plans.push_back(*std::move(plan));
          }
        }
      }
    }
    pool.load(std::move(plans));
  }

  ProbeTools tools() const { return {parts.http, parts.resolver, parts.scheduler.clock()}; }

  const ProberParts parts;
  StopSignal stop;  // raised by stop()
  Mutex mutex;
  std::vector<std::shared_ptr<const ProbeConfig>> probes NINES_GUARDED_BY(mutex);
  std::map<std::string, TargetGroups> discovered NINES_GUARDED_BY(mutex);  // by job
  LabelSet external_labels NINES_GUARDED_BY(mutex);
  ProbeModules modules NINES_GUARDED_BY(mutex);
  ProbeOptions options NINES_GUARDED_BY(mutex);
  std::set<std::shared_ptr<StopSignal>> on_demand NINES_GUARDED_BY(mutex);  // one a running probe
  bool stopped NINES_GUARDED_BY(mutex) = false;
  TargetPool pool;
};

Prober::Prober(ProberParts parts) : impl_(std::make_unique<Impl>(parts)) {}
Prober::~Prober() {
  stop();
}

void Prober::load(std::vector<ProbeConfig> configs, LabelSet external_labels) {
  const MutexLock lock(impl_->mutex);
  std::map<std::string, TargetGroups> discovered;
  impl_->probes.clear();
  for (ProbeConfig& config : configs) {
    if (!config.definition) config.definition = builtin_probe_modules().at("http_2xx");
    impl_->probes.push_back(std::make_shared<const ProbeConfig>(std::move(config)));
    const ProbeConfig& kept = *impl_->probes.back();
    // Of a job that still looks for targets, those found so far stay until it has looked again.
    if (kept.discovery.empty()) continue;
    discovered[kept.job_name] = std::move(impl_->discovered[kept.job_name]);
  }
  impl_->discovered = std::move(discovered);
  impl_->external_labels = std::move(external_labels);
  impl_->reload();
}

void Prober::set_discovered(const std::string& job, TargetGroups groups) {
  const MutexLock lock(impl_->mutex);
  impl_->discovered[job] = std::move(groups);
  impl_->reload();
}

void Prober::start() {
  impl_->pool.start();
}
void Prober::stop() {
  impl_->stop.raise();
  {
    const MutexLock lock(impl_->mutex);
    impl_->stopped = true;
    for (const auto& signal : impl_->on_demand) signal->raise();
  }
  impl_->pool.stop();
}
Result<TargetStatus> Prober::turn_now(const std::string& job, const std::string& target) {
  return impl_->pool.turn_now(job, target);
}

std::vector<TargetStatus> Prober::targets() const {
  return impl_->pool.targets();
}

void Prober::set_modules(ProbeModules modules, ProbeOptions options) {
  const MutexLock lock(impl_->mutex);
  impl_->modules = std::move(modules);
  impl_->options = options;
}

std::shared_ptr<const ProbeModule> Prober::module(const std::string& name) const {
  const MutexLock lock(impl_->mutex);
  if (const auto found = impl_->modules.find(name); found != impl_->modules.end()) {
    return found->second;
  }
  const ProbeModules& builtin = builtin_probe_modules();
  const auto found = builtin.find(name);
  return found == builtin.end() ? nullptr : found->second;
}

ProbeOptions Prober::options() const {
  const MutexLock lock(impl_->mutex);
  return impl_->options;
}

Result<ProbeResult> Prober::probe_now(const ProbeModule& module, const std::string& target,
                                      const std::string& hostname, Duration timeout,
                                      const Watch& watch) const {
  const auto signal = std::make_shared<StopSignal>();
  {
    const MutexLock lock(impl_->mutex);
    if (impl_->stopped) return Error(ErrorCode::kUnavailable, "nines is stopping");
    if (impl_->on_demand.size() >= static_cast<std::size_t>(impl_->options.max_concurrent)) {
      return Error(ErrorCode::kLimit,
                   "more than " + std::to_string(impl_->options.max_concurrent) +
                       " probes at a time; the limit is `max_concurrent` in [probes]");
    }
    impl_->on_demand.insert(signal);
  }
  if (watch) watch([signal] { signal->raise(); });
  ProbeResult result =
      run_probe(module, target, hostname, timeout, impl_->tools(), signal.get());
  const MutexLock lock(impl_->mutex);
  impl_->on_demand.erase(signal);
  return result;
}

}  // namespace nines::collector
