#include "collector/scrape/scraper.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "base/core/mutex.h"
#include "base/text/text.h"
#include "collector/scrape/internal/scrape_target.h"
#include "collector/scrape/internal/scrape_work.h"
#include "collector/scrape/target_pool.h"

namespace nines::collector {

const char* to_string(TargetHealth health) noexcept {
  switch (health) {
    case TargetHealth::kUnknown:
      return "unknown";
    case TargetHealth::kUp:
      return "up";
    case TargetHealth::kDown:
      return "down";
  }
  return "unknown";
}

struct Scraper::Impl {
  explicit Impl(ScraperParts p)
      : counters(p.telemetry),
        work_parts{p.appender, p.scheduler.clock(), p.log, counters, lines, descriptions},
        pool({p.http, p.scheduler, p.executor, p.log, "scrape"}) {}

  struct Self {
    ScrapeTarget target;
    SelfScrape scrape;
  };

  TargetPlan plan_of(const ScrapeTarget& target, std::uint64_t fingerprint, const SelfScrape& self)
      NINES_REQUIRES(mutex) {
    TargetPlan plan;
    plan.status = target.status();
    if (self) {
      plan.status.kind = "self";
      plan.status.url = "self";
    }
    plan.key = target.group_name();
    plan.fingerprint = hash64(target.refused + "/" + std::to_string(target.interval.count()) + "/" +
                                  std::to_string(target.timeout.count()),
                              fingerprint);
    // With the external labels in it, two replicas do not ask the same target at the same moment.
    plan.phase_hash = hash64(plan.key, external_labels.hash());
    plan.make = [this, target, self] {
      return std::make_unique<ScrapeWork>(target, work_parts, self);
    };
    return plan;
  }

  void reload() NINES_REQUIRES(mutex) {
    std::vector<TargetPlan> plans;
    dropped = {};
    for (const auto& config : configs) {
      const std::uint64_t fingerprint = fingerprint_of(*config);
      const auto discovered_here = discovered.find(config->job_name);
      JobTargets found = targets_of(
          config, discovered_here == discovered.end() ? TargetGroups() : discovered_here->second);
      for (const ScrapeTarget& target : found.targets) {
        plans.push_back(plan_of(target, fingerprint, nullptr));
      }
      dropped.counts[config->job_name] = found.dropped.size();
      const std::uint64_t shown = config->keep_dropped_targets;
      for (std::size_t i = 0; i < found.dropped.size() && (shown == 0 || i < shown); ++i) {
        dropped.shown.push_back({config->job_name, std::move(found.dropped[i])});
      }
    }
    for (const Self& self : selves) plans.push_back(plan_of(self.target, 0, self.scrape));
    pool.load(std::move(plans));
  }

  ScrapeCounters counters;
  LineBlocks lines;
  DescriptionTable descriptions;
  const ScrapeWorkParts work_parts;
  mutable Mutex mutex;
  std::vector<std::shared_ptr<const ScrapeConfig>> configs NINES_GUARDED_BY(mutex);
  std::map<std::string, TargetGroups> discovered NINES_GUARDED_BY(mutex);  // by job
  std::vector<Self> selves NINES_GUARDED_BY(mutex);
  LabelSet external_labels NINES_GUARDED_BY(mutex);
  DroppedTargets dropped NINES_GUARDED_BY(mutex);
  TargetPool pool;  // last: its work uses the counters
};

Scraper::Scraper(ScraperParts parts) : impl_(std::make_unique<Impl>(parts)) {}
Scraper::~Scraper() {
  stop();
}

void Scraper::load(std::vector<ScrapeConfig> configs, LabelSet external_labels) {
  const MutexLock lock(impl_->mutex);
  impl_->configs.clear();
  for (ScrapeConfig& config : configs) {
    impl_->configs.push_back(std::make_shared<const ScrapeConfig>(std::move(config)));
  }
  impl_->external_labels = std::move(external_labels);
  // Of a job that still looks for targets, those found so far stay until it has looked again.
  std::set<std::string, std::less<>> looking;
  for (const auto& config : impl_->configs) {
    if (!config->discovery.empty()) looking.insert(config->job_name);
  }
  std::erase_if(impl_->discovered, [&](const auto& one) { return !looking.contains(one.first); });
  impl_->reload();
}

void Scraper::set_discovered(const std::string& job, TargetGroups groups) {
  const MutexLock lock(impl_->mutex);
  impl_->discovered[job] = std::move(groups);
  impl_->reload();
}

void Scraper::add_self(std::string job, std::string instance, Duration interval,
                       SelfScrape scrape) {
  ScrapeConfig config;
  config.job_name = job;
  config.scrape_interval = config.scrape_timeout = interval;
  ScrapeTarget target;
  target.config = std::make_shared<const ScrapeConfig>(std::move(config));
  target.labels = LabelSet{{"instance", instance}, {"job", job}};
  target.discovered = LabelSet{{"__address__", instance}, {"job", job}};
  target.url = "self://" + instance;
  target.interval = target.timeout = interval;
  const MutexLock lock(impl_->mutex);
  impl_->selves.push_back({std::move(target), std::move(scrape)});
  impl_->reload();
}

void Scraper::start() {
  impl_->pool.start();
}
void Scraper::stop() {
  impl_->pool.stop();
}
std::vector<TargetStatus> Scraper::targets() const {
  return impl_->pool.targets();
}
Result<TargetStatus> Scraper::scrape_now(const std::string& job, const std::string& target) {
  return impl_->pool.turn_now(job, target);
}
DroppedTargets Scraper::dropped_targets() const {
  const MutexLock lock(impl_->mutex);
  return impl_->dropped;
}
std::vector<std::shared_ptr<const ScrapeConfig>> Scraper::jobs() const {
  const MutexLock lock(impl_->mutex);
  return impl_->configs;
}

}  // namespace nines::collector
