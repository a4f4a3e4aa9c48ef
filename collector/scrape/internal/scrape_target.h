#pragma once
// What a scrape configuration says about each of its targets.

#include <memory>
#include <string>
#include <vector>

#include "base/net/http_client.h"
#include "collector/scrape/scraper.h"

namespace nines::collector {

// One target of a job, its labels worked out as Prometheus does: discovered ones (__address__,
// __scheme__, ...), overridden by the static ones, then relabelled; those with two underscores in
// front say where and when to ask, the others stay; `instance` is the address unless it is set.
struct ScrapeTarget {
  std::shared_ptr<const ScrapeConfig> config;  // shared by the targets of a job
  LabelSet discovered;
  LabelSet labels;
  std::string url;
  Duration interval{}, timeout{};
  std::string refused;  // why it is never asked; its turns fail with this text
  // The request but for its URL, shared by targets that are asked alike; may be null.
  std::shared_ptr<const HttpRequest> asked_so;

  HttpRequest request() const;
  TargetStatus status() const;
  std::string group_name() const;  // of its series in the store
};

struct JobTargets {
  std::vector<ScrapeTarget> targets;
  std::vector<LabelSet> dropped;  // discovered labels
};
// The static ones, then those discovered. A target whose relabelled labels make no sense is there,
// refused, so that somebody sees it.
JobTargets targets_of(std::shared_ptr<const ScrapeConfig> config, const TargetGroups& discovered);

// Changes whenever something of the configuration that concerns a target does.
std::uint64_t fingerprint_of(const ScrapeConfig& config);

}  // namespace nines::collector
