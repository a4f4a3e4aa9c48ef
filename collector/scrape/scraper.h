#pragma once
// Scrapes HTTP targets on their interval into the store.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/core/scheduler.h"
#include "base/log/log.h"
#include "base/model/labels.h"
#include "base/net/http_client.h"
#include "base/telemetry/telemetry.h"
#include "collector/discovery/discovery.h"
#include "collector/discovery/http_access.h"
#include "collector/discovery/relabel.h"
#include "collector/discovery/target.h"
#include "collector/exposition/parser.h"
#include "collector/scrape/descriptions.h"
#include "storage/api/appender.h"

namespace nines::collector {

struct ScrapeConfig : HttpAccess {
  std::string job_name;  // unique
  Duration scrape_interval{15'000};
  Duration scrape_timeout{10'000};  // at most the interval
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::map<std::string, std::vector<std::string>> params;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;  // series with own timestamps get markers too
  std::vector<ScrapeProtocol> scrape_protocols = default_scrape_protocols();  // not empty
  NameEscaping metric_name_escaping_scheme = NameEscaping::kAllowUtf8;
  bool legacy_names_only = false;  // metric_name_validation_scheme = "legacy": others fail a scrape
  // Native histograms are stored as such; otherwise their classic buckets are, where there are any.
  bool scrape_native_histograms = false;
  bool always_scrape_classic_histograms = false;  // beside the native form
  bool convert_classic_histograms_to_nhcb = false;
  std::uint64_t native_histogram_bucket_limit = 0;  // 0: none; reduced to it, else the scrape fails
  double native_histogram_min_bucket_factor = 0;    // 0: none; finer ones are reduced to it
  // How to read an answer whose Content-Type is missing or unknown; without it such a scrape fails.
  std::optional<ScrapeProtocol> fallback_scrape_protocol;
  std::uint64_t body_size_limit = 16u << 20;  // bytes, after decompression
  std::uint64_t sample_limit = 0;  // 0: none; of those kept; past it the whole scrape fails
  std::uint64_t target_limit = 0;  // 0: none; past it every target of the job fails
  std::uint64_t label_limit = 64;
  std::uint64_t label_name_length_limit = 1024;
  std::uint64_t label_value_length_limit = 4096;
  // Unset: asked for, but not of loopback and private addresses, where unpacking costs more time
  // than it saves.
  std::optional<bool> enable_compression;
  std::vector<StaticConfig> static_configs;
  JobDiscovery discovery;
  std::vector<RelabelRule> relabel_configs;  // on discovered labels: which targets, and how
  std::vector<RelabelRule>
      metric_relabel_configs;              // on each series, after the target's labels joined
  std::uint64_t keep_dropped_targets = 0;  // how many of them to show; 0: all
  int line = 0;
};

enum class TargetHealth : std::uint8_t { kUnknown, kUp, kDown };
const char* to_string(TargetHealth health) noexcept;  // "unknown", "up", "down"

struct TargetStatus {
  std::string pool;  // the job
  std::string url;
  std::string kind;     // scrape | probe | host | self
  LabelSet discovered;  // __address__, __scheme__, ... before relabelling
  LabelSet labels;      // job, instance, ...
  TargetHealth health = TargetHealth::kUnknown;
  std::string last_error;  // why it is down, or what the store refused of it; one line
  std::string body_start;  // the beginning of a body that failed to parse, at most 1 KiB
  Timestamp last_scrape{};
  Duration last_duration{};
  std::uint64_t last_samples = 0;
  Duration interval{}, timeout{};
  // Of its last scrape that came off; null: none yet, or no scrape. Shared by targets that say the
  // same; immutable. A change of comments alone shows one scrape later.
  std::shared_ptr<const FamilyDescriptions> described;
};

// A target that relabelling dropped.
struct DroppedTarget {
  std::string pool;
  LabelSet discovered;
};
struct DroppedTargets {
  std::vector<DroppedTarget> shown;
  std::map<std::string, std::uint64_t> counts;  // by pool; every pool has its line
};

struct ScraperParts {
  storage::Appender& appender;
  HttpClient& http;
  Scheduler& scheduler;
  Executor& executor;  // bodies are parsed and appended here
  Log& log;
  Telemetry& telemetry;
};

// Something that gives the exposition text of this process: scraping oneself without a socket.
using SelfScrape = std::function<std::string()>;

// Thread-safe. Each target is scraped at a phase of its interval that hashes from its labels; never
// twice at once. Writes up, scrape_duration_seconds, scrape_samples_scraped,
// scrape_samples_post_metric_relabeling, scrape_series_added; staleness markers for series that
// vanish, for all of them when a scrape fails or a target goes away.
class Scraper {
 public:
  explicit Scraper(ScraperParts parts);
  ~Scraper();
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  // Adds and removes targets so that they match; those that stay keep their schedule and their
  // state.
  void load(std::vector<ScrapeConfig> configs, LabelSet external_labels);
  // What discovery found for a job: its targets besides the static ones, until the next call.
  void set_discovered(const std::string& job, TargetGroups groups);
  // A target of this very process: job, instance and interval as given.
  void add_self(std::string job, std::string instance, Duration interval, SelfScrape scrape);
  void start();
  void stop();  // waits for appends under way; pending HTTP calls are cancelled
  std::vector<TargetStatus> targets() const;
  // Scrapes a target of a job out of turn, or waits for the scrape under way, and says how it went.
  // Blocks for the target's timeout and a little more at most. See TargetPool::turn_now().
  Result<TargetStatus> scrape_now(const std::string& job, const std::string& target);
  DroppedTargets dropped_targets() const;
  // The jobs as loaded, targets or none. Shared with the loops that scrape them; immutable.
  std::vector<std::shared_ptr<const ScrapeConfig>> jobs() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nines::collector
