#include "collector/receive/push_gateway.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/core/gate.h"
#include "base/core/mutex.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/receive/internal/push_groups.h"
#include "collector/receive/internal/unpack.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "push";
constexpr const char* kIndex = "push/groups";  // names of the groups' own keys, as a JSON array
constexpr std::string_view kPushTime = "push_time_seconds";
constexpr std::string_view kFailureTime = "push_failure_time_seconds";
constexpr const char* kPushTimeHelp = "Last Unix time when changing this group in the Pushgateway "
                                      "succeeded.";
constexpr const char* kFailureTimeHelp = "Last Unix time when changing this group in the "
                                         "Pushgateway failed.";

std::string state_key(const LabelSet& key) {
  return "push/group/" + key.to_string();
}

double seconds(std::int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

void add_series(const PushedValue& value, std::int64_t at_ms, bool ended,
                std::vector<PushedSeries>& out) {
  PushedSample sample{at_ms, value.value, 0, value.histogram};
  if (ended) sample = {at_ms, stale_nan(), 0, nullptr};
  out.push_back({value.labels, {std::move(sample)}, {}});
}

std::vector<PushedSeries> times_of(const PushGroup& group, std::int64_t at_ms, bool ended) {
  std::vector<PushedSeries> out;
  const auto add = [&](std::string_view name, std::int64_t ms) {
    add_series({group.key.with(kMetricName, name), seconds(ms)}, at_ms, ended, out);
  };
  add(kPushTime, group.pushed_ms);
  add(kFailureTime, group.failed_ms);
  return out;
}

// Everything a group shows, its two times included.
std::vector<PushedSeries> series_of(const PushGroup& group, std::int64_t at_ms, bool ended) {
  std::vector<PushedSeries> out = times_of(group, at_ms, ended);
  for (const auto& [name, family] : group.families) {
    for (const PushedValue& value : family.values) add_series(value, at_ms, ended, out);
  }
  return out;
}

}  // namespace

struct PushGateway::Impl : std::enable_shared_from_this<Impl> {
  Impl(PushGatewayParts p, PushGatewayOptions o)
      : parts(p),
        options(o),
        table(p.appender, p.scheduler.clock(), "push",
              {o.labels_max, o.label_bytes_max, o.groups_max, Duration(3'600'000)}),
        pushes(p.telemetry.counter("nines_push_requests_total", "Pushes taken.")),
        refusals(p.telemetry.counter("nines_push_requests_refused_total", "Pushes refused.")) {}

  Result<void> save(const PushGroup& group) NINES_REQUIRES(mutex) {
    std::string text = group_to_json(group);
    const std::size_t old = sizes.contains(group.key) ? sizes[group.key] : 0;
    if (state_bytes - old + text.size() > options.state_bytes_max) {
      return Error(ErrorCode::kLimit, "pushed groups would take more than " +
                                          format_bytes(options.state_bytes_max));
    }
    if (Result<void> kept = parts.state.set_value(state_key(group.key), text); !kept) return kept;
    state_bytes += text.size() - old;
    sizes[group.key] = text.size();
    return {};
  }

  Result<void> save_index() NINES_REQUIRES(mutex) {
    JsonWriter json;
    json.begin_array();
    for (const auto& [key, group] : groups) json.value(state_key(key));
    return parts.state.set_value(kIndex, json.end_array().take());
  }

  void write(std::vector<PushedSeries> series) {
    PushOutcome outcome;
    table.write(std::move(series), outcome);
    if (outcome.refused != 0) {
      parts.log.warn(kComponent, "pushed samples refused={} why=\"{}\"", outcome.refused,
                     join(outcome.reasons, "; "));
    }
  }

  // A metric that has another type elsewhere.
  std::string inconsistency(const PushGroup& candidate) const NINES_REQUIRES(mutex) {
    for (const auto& [key, other] : groups) {
      if (key == candidate.key) continue;
      for (const auto& [name, family] : candidate.families) {
        const auto same = other.families.find(name);
        if (same != other.families.end() && same->second.type != family.type) {
          return "metric family " + quote_go(name) + " has type " + to_string(family.type) +
                 " here and " + to_string(same->second.type) + " in group " + key.to_string();
        }
      }
    }
    return "";
  }

  PushAnswer fail(const LabelSet& key, int status, const std::string& why)
      NINES_REQUIRES(mutex) {
    refusals.add();
    const std::int64_t now_ms = to_millis(parts.scheduler.clock().now());
    PushGroup& group = groups[key];
    const bool fresh = group.key.empty();
    group.key = key;
    group.failed_ms = now_ms;
    const bool room = !fresh || groups.size() <= options.groups_max;
    if (!room || !save(group) || (fresh && !save_index())) {
      if (fresh) groups.erase(key);  // what is not on disk is not shown
      return {status, why};
    }
    write(times_of(group, now_ms, false));
    return {status, why};
  }

  PushAnswer remove(const LabelSet& key) NINES_REQUIRES(mutex) {
    const auto found = groups.find(key);
    if (found == groups.end()) return {202, ""};
    PushGroup gone = std::move(found->second);
    groups.erase(found);
    if (const Result<void> saved = save_index(); !saved) {
      groups.emplace(key, std::move(gone));
      return {503, saved.error().what()};
    }
    if (const Result<void> emptied = parts.state.set_value(state_key(key), ""); !emptied)
      parts.log.warn(kComponent, "a deleted group keeps its room: {}", emptied.error().what());
    state_bytes -= std::min(state_bytes, sizes[key]);
    sizes.erase(key);
    write(series_of(gone, to_millis(parts.scheduler.clock().now()), true));
    return {202, ""};
  }

  PushAnswer replace(bool whole, const LabelSet& key, ExpositionFormat format,
                     std::string_view body) NINES_REQUIRES(mutex) {
    const std::int64_t now_ms = to_millis(parts.scheduler.clock().now());
    auto families = parse_push(body, format, key, now_ms, table.limits());
    if (!families) return fail(key, 400, families.error().what());
    const auto known = groups.find(key);
    const bool fresh = known == groups.end();
    PushGroup before = fresh ? PushGroup{} : known->second;
    PushGroup after = before;
    after.key = key;
    after.pushed_ms = now_ms;
    if (whole) after.families.clear();
    for (auto& [name, family] : *families) after.families[name] = std::move(family);
    for (const std::string_view name : {kPushTime, kFailureTime}) {
      if (after.families.erase(std::string(name)) != 0)
        parts.log.debug(kComponent, "a push brought {} itself; it is left out", name);
    }
    if (after.series() > options.series_per_group_max) {
      return fail(key, 413, "the group would have more than " +
                                std::to_string(options.series_per_group_max) + " series");
    }
    if (fresh && groups.size() >= options.groups_max) {
      refusals.add();
      return {413, "more than " + std::to_string(options.groups_max) + " groups are pushed"};
    }
    if (options.consistency_check) {
      if (const std::string why = inconsistency(after); !why.empty())
        return fail(key, 400,
                    "pushed metrics are invalid or inconsistent with existing metrics: " + why);
    }
    if (const Result<void> saved = save(after); !saved)
      return {saved.error().code() == ErrorCode::kLimit ? 413 : 503, saved.error().what()};
    groups[key] = after;
    if (fresh) {
      if (const Result<void> saved = save_index(); !saved) {
        groups.erase(key);
        return {503, saved.error().what()};
      }
    }
    show(before, after, now_ms);
    pushes.add();
    return {200, ""};
  }

  // Samples the new state, and ends what is no longer in it.
  void show(const PushGroup& before, const PushGroup& after, std::int64_t now_ms) {
    std::vector<PushedSeries> series = series_of(after, now_ms, false);
    std::vector<LabelSet> now;
    now.reserve(series.size());
    for (const PushedSeries& one : series) now.push_back(one.labels);
    std::sort(now.begin(), now.end());
    if (!before.key.empty()) {
      for (PushedSeries& one : series_of(before, now_ms, true)) {
        if (!std::binary_search(now.begin(), now.end(), one.labels))
          series.push_back(std::move(one));
      }
    }
    write(std::move(series));
    for (const auto& [name, family] : after.families)
      parts.appender.set_metadata(name, {family.type, family.help, ""});
    parts.appender.set_metadata(std::string(kPushTime), {MetricType::kGauge, kPushTimeHelp, ""});
    parts.appender.set_metadata(std::string(kFailureTime),
                                {MetricType::kGauge, kFailureTimeHelp, ""});
  }

  void sample(Timestamp at) {
    const MutexLock lock(mutex);
    std::vector<PushedSeries> series;
    for (const auto& [key, group] : groups) {
      for (PushedSeries& one : series_of(group, to_millis(at), false))
        series.push_back(std::move(one));
    }
    if (!series.empty()) write(std::move(series));
  }

  void plan() {
    const MutexLock lock(timer_mutex);
    if (stopped) return;
    timer = parts.scheduler.after(options.interval, [self = shared_from_this()] { self->fire(); });
  }

  void fire() {
    // A full queue costs one turn, not the pushes.
    const bool posted = parts.executor.post([self = shared_from_this()] {
      const GatePass pass(self->gate);
      if (!pass) return;
      self->sample(self->parts.scheduler.clock().now());
    });
    if (!posted) parts.log.warn(kComponent, "too busy to sample what was pushed");
    plan();
  }

  const PushGatewayParts parts;
  const PushGatewayOptions options;
  GroupTable table;
  Counter& pushes;
  Counter& refusals;
  const std::shared_ptr<Gate> gate = std::make_shared<Gate>();

  mutable Mutex mutex;
  std::map<LabelSet, PushGroup> groups NINES_GUARDED_BY(mutex);
  std::map<LabelSet, std::size_t> sizes NINES_GUARDED_BY(mutex);
  std::size_t state_bytes NINES_GUARDED_BY(mutex) = 0;

  Mutex timer_mutex;
  TimerId timer NINES_GUARDED_BY(timer_mutex) = TimerId::kNone;
  bool stopped NINES_GUARDED_BY(timer_mutex) = false;
};

PushGateway::PushGateway(PushGatewayParts parts, PushGatewayOptions options)
    : impl_(std::make_shared<Impl>(parts, options)) {}

PushGateway::~PushGateway() {
  stop();
}

Result<void> PushGateway::start() {
  NINES_TRY(const std::optional<std::string> index, impl_->parts.state.get_value(kIndex));
  {
    const MutexLock lock(impl_->mutex);
    const Result<Json> names = Json::parse(index ? *index : "[]");
    if (!names) return names.error();
    for (const Json& name : names->items()) {
      NINES_TRY(const std::optional<std::string> text,
                impl_->parts.state.get_value(name.as_string()));
      if (!text || text->empty()) continue;
      Result<PushGroup> group = group_from_json(*text);
      if (!group) {
        impl_->parts.log.error(kComponent, "group {} is lost: {}", name.as_string(),
                               group.error().what());
        continue;
      }
      impl_->state_bytes += text->size();
      impl_->sizes[group->key] = text->size();
      const LabelSet key = group->key;
      impl_->groups[key] = *std::move(group);
    }
  }
  impl_->sample(impl_->parts.scheduler.clock().now());
  impl_->plan();
  return {};
}

void PushGateway::stop() {
  {
    const MutexLock lock(impl_->timer_mutex);
    impl_->stopped = true;
    impl_->parts.scheduler.cancel(impl_->timer);
  }
  impl_->gate->close();
}

PushAnswer PushGateway::push(PushKind kind, std::string_view key, std::string_view content_type,
                             std::string_view content_encoding, std::string_view body) {
  const Result<LabelSet> labels = parse_grouping_key(key, impl_->table.limits());
  if (!labels) return {400, labels.error().what()};
  const MutexLock lock(impl_->mutex);
  if (kind == PushKind::kDelete) return impl_->remove(*labels);
  std::string room;
  const Result<std::string_view> text =
      unpack(content_encoding, body, impl_->options.body_bytes_max, room);
  if (!text) {
    const ErrorCode code = text.error().code();
    const int status = code == ErrorCode::kLimit ? 413 : code == ErrorCode::kNotFound ? 415 : 400;
    return impl_->fail(*labels, status, text.error().what());
  }
  // Anything that names no exposition is text, as curl calls everything a form.
  const Result<ExpositionFormat> format =
      exposition_format(content_type, ScrapeProtocol::kPrometheusText004);
  if (!format) return impl_->fail(*labels, 415, format.error().what());
  return impl_->replace(kind == PushKind::kReplaceGroup, *labels, *format, *text);
}

Result<void> PushGateway::wipe() {
  const MutexLock lock(impl_->mutex);
  while (!impl_->groups.empty()) {
    const PushAnswer done = impl_->remove(LabelSet(impl_->groups.begin()->first));
    if (done.status != 202) return Error(ErrorCode::kIo, done.text);
  }
  return {};
}

std::string PushGateway::metrics_json() const {
  const MutexLock lock(impl_->mutex);
  JsonWriter json;
  const auto labels_of = [&](const LabelSet& labels, bool named) {
    json.key("labels").begin_object();
    for (const Label& label : labels) {
      if (named || label.name != kMetricName) json.field(label.name, label.value);
    }
    json.end_object();
  };
  const auto family_of = [&](const std::string& name, const PushedFamily& family) {
    json.key(name).begin_object();
    json.field("time_stamp", format_time(from_millis(family.pushed_ms)));
    std::string type = to_string(family.type);
    for (char& c : type) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    json.field("type", type == "UNKNOWN" ? "UNTYPED" : type).field("help", family.help);
    json.key("metrics").begin_array();
    for (const PushedValue& value : family.values) {
      json.begin_object();
      labels_of(value.labels, value.labels.metric_name() != name);
      if (value.histogram) {
        json.field("count", format_double_g(value.histogram->count));
        json.field("sum", format_double_g(value.histogram->sum)).end_object();
      } else {
        json.field("value", format_double_g(value.value)).end_object();
      }
    }
    json.end_array().end_object();
  };
  json.begin_array();
  for (const auto& [key, group] : impl_->groups) {
    json.begin_object();
    labels_of(key, true);
    json.field("last_push_successful", group.pushed_ms > group.failed_ms);
    for (const auto& [name, family] : group.families) family_of(name, family);
    const std::int64_t latest = std::max(group.pushed_ms, group.failed_ms);
    const auto time = [&, &labels = key](std::string_view name, const char* help, std::int64_t ms) {
      family_of(std::string(name),
                {MetricType::kGauge, help, latest, {{labels.with(kMetricName, name), seconds(ms)}}});
    };
    time(kPushTime, kPushTimeHelp, group.pushed_ms);
    time(kFailureTime, kFailureTimeHelp, group.failed_ms);
    json.end_object();
  }
  return json.end_array().take();
}

void PushGateway::sample_once(Timestamp at) {
  impl_->sample(at);
}

}  // namespace nines::collector
