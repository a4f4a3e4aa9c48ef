#include "collector/probe/prober.h"

#include <utility>

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

  TargetPlan plan_of(const std::shared_ptr<const ProbePlan>& probe, const std::string& target,
                     const std::map<std::string, std::string>& extra, std::uint64_t seed) {
    const ProbeConfig& config = probe->config;
    LabelBuilder discovered;
    discovered.set("job", config.job_name).set("__address__", target);
    discovered.set("__param_module", config.module).set("instance", target);
    LabelBuilder labels;
    labels.set("job", config.job_name).set("instance", target);
    for (const auto& [name, value] : extra) {
      discovered.set(name, value);
      if (!name.starts_with("__")) labels.set(name, value);
    }
    TargetPlan plan;
    plan.status.pool = config.job_name;
    plan.status.url = url_of(target);
    plan.status.kind = "probe";
    plan.status.discovered = discovered.build();
    plan.status.labels = labels.build();
    plan.status.interval = config.scrape_interval;
    plan.status.timeout = config.scrape_timeout;
    plan.key =
        "probe/" + config.job_name + "/" + plan.status.url + " " + hex(plan.status.labels.hash());
    plan.fingerprint = fingerprint_of(config);
    plan.phase_hash = hash64(plan.key, seed);
    plan.make = [this, probe, url = plan.status.url, own = plan.status.labels, group = plan.key] {
      return std::make_unique<ProbeWork>(probe, url, own, group, parts.appender,
                                         parts.scheduler.clock(), parts.log);
    };
    return plan;
  }

  const ProberParts parts;
  TargetPool pool;
};

Prober::Prober(ProberParts parts) : impl_(std::make_unique<Impl>(parts)) {}
Prober::~Prober() {
  stop();
}

void Prober::load(std::vector<ProbeConfig> configs, LabelSet external_labels) {
  std::vector<TargetPlan> plans;
  for (ProbeConfig& config : configs) {
    const auto probe = std::make_shared<const ProbePlan>(std::move(config));
    for (const StaticConfig& group : probe->config.static_configs) {
      for (const std::string& target : group.targets) {
        plans.push_back(impl_->plan_of(probe, target, group.labels, external_labels.hash()));
      }
    }
  }
  impl_->pool.load(std::move(plans));
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
