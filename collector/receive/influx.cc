#include "collector/receive/influx.h"

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text/text.h"
#include "collector/receive/internal/group_table.h"
#include "collector/receive/internal/influx_lines.h"
#include "collector/receive/internal/plain_names.h"
#include "collector/receive/internal/unpack.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "receive";
constexpr std::int64_t kNanosPerMilli = 1'000'000;

// Milliseconds of a time in `unit` nanoseconds; nothing when it does not fit.
std::optional<std::int64_t> millis_of(std::int64_t time, std::int64_t unit) {
  if (unit < kNanosPerMilli) return time / (kNanosPerMilli / unit);
  std::int64_t out = 0;
  if (__builtin_mul_overflow(time, unit / kNanosPerMilli, &out)) return std::nullopt;
  return out;
}

}  // namespace

struct InfluxReceiver::Impl {
  Impl(InfluxParts p, InfluxOptions o)
      : parts(p),
        options(std::move(o)),
        groups(p.appender, p.clock, "influx",
               {options.labels_max, options.label_bytes_max, options.groups_max,
                options.group_idle_max}),
        samples(p.telemetry.counter("nines_influx_samples_total",
                                    "Samples received in InfluxDB's line protocol and kept.")),
        refused(p.telemetry.counter("nines_influx_samples_refused_total",
                                    "Lines and samples in InfluxDB's line protocol refused.")) {}

  // The series of one point's fields.
  Result<void> add(const InfluxPoint& point, std::string_view database, std::int64_t time_ms,
                   std::map<LabelSet, std::vector<PushedSample>>& out) const {
    std::map<std::string, std::string> names;
    if (!options.database_label.empty() && !database.empty())
      names[options.database_label] = database;
    for (const auto& [tag, value] : point.tags)
      names[options.sanitize_names ? plain_label_name(tag) : tag] = value;
    for (const auto& [field, value] : point.fields) {
      std::string name = point.measurement;
      if (!name.empty()) name += options.separator;
      name += field;
      names[std::string(kMetricName)] = options.sanitize_names ? plain_metric_name(name) : name;
      const WrittenLabels written(names.begin(), names.end());
      NINES_TRY(LabelSet labels, checked_labels(written, "a series", groups.limits()));
      out[std::move(labels)].push_back({time_ms, value, 0, {}});
    }
    return {};
  }

  InfluxAnswer write(std::string_view database, std::int64_t unit, std::string_view body) {
    PushOutcome outcome;
    std::map<LabelSet, std::vector<PushedSample>> series;
    const std::int64_t now_ms = to_millis(parts.clock.now());
    std::size_t count = 0;
    InfluxLines lines(body);
    while (auto point = lines.next()) {
      const auto refuse = [&](const std::string& why) {
        outcome.refuse(1, "line " + std::to_string(lines.line()) + ": " + why);
      };
      if (!*point) {
        refuse(point->error().what());
        continue;
      }
      const InfluxPoint& one = **point;
      const auto time_ms = one.time ? millis_of(*one.time, unit) : now_ms;
      if (!time_ms) {
        refuse("time is out of range");
        continue;
      }
      count += one.fields.size();
      if (count > options.samples_max) {
        refuse("the request has more than " + std::to_string(options.samples_max) +
               " samples; the rest is left out, send smaller batches");
        break;
      }
      if (const Result<void> added = add(one, database, *time_ms, series); !added)
        refuse(added.error().what());
    }
    std::vector<PushedSeries> all;
    all.reserve(series.size());
    for (auto& [labels, list] : series) all.push_back({labels, std::move(list), {}});
    groups.write(std::move(all), outcome);
    samples.add(static_cast<double>(outcome.samples));
    if (outcome.refused == 0) return {204, ""};
    refused.add(static_cast<double>(outcome.refused));
    std::string why = "partial write: " + join(outcome.reasons, "; ");
    parts.log.debug(kComponent, "influx refused={} why=\"{}\"", outcome.refused, why);
    return {outcome.again ? 503 : 400, std::move(why)};
  }

  const InfluxParts parts;
  const InfluxOptions options;
  GroupTable groups;
  Counter& samples;
  Counter& refused;
};

InfluxReceiver::InfluxReceiver(InfluxParts parts, InfluxOptions options)
    : impl_(std::make_unique<Impl>(parts, std::move(options))) {}
InfluxReceiver::~InfluxReceiver() = default;

InfluxAnswer InfluxReceiver::take(std::string_view database, std::string_view precision,
                                  std::string_view content_encoding, std::string_view body) {
  const std::optional<std::int64_t> unit = influx_unit_nanos(precision);
  if (!unit) {
    return {400, "precision " + quote_go(precision) + " is none of ns, us, ms, s, m, h"};
  }
  std::string room;
  const Result<std::string_view> text =
      unpack(content_encoding, body, impl_->options.decoded_bytes_max, room);
  if (!text) {
    const ErrorCode code = text.error().code();
    return {code == ErrorCode::kLimit ? 413 : code == ErrorCode::kNotFound ? 415 : 400,
            text.error().what()};
  }
  return impl_->write(database, *unit, *text);
}

}  // namespace nines::collector
