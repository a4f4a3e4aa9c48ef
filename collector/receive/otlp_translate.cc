#include "collector/receive/internal/otlp_translate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/receive/internal/otlp_names.h"

namespace nines::collector {
namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Where a sender says nothing of the width of its zero bucket: Prometheus's default.
constexpr double kZeroThreshold = 1e-128;
constexpr std::int32_t kScaleMin = -4, kScaleMax = 8;
// target_info must be found by a lookup of five minutes, also in the middle of a long message.
constexpr std::int64_t kInfoEveryMs = 150'000;

std::int64_t millis(std::uint64_t nanos) {
  return static_cast<std::int64_t>(nanos / kNanosPerMilli);
}

MetricType type_of(const OtlpMetric& metric) {
  switch (metric.kind) {
    case OtlpKind::kGauge:
      return MetricType::kGauge;
    case OtlpKind::kSum:
      return metric.monotonic ? MetricType::kCounter : MetricType::kGauge;
    case OtlpKind::kHistogram:
    case OtlpKind::kExponential:
      return MetricType::kHistogram;
    case OtlpKind::kSummary:
      return MetricType::kSummary;
    case OtlpKind::kNone:
      break;
  }
  return MetricType::kUnknown;
}

// OpenTelemetry's bucket i ends where Prometheus's bucket i + 1 does. Empty buckets are left out,
// gaps of one or two kept, as Prometheus does.
void native_buckets(const OtlpBuckets& from, std::vector<HistogramSpan>& spans,
                    std::vector<double>& counts) {
  constexpr std::size_t kGapMax = 2;
  std::int64_t next = 0;  // the index behind the last span
  for (std::size_t i = 0; i < from.counts.size(); ++i) {
    if (from.counts[i] == 0) continue;
    const std::int64_t index = std::int64_t{from.offset} + static_cast<std::int64_t>(i) + 1;
    if (!spans.empty() && index - next <= static_cast<std::int64_t>(kGapMax)) {
      for (; next < index; ++next) {
        counts.push_back(0);
        ++spans.back().length;
      }
      ++spans.back().length;
    } else {
      spans.push_back({static_cast<std::int32_t>(spans.empty() ? index : index - next), 1});
    }
    counts.push_back(static_cast<double>(from.counts[i]));
    next = index + 1;
  }
}

}  // namespace

OtlpTranslated OtlpTranslator::run(OtlpRequest& request) {
  for (OtlpResource& r : request.resources) resource(r);
  return std::move(out_);
}

OtlpTranslator::Names OtlpTranslator::named(const OtlpAttributes& attributes) const {
  std::vector<std::pair<std::string_view, std::string_view>> sorted;
  sorted.reserve(attributes.size());
  for (const OtlpAttribute& a : attributes) sorted.emplace_back(a.key, a.value);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Names out;
  for (const auto& [key, value] : sorted) {
    const auto [at, fresh] =
        out.emplace(otlp_label_name(key, options_.translation), std::string(value));
    if (!fresh) at->second += ";" + std::string(value);
  }
  return out;
}

void OtlpTranslator::resource(OtlpResource& r) {
  resource_labels_.clear();
  times_ms_.clear();
  std::string service, space, instance;
  OtlpAttributes promoted, info;
  const auto in = [](const std::vector<std::string>& list, const std::string& key) {
    return std::find(list.begin(), list.end(), key) != list.end();
  };
  for (const OtlpAttribute& a : r.attributes) {
    const bool is_name = a.key == "service.name", is_space = a.key == "service.namespace";
    const bool is_instance = a.key == "service.instance.id";
    if (is_name) service = a.value;
    if (is_space) space = a.value;
    if (is_instance) instance = a.value;
    const bool identifies = is_name || is_space || is_instance;
    if (!identifies || options_.keep_identifying) info.push_back(a);
    if (options_.promote_all ? !in(options_.ignored, a.key) : in(options_.promoted, a.key))
      promoted.push_back(a);
  }
  resource_labels_ = named(promoted);
  info_labels_ = named(info);
  const std::string job = space.empty() || service.empty() ? service : space + "/" + service;
  for (Names* names : {&resource_labels_, &info_labels_}) {
    if (!job.empty()) (*names)["job"] = job;
    if (!instance.empty()) (*names)["instance"] = instance;
  }
  for (OtlpScope& s : r.scopes) scope(s);
  // Without job and instance nothing could be joined to it; without attributes it would say nothing.
  if ((!job.empty() || !instance.empty()) && !info.empty()) target_info();
}

void OtlpTranslator::scope(OtlpScope& s) {
  scope_labels_.clear();
  if (options_.promote_scope) {
    for (const auto& [name, value] : named(s.attributes)) scope_labels_["otel_scope_" + name] = value;
    scope_labels_["otel_scope_name"] = s.name;
    scope_labels_["otel_scope_version"] = s.version;
    scope_labels_["otel_scope_schema_url"] = s.schema_url;
  }
  for (OtlpMetric& m : s.metrics) metric(m);
}

void OtlpTranslator::metric(OtlpMetric& m) {
  const auto refuse_all = [&](const std::string& why) {
    if (!m.points.empty())
      outcome_.refuse(m.points.size(), "metric " + quote_go(m.name.substr(0, 200)) + " " + why);
  };
  if (m.kind == OtlpKind::kNone) return;
  const std::string name = otlp_metric_name(m, options_.translation);
  if (name.empty()) return refuse_all("has no name that can be used");
  const bool is_delta = m.temporality == OtlpTemporality::kDelta;
  const bool needs = m.kind != OtlpKind::kGauge && m.kind != OtlpKind::kSummary;
  if (needs && m.temporality == OtlpTemporality::kUnspecified)
    return refuse_all("does not say whether it is cumulative or delta");
  const std::string family = name;
  if (is_valid_utf8(m.description) && is_valid_utf8(m.unit)) {
    out_.metadata[family] = {type_of(m), m.description, otlp_unit(m.unit)};
  }
  for (OtlpPoint& p : m.points) {
    LabelSet labels;
    if (!labels_of(p, name, labels)) continue;
    if (is_delta && needs && !p.no_value) {
      if (const Result<void> added = deltas_.accumulate(labels, p); !added) {
        outcome_.refuse(1, labels.to_string() + ": " + added.error().what());
        continue;
      }
    }
    times_ms_.insert(millis(p.time_ns));
    ++out_.points;
    switch (m.kind) {
      case OtlpKind::kHistogram:
        histogram(labels, p);
        break;
      case OtlpKind::kExponential:
        exponential(labels, p);
        break;
      case OtlpKind::kSummary:
        summary(labels, p);
        break;
      default:
        number(labels, p);
    }
  }
}

bool OtlpTranslator::labels_of(const OtlpPoint& point, const std::string& name, LabelSet& out) {
  Names names = named(point.attributes);
  // What the point says goes before what its resource says, but for who it is.
  for (const auto& [key, value] : scope_labels_) names.emplace(key, value);
  for (const auto& [key, value] : resource_labels_) {
    if (key == "job" || key == "instance") {
      names[key] = value;
    } else {
      names.emplace(key, value);
    }
  }
  names[std::string(kMetricName)] = name;
  WrittenLabels written(names.begin(), names.end());
  Result<LabelSet> checked = checked_labels(written, "a series", limits_);
  if (!checked) {
    outcome_.refuse(1, "metric " + quote_go(name.substr(0, 200)) + ": " + checked.error().what());
    return false;
  }
  if (point.time_ns == 0) {
    outcome_.refuse(1, checked->to_string() + " has a point without a time");
    return false;
  }
  out = *std::move(checked);
  return true;
}

void OtlpTranslator::add(const LabelSet& base, std::string_view suffix, std::string_view label,
                         std::string_view label_value, const OtlpPoint& point, double value) {
  PushedSeries series;
  series.labels = base;
  if (!suffix.empty()) {
    series.labels =
        base.with(kMetricName, std::string(base.metric_name()) + std::string(suffix));
  }
  if (!label.empty()) series.labels = series.labels.with(label, label_value);
  series.samples.push_back(
      {millis(point.time_ns), point.no_value ? stale_nan() : value, millis(point.start_ns), {}});
  out_.series.push_back(std::move(series));
}

std::vector<Exemplar> OtlpTranslator::exemplars_of(const OtlpPoint& point, double above,
                                                   double up_to) {
  std::vector<Exemplar> out;
  for (const OtlpExemplar& e : point.exemplars) {
    if (!(e.value > above) || !(e.value <= up_to)) continue;
    Names names;
    std::size_t characters = 0;
    const auto put = [&](std::string name, const std::string& value) {
      if (name.empty() || value.empty()) return;
      const std::size_t more = exemplar_characters(LabelSet{{name, value}});
      if (characters + more > kExemplarCharactersMax) return;  // the ids go first, so they stay
      characters += more;
      names[std::move(name)] = value;
    };
    put("trace_id", e.trace_id);
    put("span_id", e.span_id);
    for (const auto& [name, value] : named(e.attributes)) put(name, value);
    const WrittenLabels written(names.begin(), names.end());
    Result<LabelSet> labels = checked_labels(written, "an exemplar", limits_);
    if (!labels) continue;
    const std::uint64_t time_ns = e.time_ns != 0 ? e.time_ns : point.time_ns;
    out.push_back({*std::move(labels), e.value, millis(time_ns), true});
  }
  return out;
}

void OtlpTranslator::number(const LabelSet& labels, const OtlpPoint& point) {
  add(labels, "", "", "", point, point.value);
  out_.series.back().exemplars = exemplars_of(point, -kInfinity, kInfinity);
}

void OtlpTranslator::histogram(const LabelSet& labels, const OtlpPoint& point) {
  const bool fits = point.counts.size() == point.bounds.size() + 1 ||
                    (point.counts.empty() && point.bounds.empty());
  if (!fits || !std::is_sorted(point.bounds.begin(), point.bounds.end())) {
    --out_.points;
    outcome_.refuse(1, labels.to_string() + ": bounds and buckets do not agree");
    return;
  }
  if (options_.histograms_to_custom_buckets) return custom_buckets(labels, point);
  if (point.has_sum || point.no_value) add(labels, "_sum", "", "", point, point.sum);
  add(labels, "_count", "", "", point, static_cast<double>(point.count));
  double below = -kInfinity;
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < point.bounds.size(); ++i) {
    so_far += point.counts[i];
    add(labels, "_bucket", "le", format_double_g(point.bounds[i]), point,
        static_cast<double>(so_far));
    out_.series.back().exemplars = exemplars_of(point, below, point.bounds[i]);
    below = point.bounds[i];
  }
  add(labels, "_bucket", "le", "+Inf", point, static_cast<double>(point.count));
  out_.series.back().exemplars = exemplars_of(point, below, kInfinity);
}

void OtlpTranslator::add_histogram(const LabelSet& labels, const OtlpPoint& point,
                                   Histogram histogram) {
  PushedSeries series;
  series.labels = labels;
  PushedSample sample{millis(point.time_ns), 0, millis(point.start_ns), {}};
  if (point.no_value) {
    sample.value = stale_nan();
  } else {
    sample.histogram = std::make_shared<const Histogram>(std::move(histogram));
  }
  series.samples.push_back(std::move(sample));
  series.exemplars = exemplars_of(point, -kInfinity, kInfinity);
  out_.series.push_back(std::move(series));
}

void OtlpTranslator::custom_buckets(const LabelSet& labels, const OtlpPoint& point) {
  Histogram h;
  h.schema = kCustomBucketsSchema;
  h.count = static_cast<double>(point.count);
  h.sum = point.sum;
  h.custom_values = point.bounds;
  native_buckets({-1, point.counts}, h.positive_spans, h.positive_buckets);
  add_histogram(labels, point, std::move(h));
}

void OtlpTranslator::exponential(const LabelSet& labels, const OtlpPoint& point) {
  if (point.scale < kScaleMin) {
    --out_.points;
    outcome_.refuse(1, labels.to_string() + ": scale " + std::to_string(point.scale) +
                           " is coarser than " + std::to_string(kScaleMin));
    return;
  }
  Histogram h;
  h.schema = std::min(point.scale, kScaleMax);
  h.count = static_cast<double>(point.count);
  h.sum = point.sum;
  h.zero_count = static_cast<double>(point.zero_count);
  h.zero_threshold = point.zero_threshold > 0 ? point.zero_threshold : kZeroThreshold;
  OtlpBuckets positive = point.positive, negative = point.negative;
  for (OtlpBuckets* side : {&positive, &negative}) coarsen(*side, point.scale - h.schema);
  const auto too_far = [](const OtlpBuckets& b) {
    return b.offset + static_cast<std::int64_t>(b.counts.size()) >= INT32_MAX;
  };
  if (too_far(positive) || too_far(negative)) {
    --out_.points;
    outcome_.refuse(1, labels.to_string() + ": bucket offsets are out of range");
    return;
  }
  native_buckets(positive, h.positive_spans, h.positive_buckets);
  native_buckets(negative, h.negative_spans, h.negative_buckets);
  add_histogram(labels, point, std::move(h));
}

void OtlpTranslator::summary(const LabelSet& labels, const OtlpPoint& point) {
  add(labels, "_sum", "", "", point, point.sum);
  add(labels, "_count", "", "", point, static_cast<double>(point.count));
  for (const auto& [quantile, value] : point.quantiles)
    add(labels, "", "quantile", format_double_g(quantile), point, value);
}

void OtlpTranslator::target_info() {
  if (times_ms_.empty()) return;
  Names names = info_labels_;
  names[std::string(kMetricName)] = "target_info";
  const WrittenLabels written(names.begin(), names.end());
  Result<LabelSet> labels = checked_labels(written, "target_info", limits_);
  if (!labels) {
    outcome_.reasons.push_back(labels.error().what());
    return;
  }
  PushedSeries series;
  series.labels = *std::move(labels);
  std::int64_t last = INT64_MIN;
  for (const std::int64_t time : times_ms_) {
    if (time != *times_ms_.rbegin() && last != INT64_MIN && time - last < kInfoEveryMs) continue;
    series.samples.push_back({time, 1, 0, {}});
    last = time;
  }
  out_.series.push_back(std::move(series));
  out_.metadata["target_info"] = {MetricType::kGauge, "Target metadata", ""};
}

}  // namespace nines::collector
