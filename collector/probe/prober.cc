#include "collector/probe/prober.h"

#include <optional>
#include <utility>

#include "base/core/mutex.h"
#include "base/text/text.h"
#include "collector/probe/internal/probe_work.h"
#include "collector/scrape/target_pool.h"

namespace nines::collector {
namespace {

std::string url_of(const std::string& target) {
  return target.find("://") == std::string::npos ? "http://" + target : target;
}

std::uint64_t fingerprint_of(const ProbeConfig& c) {
  std::string all;
  const auto add = [&all](const auto& part) {
    all += part;
    all += '\0';
  };
  add(std::to_string(c.scrape_interval.count()));
  add(std::to_string(c.scrape_timeout.count()));
  add(c.http.method);
  add(c.http.body);
  add(std::to_string(c.http.follow_redirects) + std::to_string(c.http.insecure_skip_verify));
  for (const int code : c.http.valid_status_codes) add(std::to_string(code));
  for (const auto& [name, value] : c.http.headers) {
    add(name);
    add(value);
  }
  add("-");
  for (const std::string& regex : c.http.fail_if_body_matches_regexp) add(regex);
  add("+");
  for (const std::string& regex : c.http.fail_if_body_not_matches_regexp) add(regex);
  return hash64(all);
}

}  // namespace

struct Prober::Impl {
  explicit Impl(ProberParts p)
      : parts(p), pool({p.http, p.scheduler, p.executor, p.log, "probe"}) {}

  // Nothing when relabelling drops it.
  std::optional<TargetPlan> plan_of(const std::shared_ptr<const ProbePlan>& probe,
                                    const std::string& target, const StaticConfig& group)
      NINES_REQUIRES(mutex) {
    const ProbeConfig& config = probe->config;
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
    plan.status.url = url_of(std::string(kept->get("__address__")));
    plan.status.kind = "probe";
    plan.status.labels = labels.build();
    plan.status.interval = config.scrape_interval;
    plan.status.timeout = config.scrape_timeout;
    plan.key =
        "probe/" + config.job_name + "/" + plan.status.url + " " + hex(plan.status.labels.hash());
    plan.fingerprint = fingerprint_of(config);
    plan.phase_hash = hash64(plan.key, external_labels.hash());
    plan.make = [this, probe, url = plan.status.url, own = plan.status.labels, name = plan.key] {
      return std::make_unique<ProbeWork>(probe, url, own, name, parts.appender,
                                         parts.scheduler.clock(), parts.log);
    };
    return plan;
  }

  void reload() NINES_REQUIRES(mutex) {
    std::vector<TargetPlan> plans;
    for (const auto& probe : probes) {
      const auto found = discovered.find(probe->config.job_name);
      const TargetGroups none;
      for (const TargetGroups* groups :
           {&probe->config.static_configs, found == discovered.end() ? &none : &found->second}) {
        for (const StaticConfig& group : *groups) {
          for (const std::string& target : group.targets) {
            if (auto plan = plan_of(probe, target, group)) plans.push_back(*std::move(plan));
          }
        }
      }
    }
    pool.load(std::move(plans));
  }

  const ProberParts parts;
  Mutex mutex;
  std::vector<std::shared_ptr<const ProbePlan>> probes NINES_GUARDED_BY(mutex);
  std::map<std::string, TargetGroups> discovered NINES_GUARDED_BY(mutex);  // by job
  LabelSet external_labels NINES_GUARDED_BY(mutex);
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
    impl_->probes.push_back(std::make_shared<const ProbePlan>(std::move(config)));
    const ProbeConfig& kept = impl_->probes.back()->config;
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
  impl_->pool.stop();
}
std::vector<TargetStatus> Prober::targets() const {
  return impl_->pool.targets();
}

}  // namespace nines::collector
