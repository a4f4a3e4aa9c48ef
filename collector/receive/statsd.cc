#include "collector/receive/statsd.h"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/core/gate.h"
#include "base/core/mutex.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/receive/internal/group_table.h"
#include "collector/receive/internal/line_server.h"
#include "collector/receive/internal/plain_names.h"
#include "collector/receive/internal/statsd_lines.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "receive";

// What one series has come to.
struct State {
  StatsdKind kind = StatsdKind::kCounter;
  double value = 0;  // of counters and gauges; the sum of observations
  double count = 0;
  std::vector<double> buckets;  // not cumulative
  std::unordered_set<std::string> members;
  std::int64_t start_ms = 0;
  Instant used{};
};

}  // namespace

struct StatsdReceiver::Impl : std::enable_shared_from_this<Impl> {
  Impl(StatsdParts p, StatsdOptions o)
      : parts(p),
        options(std::move(o)),
        groups(p.appender, p.scheduler.clock(), "statsd",
               {options.labels_max, options.label_bytes_max, 10'000, Duration(3'600'000)}),
        lines(p.telemetry.counter("nines_statsd_lines_total", "Lines of StatsD taken.")),
        refused(p.telemetry.counter("nines_statsd_lines_refused_total",
                                    "Lines of StatsD refused.")) {}

  Result<LabelSet> labels_of(const StatsdLine& line) const {
    std::map<std::string, std::string> names;
    for (const auto& [tag, value] : line.tags) {
      if (!value.empty()) names[plain_label_name(tag)] = value;
    }
    names[std::string(kMetricName)] = plain_metric_name(line.name);
    const WrittenLabels written(names.begin(), names.end());
    return checked_labels(written, "a series", groups.limits());
  }

  Result<void> add(const StatsdLine& line) NINES_REQUIRES(mutex) {
    NINES_TRY(const LabelSet labels, labels_of(line));
    auto known = series.find(labels);
    if (known == series.end()) {
      if (series.size() >= options.series_max) {
        return Error(ErrorCode::kLimit, "more than " + std::to_string(options.series_max) +
                                            " series are kept up");
      }
      known = series.emplace(labels, State{}).first;
      known->second.kind = line.kind;
      known->second.start_ms = to_millis(parts.scheduler.clock().now());
      known->second.buckets.resize(options.buckets.size() + 1);
    }
    State& state = known->second;
    if (state.kind != line.kind) {
      return Error(ErrorCode::kInvalid, labels.to_string() + " was of another type before");
    }
    state.used = parts.scheduler.clock().elapsed();
    for (const std::string_view value : line.values) {
      if (Result<void> added = add_value(line, value, state); !added) return added;
    }
    return {};
  }

  Result<void> add_value(const StatsdLine& line, std::string_view value, State& state)
      NINES_REQUIRES(mutex) {
    if (line.kind == StatsdKind::kSet) {
      if (members >= options.set_members_max && !state.members.contains(std::string(value))) {
        return Error(ErrorCode::kLimit, "sets have more than " +
                                            std::to_string(options.set_members_max) + " members");
      }
      members += state.members.emplace(value).second ? 1 : 0;
      return {};
    }
    const double number = *parse_double(value);
    if (line.kind == StatsdKind::kGauge) {
      const bool changes = value.starts_with('+') || value.starts_with('-');
      state.value = changes ? state.value + number : number;
      return {};
    }
    if (line.kind == StatsdKind::kCounter) {
      if (!(number >= 0)) return Error(ErrorCode::kInvalid, "a counter does not go down");
      state.value += number / line.rate;
      return {};
    }
    const double observed = line.kind == StatsdKind::kTimer ? number / 1000 : number;
    const auto at =
        std::lower_bound(options.buckets.begin(), options.buckets.end(), observed);
    state.buckets[static_cast<std::size_t>(at - options.buckets.begin())] += 1 / line.rate;
    state.value += observed / line.rate;
    state.count += 1 / line.rate;
    return {};
  }

  // The samples of one series at one time, or its end.
  void show(const LabelSet& labels, const State& state, std::int64_t at_ms, bool ended,
            std::vector<PushedSeries>& out) const {
    const auto put = [&](LabelSet of, double value, std::int64_t start_ms) {
      out.push_back({std::move(of), {{at_ms, ended ? stale_nan() : value, start_ms, {}}}, {}});
    };
    switch (state.kind) {
      case StatsdKind::kCounter:
        return put(labels, state.value, state.start_ms);
      case StatsdKind::kGauge:
        return put(labels, state.value, 0);
      case StatsdKind::kSet:
        return put(labels, static_cast<double>(state.members.size()), 0);
      default:
        break;
    }
    const std::string name(labels.metric_name());
    put(labels.with(kMetricName, name + "_sum"), state.value, state.start_ms);
    put(labels.with(kMetricName, name + "_count"), state.count, state.start_ms);
    const LabelSet bucket = labels.with(kMetricName, name + "_bucket");
    double so_far = 0;
    for (std::size_t i = 0; i < state.buckets.size(); ++i) {
      so_far += state.buckets[i];
      const bool last = i == options.buckets.size();
      put(bucket.with("le", last ? "+Inf" : format_double_g(options.buckets[i])), so_far,
          state.start_ms);
    }
  }

  void flush(Timestamp at) {
    const MutexLock lock(mutex);
    std::vector<PushedSeries> out;
    const Instant now = parts.scheduler.clock().elapsed();
    for (auto entry = series.begin(); entry != series.end();) {
      const bool ended = now - entry->second.used > options.series_idle_max;
      show(entry->first, entry->second, to_millis(at), ended, out);
      entry->second.members.clear();
      entry = ended ? series.erase(entry) : std::next(entry);
    }
    members = 0;
    PushOutcome outcome;
    groups.write(std::move(out), outcome);
    if (outcome.refused == 0) return;
    parts.log.warn(kComponent, "statsd samples refused={} why=\"{}\"", outcome.refused,
                   join(outcome.reasons, "; "));
  }

  void plan() {
    const MutexLock lock(timer_mutex);
    if (stopped) return;
    timer = parts.scheduler.after(options.interval, [self = shared_from_this()] { self->fire(); });
  }

  void fire() {
    const bool posted = parts.executor.post([self = shared_from_this()] {
      const GatePass pass(self->gate);
      if (pass) self->flush(self->parts.scheduler.clock().now());
    });
    if (!posted) parts.log.warn(kComponent, "too busy to write what came by StatsD");
    plan();
  }

  const StatsdParts parts;
  const StatsdOptions options;
  GroupTable groups;
  Counter& lines;
  Counter& refused;
  const std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::unique_ptr<LineServer> server;

  Mutex mutex;
  std::unordered_map<LabelSet, State> series NINES_GUARDED_BY(mutex);
  std::size_t members NINES_GUARDED_BY(mutex) = 0;

  Mutex timer_mutex;
  TimerId timer NINES_GUARDED_BY(timer_mutex) = TimerId::kNone;
  bool stopped NINES_GUARDED_BY(timer_mutex) = false;
};

StatsdReceiver::StatsdReceiver(StatsdParts parts, StatsdOptions options)
    : impl_(std::make_shared<Impl>(parts, std::move(options))) {}

StatsdReceiver::~StatsdReceiver() {
  stop();
}

Result<void> StatsdReceiver::start() {
  const StatsdOptions& o = impl_->options;
  if (o.listen.empty()) return {};
  Result<std::unique_ptr<LineServer>> server = LineServer::start(
      {o.listen, o.connections_max, o.line_bytes_max, o.idle_max}, impl_->parts.scheduler.clock(),
      impl_->parts.log, [this](std::string_view lines) { take(lines); });
  if (!server) return std::move(server).error().in("[statsd] listen: ");
  impl_->server = *std::move(server);
  impl_->plan();
  return {};
}

void StatsdReceiver::stop() {
  impl_->server.reset();
  {
    const MutexLock lock(impl_->timer_mutex);
    impl_->stopped = true;
    impl_->parts.scheduler.cancel(impl_->timer);
  }
  impl_->gate->close();
}

int StatsdReceiver::port() const {
  return impl_->server ? impl_->server->port() : 0;
}

void StatsdReceiver::take(std::string_view text) {
  const MutexLock lock(impl_->mutex);
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty()) continue;
    const Result<StatsdLine> one = read_statsd_line(line);
    const Result<void> added = one ? impl_->add(*one) : Result<void>(one.error());
    if (added) {
      impl_->lines.add();
    } else {
      impl_->refused.add();
      impl_->parts.log.debug(kComponent, "statsd refused why=\"{}\"", added.error().what());
    }
  }
}

void StatsdReceiver::flush(Timestamp at) {
  impl_->flush(at);
}

}  // namespace nines::collector
