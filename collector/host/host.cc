#include "collector/host/host.h"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <utility>

#include "base/text/text.h"
#include "collector/host/internal/collectors.h"
#include "collector/host/internal/host_samples.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "host";
constexpr HostFamily kUp{"up", MetricType::kGauge, "1 when the host could be looked at."};
constexpr HostFamily kSuccess{"node_scrape_collector_success", MetricType::kGauge,
                              "1 when the collector had data."};
constexpr HostFamily kDuration{"node_scrape_collector_duration_seconds", MetricType::kGauge,
                               "Seconds the collector took."};

// Side by side, in the order of the names.
constexpr std::string_view kNames[] = {
    "arp",     "bonding",    "conntrack", "cpu",          "diskstats", "edac",     "entropy",
    "filefd",  "filesystem", "hwmon",     "loadavg",      "meminfo",   "netclass", "netdev",
    "netstat", "os",         "pressure",  "processes",    "schedstat", "sockstat", "softnet",
    "stat",    "systemd",    "textfile",  "thermal_zone", "time",      "uname",    "vmstat",
};
constexpr HostCollector (*kMakers[])(HostContext) = {
    arp_collector,          bonding_collector,   conntrack_collector, cpu_collector,
    diskstats_collector,    edac_collector,      entropy_collector,   filefd_collector,
    filesystem_collector,   hwmon_collector,     loadavg_collector,   meminfo_collector,
    netclass_collector,     netdev_collector,    netstat_collector,   os_collector,
    pressure_collector,     processes_collector, schedstat_collector, sockstat_collector,
    softnet_collector,      stat_collector,      systemd_collector,   textfile_collector,
    thermal_zone_collector, time_collector,      uname_collector,     vmstat_collector,
};
static_assert(std::size(kNames) == std::size(kMakers));

HostConfig with_instance(HostConfig config, Fs& fs) {
  if (!config.instance.empty()) return config;
  const Result<std::string> name = read_file(fs, config.proc_path + "/sys/kernel/hostname");
  config.instance = name ? std::string(trim(*name)) : std::string("localhost");
  return config;
}

}  // namespace

// Timers and the executor hold it weakly; a std::mutex, because stop() waits on a condition.
struct Host::Impl : std::enable_shared_from_this<Impl> {
  Impl(HostConfig c, HostParts p) : config(with_instance(std::move(c), p.fs)), parts(p) {
    const HostContext context{parts.fs, config};
    const std::vector<std::string>& off = config.disabled_collectors;
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      if (std::find(off.begin(), off.end(), kNames[i]) != off.end()) continue;
      collectors.push_back(kMakers[i](context));
    }
  }

  void plan(Duration delay) {  // with the mutex held
    timer = parts.scheduler.after(delay, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->turn();
    });
  }

  // On the scheduler's thread: plans the next turn, at whole intervals of the wall clock, and hands
  // this one over. A turn that finds the one before under way, or the queue full, is left out.
  void turn() {
    {
      const std::lock_guard lock(mutex);
      if (stopped) return;
      plan(config.interval - parts.scheduler.clock().now().time_since_epoch() % config.interval);
      if (handed_over) return;
      handed_over = true;
    }
    const bool posted = parts.executor.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->run_posted();
    });
    if (posted) return;
    const std::lock_guard lock(mutex);
    handed_over = false;
  }

  void run_posted() {
    {
      const std::lock_guard lock(mutex);
      handed_over = !stopped;
      if (stopped) return;
      running = true;
    }
    collect(parts.scheduler.clock().now());
    {
      const std::lock_guard lock(mutex);
      running = handed_over = false;
    }
    idle.notify_all();
  }

  Result<void> open() {
    if (samples) return {};
    const LabelSet labels{{"job", config.job_name}, {"instance", config.instance}};
    NINES_TRY(auto writer,
              parts.appender.open_group(
                  {"host/" + config.job_name + "/" + config.instance, labels, "host"}));
    samples = std::make_unique<HostSamples>(parts.appender, std::move(writer), labels);
    return {};
  }

  // Appends what one collector knows; what went wrong goes to `errors`.
  void run(const HostCollector& collector, std::string& errors) {
    const Instant began = parts.scheduler.clock().elapsed();
    const Result<void> done = collector.collect(*samples);
    const std::chrono::duration<double> took = parts.scheduler.clock().elapsed() - began;
    samples->add(kSuccess, {{"collector", collector.name}}, done ? 1 : 0);
    samples->add(kDuration, {{"collector", collector.name}}, took.count());
    std::vector<std::string> notes = samples->take_notes();
    // What this kernel does not have is no fault.
    if (!done && done.error().code() != ErrorCode::kNotFound) notes.push_back(done.error().what());
    for (const std::string& note : notes) {
      errors += (errors.empty() ? "" : "; ") + std::string(collector.name) + ": " + note;
    }
  }

  void collect(Timestamp at) {
    const Instant began = parts.scheduler.clock().elapsed();
    HostStatus now;
    now.last_collection = at;
    Result<void> done = open();
    if (done) {
      samples->begin(at);
      samples->add(kUp, 1);
      for (const HostCollector& collector : collectors) run(collector, now.last_error);
      now.last_samples = samples->size();
      done = samples->commit();
    }
    if (!done) now.last_error = "store: " + done.error().what();
    now.up = done.has_value();
    now.last_duration =
        std::chrono::duration_cast<Duration>(parts.scheduler.clock().elapsed() - began);
    std::string before;
    {
      const std::lock_guard lock(mutex);
      before = std::exchange(status, now).last_error;
    }
    // Said once, not at every interval.
    if (!now.last_error.empty() && now.last_error != before) {
      parts.log.warn(kComponent, "host metrics incomplete error=\"{}\"", now.last_error);
    }
  }

  const HostConfig config;
  const HostParts parts;
  std::vector<HostCollector> collectors;
  std::unique_ptr<HostSamples> samples;  // made by the first collection

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable idle;
  TimerId timer = TimerId::kNone;
  bool started = false;
  bool stopped = false;
  bool handed_over = false;  // a turn waits in the executor, or runs
  bool running = false;
  HostStatus status;
};

std::span<const std::string_view> host_collector_names() noexcept {
  return kNames;
}

Host::Host(HostConfig config, HostParts parts)
    : impl_(std::make_shared<Impl>(std::move(config), parts)) {}

Host::~Host() {
  stop();
}

// The first collection comes at once, so that a new host is on the page without a wait.
void Host::start() {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->started) return;
  impl_->started = true;
  impl_->plan(Duration(0));
}

void Host::stop() {
  std::unique_lock lock(impl_->mutex);
  impl_->stopped = true;
  impl_->parts.scheduler.cancel(impl_->timer);
  impl_->idle.wait(lock, [this] { return !impl_->running; });
}

void Host::collect_once(Timestamp at) {
  impl_->collect(at);
}

HostStatus Host::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

const HostConfig& Host::config() const {
  return impl_->config;
}

}  // namespace nines::collector
