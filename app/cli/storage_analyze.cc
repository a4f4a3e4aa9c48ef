// `nines storage analyze`: what a data folder spends its bytes on.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/cli/cli.h"
#include "app/cli/internal/ask.h"
#include "app/cli/internal/folder.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "storage/offline/analyze.h"

namespace nines::app {
namespace {

using storage::Analysis;
using storage::ClassAnalysis;
using storage::LabelUse;
using storage::MetricUse;
using storage::TargetUse;

void print_json(const AskedFolder& folder, const Analysis& a) {
  JsonWriter json;
  json.begin_object()
      .field("path", folder.path)
      .field("in_use", folder.live)
      .field("series", a.series)
      .field("samples", a.samples)
      .field("stale_markers", a.stale_markers)
      .field("samples_in_journal", a.samples_in_journal)
      .field("bytes_per_sample", a.bytes_per_sample)
      .field("metric_names", a.metric_names)
      .field("label_names", a.label_names)
      .field("targets", a.targets)
      .field("log_streams", a.log_streams)
      .field("damaged_series", a.damaged_reads);
  if (a.series > 0) {
    json.field("oldest", format_time(a.oldest)).field("newest", format_time(a.newest));
    json.key("churn").begin_object().field("since", format_time(a.hour)).field("ended", a.ended);
    json.key("begun");
    a.younger_than_an_hour ? json.null() : json.value(a.begun);
    json.end_object();
  }
  json.key("classes").begin_array();
  for (const ClassAnalysis& cls : a.classes) {
    json.begin_object()
        .field("class", cls.share.name)
        .field("segments", cls.share.segments)
        .field("segments_used", cls.share.segments_used)
        .field("bytes", cls.share.bytes)
        .field("bytes_used", cls.share.bytes_used);
    if (cls.share.newest != Timestamp{}) {
      json.field("oldest", format_time(cls.share.oldest))
          .field("newest", format_time(cls.share.newest));
    }
    if (cls.retention > Duration::zero())
      json.field("projected_retention_seconds", to_seconds(cls.retention));
    json.end_object();
  }
  json.end_array().key("metrics").begin_array();
  for (const MetricUse& m : a.metrics) {
    json.begin_object()
        .field("name", m.name)
        .field("series", m.series)
        .field("samples", m.samples)
        .field("ended", m.ended)
        .field("begun", m.begun)
        .end_object();
  }
  json.end_array().key("labels").begin_array();
  for (const LabelUse& l : a.labels) {
    json.begin_object()
        .field("name", l.name)
        .field("values", l.values)
        .field("series", l.series)
        .end_object();
  }
  json.end_array().key("by_target").begin_array();
  for (const TargetUse& t : a.by_target) {
    json.begin_object()
        .field("job", t.job)
        .field("instance", t.instance)
        .field("series", t.series)
        .field("samples", t.samples)
        .field("ended", t.ended)
        .field("begun", t.begun)
        .end_object();
  }
  json.end_array().key("damage").begin_array();
  for (const std::string& line : a.damage) json.value(line);
  json.end_array().end_object();
  fmt::print("{}\n", json.str());
}

std::string time_text(Timestamp at) {
  return at == Timestamp{} ? "-" : format_time(at);
}

void print_tables(const Analysis& a) {
  if (a.series == 0) {
    fmt::print("no samples\n");
  } else {
    fmt::print("{} series of {} metrics from {} targets, {} samples from {} to {}\n", a.series,
               a.metric_names, a.targets, a.samples, format_time(a.oldest), format_time(a.newest));
    fmt::print("since {}: {} series have ended, {} have begun\n", format_time(a.hour), a.ended,
               a.younger_than_an_hour ? std::string("all") : std::to_string(a.begun));
    if (a.bytes_per_sample > 0) {
      fmt::print("{:.2f} bytes per sample on the raw ring; {} newer samples are in the journal\n",
                 a.bytes_per_sample, a.samples_in_journal);
    }
  }
  if (a.log_streams > 0) fmt::print("{} log streams\n", a.log_streams);
  std::vector<Row> rows;
  for (const ClassAnalysis& cls : a.classes) {
    rows.push_back({cls.share.name,
                    fmt::format("{} of {}", cls.share.segments_used, cls.share.segments),
                    format_bytes(cls.share.bytes_used), format_bytes(cls.share.bytes),
                    time_text(cls.share.oldest), time_text(cls.share.newest),
                    cls.retention > Duration::zero()
                        ? format_duration(Duration(cls.retention.count() / 60'000 * 60'000))
                        : "-"});
  }
  fmt::print("\n");
  print_rows({}, {"CLASS", "SEGMENTS", "USED", "SHARE", "OLDEST", "NEWEST", "LASTS"}, rows);
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  rows.clear();
  for (const MetricUse& m : a.metrics)
    rows.push_back({m.name, number(m.series), number(m.samples), number(m.ended),
                    number(m.begun)});
  fmt::print("\n");
  print_rows({}, {"METRIC", "SERIES", "SAMPLES", "ENDED", "BEGUN"}, rows);
  rows.clear();
  for (const LabelUse& l : a.labels) rows.push_back({l.name, number(l.values), number(l.series)});
  fmt::print("\n");
  print_rows({}, {"LABEL", "VALUES", "SERIES"}, rows);
  rows.clear();
  for (const TargetUse& t : a.by_target) {
    rows.push_back({t.job.empty() ? "-" : t.job, t.instance.empty() ? "-" : t.instance,
                    number(t.series), number(t.samples), number(t.ended), number(t.begun)});
  }
  fmt::print("\n");
  print_rows({}, {"JOB", "INSTANCE", "SERIES", "SAMPLES", "ENDED", "BEGUN"}, rows);
}

}  // namespace

int storage_analyze(const AnalyzeOptions& options) {
  storage::OpenedFolder::Options how;
  if (!options.config.empty()) {
    const auto parts = parts_of_config(options.config);
    if (!parts) {
      fmt::print(stderr, "{}\n", parts.error().what());
      return kExitFailure;
    }
    how.parts = *parts;
  }
  return with_folder(options.storage, how, [&options](const AskedFolder& folder) {
    const auto analysis = storage::analyze(folder.stores, options.top);
    if (!analysis) {
      fmt::print(stderr, "nines: {}\n", analysis.error().what());
      return kExitFailure;
    }
    if (options.storage.json) {
      print_json(folder, *analysis);
    } else {
      print_tables(*analysis);
    }
    for (const std::string& line : analysis->damage)
      fmt::print(stderr, "nines: damaged: {}\n", line);
    if (analysis->damaged_reads > 0) {
      fmt::print(stderr, "nines: of {} series something could not be read\n",
                 analysis->damaged_reads);
    }
    return kExitOk;
  });
}

}  // namespace nines::app
