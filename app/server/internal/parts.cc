#include "app/server/internal/parts.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/config/planned.h"
#include "base/net/answer_threads.h"
#include "base/net/fiber_pool.h"
#include "base/net/oauth2.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::app {
namespace {

// A scrape job and a probe job may have the same name.
const std::string kScrapePool = "scrape/";
const std::string kProbePool = "probe/";

constexpr int kWaitersMax = 256;    // threads that do nothing but wait
constexpr int kProbeThreads = 2;    // with a fiber for each probe under way
constexpr int kQueryNiceness = 10;  // as the web front's threads that run queries
constexpr std::size_t kSecretBytesMax = 64u << 10;
constexpr std::size_t kQueueMax = 100'000;  // tasks; a target has at most one at a time

// What a secret's file holds when it is asked.
std::function<Result<std::string>(const std::string&)> read_secret_files(Fs& fs) {
  return [&fs](const std::string& path) { return read_file(fs, path, kSecretBytesMax); };
}

// Rules of SLOs are made from their definitions and evaluated with the others.
std::vector<alerts::GroupConfig> all_groups(const config::Config& config) {
  std::vector<alerts::GroupConfig> groups = config.groups;
  for (alerts::GroupConfig& group : slo::Service::alert_groups(config.slos))
    groups.push_back(std::move(group));
  return groups;
}

// `depends_on` of rules is inhibition: what an alert depends on, while it fires, keeps it quiet.
notify::Config with_dependencies(const config::Config& config) {
  notify::Config out = config.notify;
  out.maintenance = config.maintenance;
  for (const alerts::GroupConfig& group : config.groups) {
    for (const alerts::RuleConfig& rule : group.rules) {
      if (rule.depends_on.empty()) continue;
      notify::InhibitRule inhibit;
      for (const std::string& text : rule.depends_on) {
        if (auto matcher = parse_matcher(text)) inhibit.source_matchers.push_back(*matcher);
      }
      inhibit.target_matchers = {Matcher::equal(std::string(kAlertName), rule.alert)};
      inhibit.equal = rule.equal;
      out.inhibit_rules.push_back(std::move(inhibit));
    }
  }
  return out;
}

alerts::ManagerOptions manager_options(const config::Config& config) {
  alerts::ManagerOptions options;
  options.evaluation_interval = config.global.evaluation_interval;
  options.external_labels = config.global.external_labels;
  options.external_url = config.external_url;
  // After a restart rate() needs two scrapes before an empty result means anything.
  Duration longest = config.global.scrape_interval;
  for (const auto& scrape : config.scrapes) longest = std::max(longest, scrape.scrape_interval);
  for (const auto& probe : config.probes) longest = std::max(longest, probe.scrape_interval);
  options.restore_grace =
      std::max(Duration(10'000), 2 * longest + config.global.evaluation_interval);
  return options;
}

notify::NotifierOptions notifier_options(const config::Config& config) {
  notify::NotifierOptions options;
  options.external_url = config.external_url;
  options.external_labels = config.global.external_labels;
  return options;
}

}  // namespace

Parts::Parts(const config::Config& config, const Surroundings& around,
             std::unique_ptr<storage::Engine> store, std::unique_ptr<Telemetry> telemetry)
    : around_(around),
      telemetry_(std::move(telemetry)),
      store_(std::move(store)),
      http_(make_oauth2_http_client(make_curl_http_client({}), around.scheduler)),
      // Its threads do the work of a scrape, too: nobody else should have to wait for that.
      scrape_http_(make_answer_http_client({.name = "scrape", .with_tokens = http_.get()})),
      collect_pool_(make_thread_pool("collect", 2, kQueueMax)),
      scrape_executor_(make_answer_executor(*collect_pool_)),
      rules_pool_(make_thread_pool("rules", 2, kQueueMax)),
      act_pool_(make_thread_pool("act", 1, kQueueMax)),
      wait_pool_(make_waiting_pool("wait", kWaitersMax, kQueueMax)),
      sender_({store_->appender(), store_->querier(), store_->state(), *http_, around.scheduler,
               *wait_pool_, around.log, *telemetry_},
              config.remote_writes, config.global.external_labels),
      probe_pool_(make_fiber_pool("probe", around.clock,
                                  {.threads = kProbeThreads,
                                   .fibers_max = config.probe_options.max_scheduled,
                                   .queue_max = kQueueMax})),
      query_pool_(config.promql.threads > 1
                      ? make_thread_pool("query", static_cast<int>(config.promql.threads) - 1,
                                         kQueueMax, kQueryNiceness)
                      : nullptr),
      promql_(store_->querier(), around.clock, config.promql, query_pool_.get()),
      logql_(store_->log_querier()),
      resolver_(make_resolver()),
      scraper_({sender_.appender(), *scrape_http_, around.scheduler, *scrape_executor_, around.log,
                *telemetry_}),
      prober_({sender_.appender(), *http_, *resolver_, around.scheduler, *probe_pool_, around.log}),
      host_(
          config.host.enabled
              ? std::make_unique<collector::Host>(
                    config.host, collector::HostParts{around.fs, sender_.appender(),
                                                      around.scheduler, *collect_pool_, around.log})
              : nullptr),
      tailer_({around.fs, store_->log_appender(), sender_.appender(), store_->state(),
               around.scheduler, *collect_pool_, around.log, *telemetry_}),
      receivers_({sender_.appender(), store_->state(), around.scheduler, *collect_pool_, around.log,
                  *telemetry_},
                 config.receive),
      calendar_(store_->state(), around.clock),
      slos_(
          {store_->querier(), sender_.appender(), store_->state(), around.scheduler, *rules_pool_,
           around.log, *telemetry_, &store_->log_querier(), &store_->state(),
           [this](const std::string& receiver, const alerts::Alert& alert, const std::string& key) {
             return notifier_.page_directly(receiver, alert, key);
           },
           &store_->late_samples(), config.storage.out_of_order_window, &store_->late_lines(),
           kVersion}),
      notifier_(notifier_options(config),
                {store_->state(), store_->state(), store_->state(), *http_, around.scheduler,
                 *act_pool_, around.rng, around.log, *telemetry_, read_secret_files(around.fs)}),
      alertmanagers_({config.global.external_labels},
                     {*http_, around.scheduler, around.log, *telemetry_}),
      alertmanager_targets_(alertmanagers_),
      remediator_({promql_, store_->state(), store_->state(), *http_, around.scheduler, *act_pool_,
                   around.log, *telemetry_,
                   [this](const std::string& receiver, const alerts::Alert& alert,
                          const std::string& key, const std::string& why) {
                     if (auto paged = notifier_.page_directly(receiver, alert, key); !paged) {
                       around_.log.error("remediation", "cannot escalate to {}: {} ({})", receiver,
                                         paged.error().what(), why);
                     }
                   },
                   read_secret_files(around.fs)}),
      rules_(manager_options(config), {promql_,
                                       sender_.appender(),
                                       store_->state(),
                                       store_->state(),
                                       around.scheduler,
                                       *rules_pool_,
                                       around.log,
                                       *telemetry_,
                                       {&notifier_, &remediator_, &alertmanagers_},
                                       &logql_,
                                       &slos_.written_at_ms()}),
      discovery_({around.fs, *http_, *resolver_, around.scheduler, *wait_pool_, around.log,
                  *telemetry_, config::load_targets_toml},
                 [this](const std::string& pool, collector::TargetGroups groups) {
                   take_targets(pool, std::move(groups));
                 }) {}

Parts::~Parts() {
  prober_.stop();  // the server waits for its requests, some of which wait for probes
  server_.reset();
  // Sources first, so that nothing new arrives at what is taken down after them.
  rules_.stop();
  slos_.stop();
  discovery_.stop();
  receivers_.stop();
  scraper_.stop();
  if (host_) host_->stop();
  tailer_.stop();
  alertmanagers_.stop();
  remediator_.stop();
  notifier_.stop();
  sender_.stop();
}

namespace {

// Only what is held by somebody else has a remedy on the command line.
Error with_hint(const Error& error, std::string_view hint) {
  if (error.code() != ErrorCode::kUnavailable) return error;
  return {error.code(), error.what() + "; " + std::string(hint)};
}

unsigned next_port(std::string_view listen) {
  const auto port = parse_int(listen.substr(listen.rfind(':') + 1));
  return port && *port < 65'535 ? static_cast<unsigned>(*port) + 1 : 9'998;
}

}  // namespace

Result<std::unique_ptr<Parts>> Parts::open(config::Config config, const Surroundings& around,
                                           Callbacks callbacks) {
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  Result<std::unique_ptr<storage::Engine>> store = storage::Engine::open(
      config.storage, {around.fs, around.clock, around.scheduler, around.log, *telemetry});
  if (!store) {
    return with_hint(store.error(),
                     "stop that one, or give this one a folder of its own: nines serve "
                     "--data FOLDER");
  }
  std::unique_ptr<Parts> parts(new Parts(config, around, *std::move(store), std::move(telemetry)));
  // The port is taken before anything is collected or paged: a second nines must not act. It is
  // answered when rules and alerts are there: nobody is told that nothing fires.
  if (Result<void> bound = parts->bind(config, std::move(callbacks)); !bound) {
    return with_hint(bound.error(), "use another: nines serve --listen 127.0.0.1:" +
                                        std::to_string(next_port(config.web.listen)));
  }
  if (config.builtin.self) {
    parts->scraper_.add_self(
        "nines", config.web.listen, config.global.scrape_interval,
        [telemetry_text = parts->telemetry_.get()] { return telemetry_text->text(); });
  }
  if (Result<void> recalled = parts->calendar_.recall(); !recalled)
    around.log.error("maintenance", "what people have added is not in force: {}",
                     recalled.error().what());
  parts->sender_.start();
  if (Result<void> applied = parts->apply(config); !applied) return std::move(applied).error();
  if (Result<void> started = parts->receivers_.start(); !started) return std::move(started).error();
  parts->note_reload(true, around.clock.now());
  parts->start();
  if (Result<void> serving = parts->server_->serve(); !serving) return std::move(serving).error();
  return parts;
}

Result<void> Parts::bind(const config::Config& config, Callbacks callbacks) {
  web::add_routes(router_, web::ApiParts{around_.clock,
                                         around_.log,
                                         *telemetry_,
                                         store_->appender(),
                                         store_->deleter(),
                                         config.admin_api,
                                         store_->querier(),
                                         store_->log_querier(),
                                         *store_,
                                         store_->state(),
                                         promql_,
                                         logql_,
                                         scraper_,
                                         prober_,
                                         discovery_,
                                         host_.get(),
                                         tailer_,
                                         receivers_,
                                         rules_,
                                         slos_,
                                         notifier_,
                                         alertmanagers_,
                                         remediator_,
                                         calendar_,
                                         std::move(callbacks.maintenance_changed),
                                         std::move(callbacks.runtime),
                                         std::move(callbacks.reload),
                                         [this] { return store_->flush(); }});
  NINES_TRY(server_,
            web::Server::bind(config.web, router_, around_.clock, around_.log, *telemetry_));
  return {};
}

// What people have added counts as if it stood in the file.
config::Config Parts::with_added(config::Config config) const {
  config::add_planned(config, calendar_.added());
  return config;
}

void Parts::apply_maintenance(const config::Config& running) {
  const config::Config config = with_added(running);
  slos_.load(config.slos);
  notifier_.load(with_dependencies(config));
  remediator_.load(config.remediations, config.maintenance);
}

Result<void> Parts::apply(const config::Config& given) {
  calendar_.set_configured(given.maintenance);
  const config::Config config = with_added(given);
  if (Result<void> loaded = tailer_.load(config.logs); !loaded) return loaded;
  slos_.load(config.slos);
  // Before the rules: loading them may already tell that alerts of removed rules are over.
  notifier_.load(with_dependencies(config));
  alertmanager_targets_.load(config.alertmanager_jobs);
  remediator_.load(config.remediations, config.maintenance);
  if (Result<void> loaded = rules_.load(all_groups(config)); !loaded) return loaded;
  scraper_.load(config.scrapes, config.global.external_labels);
  prober_.set_modules(config.probe_modules, config.probe_options);
  prober_.load(config.probes, config.global.external_labels);
  std::map<std::string, collector::JobDiscovery> pools = alertmanager_targets_.pools();
  for (const auto& scrape : config.scrapes) pools[kScrapePool + scrape.job_name] = scrape.discovery;
  for (const auto& probe : config.probes) pools[kProbePool + probe.job_name] = probe.discovery;
  discovery_.load(std::move(pools));
  return {};
}

void Parts::take_targets(const std::string& pool, collector::TargetGroups groups) {
  if (alertmanager_targets_.found(pool, groups)) return;
  if (pool.starts_with(kScrapePool)) {
    scraper_.set_discovered(pool.substr(kScrapePool.size()), std::move(groups));
  } else {
    prober_.set_discovered(pool.substr(kProbePool.size()), std::move(groups));
  }
}

void Parts::start() {
  if (host_) host_->start();
  scraper_.start();
  prober_.start();
  discovery_.start();
  tailer_.start();
  slos_.start();
  notifier_.start();
  remediator_.start();
  rules_.start();
}

void Parts::note_reload(bool ok, Timestamp at) {
  telemetry_
      ->gauge("prometheus_config_last_reload_successful",
              "Whether the last configuration reload attempt was successful.")
      .set(ok ? 1 : 0);
  if (ok) {
    telemetry_
        ->gauge("prometheus_config_last_reload_success_timestamp_seconds",
                "Timestamp of the last successful configuration reload.")
        .set(static_cast<double>(to_millis(at)) / 1000);
  }
}

std::string Parts::greeting(const config::Config& config, Duration since_start) const {
  const storage::StoreStatus store = store_->status(0);
  std::string out = fmt::format("nines {}  ready in {:.2f} s\n", kVersion, to_seconds(since_start));
  out += fmt::format("  page        http://{}:{}/\n", server_->host(), server_->port());
  out += fmt::format("  data        {} ({}, never more)\n", store.path,
                     format_bytes(store.budget_bytes));
  std::vector<std::string> collects;
  double samples_per_second = 0;
  if (host_) {
    const auto host = host_->status();
    collects.push_back(fmt::format("this host every {} ({} samples)",
                                   format_duration(config.host.interval), host.last_samples));
    samples_per_second += static_cast<double>(host.last_samples) / to_seconds(config.host.interval);
  }
  for (const collector::TargetStatus& target : scraper_.targets()) {
    samples_per_second += static_cast<double>(target.last_samples) / to_seconds(target.interval);
  }
  if (config.builtin.self) collects.emplace_back("itself");
  const auto count = [](std::size_t n, const char* one, const char* many) {
    return fmt::format("{} {}", n, n == 1 ? one : many);
  };
  if (!config.scrapes.empty())
    collects.push_back(count(config.scrapes.size(), "scrape job", "scrape jobs"));
  if (!config.probes.empty())
    collects.push_back(count(config.probes.size(), "probe job", "probe jobs"));
  if (!config.logs.empty()) collects.push_back(count(config.logs.size(), "log job", "log jobs"));
  out += fmt::format("  collecting  {}\n", collects.empty() ? "nothing yet" : join(collects, ", "));
  // What the raw class's share of the budget holds at this rate; a sample costs about a byte on
  // disk.
  std::uint64_t raw_bytes = 0;
  for (const storage::ClassStatus& c : store.classes) {
    if (c.name == "raw") raw_bytes = c.bytes;
  }
  if (samples_per_second > 0 && raw_bytes > 0) {
    const double days = static_cast<double>(raw_bytes) / samples_per_second / 86'400;
    out += fmt::format(
        "  keeps       about {:.0f} days at {:.0f} samples/s and a byte per sample (Status shows "
        "what is measured)\n",
        days, samples_per_second);
  }
  std::size_t rules = 0;
  for (const auto& group : all_groups(config)) rules += group.rules.size();
  out += fmt::format("  judging     {}, {}\n", count(rules, "rule", "rules"),
                     count(config.slos.size(), "SLO", "SLOs"));
  out += config.notify.route ? fmt::format("  paging      {}\n", config.notify.route->receiver)
                             : std::string(
                                   "  paging      nobody yet: run `nines init` and uncomment "
                                   "[route] and [[receivers]]\n");
  return out;
}

}  // namespace nines::app
