#include "storage/offline/dump.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/model/labels.h"
#include "base/model/sample.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "storage/offline/internal/families.h"

namespace nines::storage {
namespace {

constexpr std::size_t kSeriesMax = std::numeric_limits<std::uint32_t>::max();  // all of them

constexpr std::size_t kPieceBytes = 256u << 10;  // handed to the sink at once

// Seconds, as OpenMetrics writes times.
std::string seconds(std::int64_t ms) {
  const auto magnitude = ms < 0 ? 0 - static_cast<std::uint64_t>(ms) : static_cast<std::uint64_t>(ms);
  return fmt::format("{}{}.{:03}", ms < 0 ? "-" : "", magnitude / 1000, magnitude % 1000);
}

// OpenMetrics escapes backslash, line feed and quote in all texts.
std::string quoted(std::string_view text) {
  return "\"" + escape_label_value(text) + "\"";
}

// name{a="b"}, or {"na.me","a.b"="c"} where the names need it.
std::string series_text(const LabelSet& labels) {
  const std::string_view name = labels.metric_name();
  std::string inside;
  const bool plain = is_legacy_metric_name(name);
  if (!plain) inside = quoted(name);
  for (const Label& label : labels) {
    if (label.name == kMetricName) continue;
    if (!inside.empty()) inside += ",";
    inside += (is_legacy_label_name(label.name) ? label.name : quoted(label.name)) + "=" +
              quoted(label.value);
  }
  return (plain ? std::string(name) : std::string()) + (inside.empty() ? "" : "{" + inside + "}");
}

std::string family_text(const std::string& name) {
  return is_legacy_metric_name(name) ? name : quoted(name);
}

class Dumper {
 public:
  Dumper(const Querier& querier, const DumpOptions& options, const DumpSink& sink)
      : querier_(querier), options_(options), sink_(sink) {}

  Result<DumpReport> run() {
    std::vector<Matcher> matchers = options_.matchers;
    if (matchers.empty()) {
      NINES_TRY(Matcher named, Matcher::make(MatchOp::kRegex, std::string(kMetricName), ".+"));
      matchers.push_back(std::move(named));
    }
    NINES_TRY(found_, querier_.select(matchers, options_.range,
                                      kSeriesMax));
    auto written =
        options_.format == DumpFormat::kJson ? write_json() : write_open_metrics();
    if (!written) return std::move(written).error();
    if (auto last = hand_over(0); !last) return std::move(last).error();
    return report_;
  }

 private:
  Result<void> hand_over(std::size_t least) {
    if (out_.size() <= least) return {};
    auto done = sink_(out_);
    out_.clear();
    return done;
  }

  // False: nothing of the series could be read.
  Result<bool> read(std::size_t i, SampleColumns& columns) {
    const auto done = found_->read(i, options_.range, columns);
    if (!done && done.error().code() != ErrorCode::kCorrupt) return done.error();
    if (!done) ++report_.damaged_series;
    return !columns.times.empty();
  }

  // --- JSON ---

  Result<void> write_json() {
    // Target by target: their series lie in the same pages.
    std::vector<std::size_t> order(found_->size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto target = [this](std::size_t i) {
      const LabelSet& labels = found_->labels(i);
      return std::pair(labels.get("job"), labels.get("instance"));
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return target(a) < target(b); });
    SampleColumns columns;
    for (const std::size_t i : order) {
      NINES_TRY(const bool any, read(i, columns));
      if (!any) continue;
      ++report_.series;
      report_.samples += columns.size();
      out_ += json_line(found_->labels(i), columns);
      if (auto went = hand_over(kPieceBytes); !went) return went;
    }
    return {};
  }

  static bool is_histogram(const SampleColumns& columns, std::size_t i) {
    return !columns.histograms.empty() && columns.histograms[i];
  }

  static std::string json_line(const LabelSet& labels, const SampleColumns& columns) {
    JsonWriter json;
    json.begin_object().key("metric").begin_object();
    for (const Label& label : labels) json.field(label.name, label.value);
    json.end_object();
    json.key("values").begin_array();
    std::size_t histograms = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (is_histogram(columns, i)) {
        ++histograms;
      } else if (is_stale_nan(columns.values[i])) {
        json.value("stale");
      } else if (std::isfinite(columns.values[i])) {
        json.value(columns.values[i]);
      } else {
        json.value(format_double(columns.values[i]));
      }
    }
    json.end_array();
    const auto times = [&](bool of_histograms) {
      json.begin_array();
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (is_histogram(columns, i) == of_histograms) json.value(columns.times[i]);
      }
      json.end_array();
    };
    json.key("timestamps");
    times(false);
    if (histograms > 0) {
      json.key("histograms").begin_array();
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (is_histogram(columns, i)) add_histogram(json, *columns.histograms[i]);
      }
      json.end_array().key("histogram_timestamps");
      times(true);
    }
    json.end_object();
    return json.take() + "\n";
  }

  static void add_histogram(JsonWriter& json, const Histogram& histogram) {
    const auto number = [&json](double v) {
      if (std::isfinite(v)) {
        json.value(v);
      } else {
        json.value(is_stale_nan(v) ? "stale" : format_double(v));
      }
    };
    const auto numbers = [&](const char* name, const std::vector<double>& values) {
      if (values.empty()) return;
      json.key(name).begin_array();
      for (const double v : values) number(v);
      json.end_array();
    };
    const auto spans = [&](const char* name, const std::vector<HistogramSpan>& all) {
      if (all.empty()) return;
      json.key(name).begin_array();
      for (const HistogramSpan& span : all) {
        json.begin_array().value(std::int64_t{span.offset}).value(std::uint64_t{span.length});
        json.end_array();
      }
      json.end_array();
    };
    json.begin_object().field("schema", std::int64_t{histogram.schema});
    json.key("count");
    number(histogram.count);
    json.key("sum");
    number(histogram.sum);
    json.key("zero_threshold");
    number(histogram.zero_threshold);
    json.key("zero_count");
    number(histogram.zero_count);
    spans("positive_spans", histogram.positive_spans);
    numbers("positive_buckets", histogram.positive_buckets);
    spans("negative_spans", histogram.negative_spans);
    numbers("negative_buckets", histogram.negative_buckets);
    numbers("custom_values", histogram.custom_values);
    json.end_object();
  }

  // --- OpenMetrics ---

  Result<void> write_open_metrics() {
    std::map<std::string, std::vector<std::size_t>, std::less<>> by_metric;
    for (std::size_t i = 0; i < found_->size(); ++i)
      by_metric[std::string(found_->labels(i).metric_name())].push_back(i);
    std::vector<std::string> names;
    for (const auto& [name, series] : by_metric) names.push_back(name);
    for (const Family& family : plan_families(names, querier_.metadata())) {
      std::vector<std::size_t> series;
      for (const std::string& metric : family.metrics) {
        const auto& more = by_metric.at(metric);
        series.insert(series.end(), more.begin(), more.end());
      }
      if (auto wrote = write_family(family, series); !wrote) return wrote;
    }
    out_ += "# EOF\n";
    return {};
  }

  // The series of one metric of OpenMetrics (all buckets, count and sum with the same labels) stand
  // together, point by point.
  Result<void> write_family(const Family& family, const std::vector<std::size_t>& series) {
    const std::string_view part = family.data.type == MetricType::kSummary ? "quantile" : "le";
    const bool composite = family.data.type == MetricType::kHistogram ||
                           family.data.type == MetricType::kGaugeHistogram ||
                           family.data.type == MetricType::kSummary;
    std::vector<std::pair<LabelSet, std::vector<std::size_t>>> metrics;
    if (composite) {
      std::map<LabelSet, std::vector<std::size_t>> by_labels;
      for (const std::size_t i : series)
        by_labels[found_->labels(i).without(part).without(kMetricName)].push_back(i);
      metrics.assign(by_labels.begin(), by_labels.end());
    } else {
      for (const std::size_t i : series) metrics.push_back({LabelSet(), {i}});
    }
    head_ = head_of(family);
    for (const auto& [labels, members] : metrics) {
      if (auto wrote = write_metric(members, part); !wrote) return wrote;
    }
    return {};
  }

  static std::string head_of(const Family& family) {
    const std::string name = family_text(family.name);
    std::string head =
        fmt::format("# TYPE {} {}\n", name,
                    family.data.type == MetricType::kUnknown ? "unknown"
                                                             : to_string(family.data.type));
    const std::string& unit = family.data.unit;
    if (!unit.empty() && family.name.ends_with("_" + unit))
      head += fmt::format("# UNIT {} {}\n", name, unit);
    if (!family.data.help.empty())
      head += fmt::format("# HELP {} {}\n", name, escape_label_value(family.data.help));
    return head;
  }

  Result<void> write_metric(std::vector<std::size_t> members, std::string_view part) {
    if (members.size() > 1) {
      // Buckets by their bound, which is a number; count and sum have none and keep their place.
      const auto bound = [&](std::size_t i) {
        const auto v = parse_double(found_->labels(i).get(part));
        return v ? *v : std::numeric_limits<double>::quiet_NaN();
      };
      std::stable_sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
        const double x = bound(a), y = bound(b);
        return std::isnan(y) ? !std::isnan(x) : x < y;
      });
    }
    points_.clear();
    for (std::size_t m = 0; m < members.size(); ++m) {
      NINES_TRY(const bool any, read(members[m], columns_));
      if (!any) continue;
      const std::size_t before = points_.size();
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (is_histogram(columns_, i)) {
          ++report_.histograms_left_out;
        } else if (is_stale_nan(columns_.values[i])) {
          ++report_.stale_markers_left_out;
        } else {
          points_.push_back({columns_.times[i], m, columns_.values[i]});
        }
      }
      if (points_.size() > before) ++report_.series;
    }
    if (points_.empty()) return {};
    if (members.size() > 1) {
      std::stable_sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) {
        return std::tuple(a.time, a.member) < std::tuple(b.time, b.member);
      });
    }
    out_ += std::exchange(head_, {});
    std::vector<std::string> texts;
    for (const std::size_t i : members) texts.push_back(series_text(found_->labels(i)));
    for (const Point& point : points_) {
      out_ += texts[point.member];
      out_ += ' ';
      out_ += format_double_g(point.value);
      out_ += ' ';
      out_ += seconds(point.time);
      out_ += '\n';
      ++report_.samples;
      if (auto went = hand_over(kPieceBytes); !went) return went;
    }
    return {};
  }

  struct Point {
    std::int64_t time = 0;
    std::size_t member = 0;
    double value = 0;
  };

  const Querier& querier_;
  const DumpOptions& options_;
  const DumpSink& sink_;
  std::unique_ptr<SeriesSelection> found_;
  DumpReport report_;
  std::string out_;
  std::string head_;  // of the family, until its first sample
  SampleColumns columns_;
  std::vector<Point> points_;
};

}  // namespace

Result<DumpReport> dump(const Querier& querier, const DumpOptions& options, const DumpSink& sink) {
  return Dumper(querier, options, sink).run();
}

}  // namespace nines::storage
