// [remote_write_receiver], [otlp], [pushgateway], [influx], [statsd], [graphite]: what others send
// to nines.
#include <algorithm>
#include <string>
#include <utility>

#include "app/config/internal/sections.h"

namespace nines::config {
namespace {

constexpr std::pair<std::string_view, collector::OtlpTranslation> kTranslations[] = {
    {"UnderscoreEscapingWithSuffixes", collector::OtlpTranslation::kUnderscoresWithSuffixes},
    {"UnderscoreEscapingWithoutSuffixes", collector::OtlpTranslation::kUnderscoresWithoutSuffixes},
    {"NoUTF8EscapingWithSuffixes", collector::OtlpTranslation::kUtf8WithSuffixes},
    {"NoTranslation", collector::OtlpTranslation::kNone}};

// Limits that several receivers have, each under the same name.
template <typename Options>
void read_label_limits(TableReader& t, Options& o) {
  t.read_count("max_labels_per_series", o.labels_max);
  t.read_bytes("max_label_length", o.label_bytes_max);
}
template <typename Options>
void read_group_limits(TableReader& t, Options& o) {
  read_label_limits(t, o);
  t.read_count("max_groups", o.groups_max);
  t.read("group_idle", o.group_idle_max);
}
template <typename Options>
void read_line_limits(TableReader& t, Options& o) {
  read_label_limits(t, o);
  t.read_count("max_connections", o.connections_max);
  t.read_bytes("max_line_size", o.line_bytes_max);
  t.read("idle_timeout", o.idle_max);
}
template <typename Options>
void read_interval(TableReader& t, Options& o) {
  t.read("interval", o.interval);
  if (o.interval < Duration(100)) t.fail("interval", "`interval` must be at least 100ms");
}

void read_remote_write(TableReader& t, collector::RemoteWriteOptions& o) {
  t.read_bytes("max_message_size", o.decoded_bytes_max);
  read_group_limits(t, o);
}

void read_otlp(TableReader& t, collector::OtlpOptions& o) {
  std::string translation;
  std::vector<std::string_view> words;
  for (const auto& [word, value] : kTranslations) words.push_back(word);
  t.read_one_of("translation_strategy", translation, words);
  for (const auto& [word, value] : kTranslations) {
    if (word == translation) o.translation = value;
  }
  t.read("promote_resource_attributes", o.promoted);
  t.read("promote_all_resource_attributes", o.promote_all);
  t.read("ignore_resource_attributes", o.ignored);
  t.read("keep_identifying_resource_attributes", o.keep_identifying);
  t.read("promote_scope_metadata", o.promote_scope);
  t.read("convert_histograms_to_nhcb", o.histograms_to_custom_buckets);
  if (o.promote_all && !o.promoted.empty()) {
    t.fail("promote_resource_attributes",
           "`promote_resource_attributes` and `promote_all_resource_attributes` exclude each other");
  }
  if (!o.promote_all && !o.ignored.empty()) {
    t.fail("ignore_resource_attributes",
           "`ignore_resource_attributes` needs `promote_all_resource_attributes = true`");
  }
  t.read_bytes("max_message_size", o.decoded_bytes_max);
  t.read_bytes("max_json_message_size", o.json_bytes_max);
  t.read_count("max_message_parts", o.parts_max);
  read_group_limits(t, o);
  t.read_count("max_delta_series", o.delta_series_max);
  t.read("delta_idle", o.delta_idle_max);
}

void read_push(TableReader& t, collector::PushGatewayOptions& o) {
  read_interval(t, o);
  t.read_bytes("max_body_size", o.body_bytes_max);
  t.read_count("max_series_per_group", o.series_per_group_max);
  t.read_count("max_groups", o.groups_max);
  t.read_bytes("max_state_size", o.state_bytes_max);
  read_label_limits(t, o);
  t.read("consistency_check", o.consistency_check);
}

void read_influx(TableReader& t, collector::InfluxOptions& o) {
  t.read("measurement_field_separator", o.separator);
  t.read("database_label", o.database_label);
  t.read("sanitize_names", o.sanitize_names);
  t.read_bytes("max_message_size", o.decoded_bytes_max);
  t.read_count("max_samples_per_request", o.samples_max);
  read_group_limits(t, o);
}

void read_statsd(TableReader& t, collector::StatsdOptions& o) {
  t.read("listen", o.listen);
  read_interval(t, o);
  if (const toml::array* buckets = t.array("buckets")) {
    o.buckets.clear();
    for (const toml::node& bound : *buckets) {
      const auto number = bound.value<double>();
      if (!number || (!o.buckets.empty() && *number <= o.buckets.back())) {
        t.fail("buckets", "`buckets` must be numbers, each above the one before it");
        break;
      }
      o.buckets.push_back(*number);
    }
  }
  t.read("series_idle", o.series_idle_max);
  t.read_count("max_series", o.series_max);
  t.read_count("max_set_members", o.set_members_max);
  read_line_limits(t, o);
}

void read_graphite(TableReader& t, collector::GraphiteOptions& o) {
  t.read("listen", o.listen);
  t.read("sanitize_names", o.sanitize_names);
  read_line_limits(t, o);
}

}  // namespace

void read_receive(TableReader& root, Config& config) {
  root.table("remote_write_receiver",
             [&](TableReader& t) { read_remote_write(t, config.receive.remote_write); });
  root.table("otlp", [&](TableReader& t) { read_otlp(t, config.receive.otlp); });
  root.table("pushgateway", [&](TableReader& t) { read_push(t, config.receive.push); });
  root.table("influx", [&](TableReader& t) { read_influx(t, config.receive.influx); });
  root.table("statsd", [&](TableReader& t) { read_statsd(t, config.receive.statsd); });
  root.table("graphite", [&](TableReader& t) { read_graphite(t, config.receive.graphite); });
}

}  // namespace nines::config
