#include "collector/send/internal/encode.h"

#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <snappy.h>

#include <protozero/pbf_writer.hpp>

namespace nines::collector {
namespace {

using protozero::pbf_writer;

void write_spans(pbf_writer& out, protozero::pbf_tag_type tag,
                 const std::vector<HistogramSpan>& spans) {
  for (const HistogramSpan& span : spans) {
    pbf_writer one(out, tag);
    one.add_sint32(1, span.offset);
    one.add_uint32(2, span.length);
  }
}

bool is_count(double value) {
  return value >= 0 && value <= 9007199254740992.0 && value == std::floor(value);
}

bool all_counts(const Histogram& h) {
  bool all = is_count(h.count) && is_count(h.zero_count);
  for (const double bucket : h.positive_buckets) all = all && is_count(bucket);
  for (const double bucket : h.negative_buckets) all = all && is_count(bucket);
  return all;
}

void write_deltas(pbf_writer& out, protozero::pbf_tag_type tag, const std::vector<double>& counts) {
  std::vector<std::int64_t> deltas;
  std::int64_t before = 0;
  for (const double count : counts) {
    deltas.push_back(static_cast<std::int64_t>(count) - before);
    before = static_cast<std::int64_t>(count);
  }
  out.add_packed_sint64(tag, deltas.begin(), deltas.end());
}

// Both versions have the same fields; only 2.0 has the start time.
void write_histogram(pbf_writer out, const SendItem& item, bool v2) {
  const Histogram& h = *item.histogram;
  const bool integers = all_counts(h);
  if (integers) {
    out.add_uint64(1, static_cast<std::uint64_t>(h.count));
  } else {
    out.add_double(2, h.count);
  }
  out.add_double(3, h.sum);
  out.add_sint32(4, h.schema);
  out.add_double(5, h.zero_threshold);
  if (integers) {
    out.add_uint64(6, static_cast<std::uint64_t>(h.zero_count));
  } else {
    out.add_double(7, h.zero_count);
  }
  write_spans(out, 8, h.negative_spans);
  if (integers) {
    write_deltas(out, 9, h.negative_buckets);
  } else {
    out.add_packed_double(10, h.negative_buckets.begin(), h.negative_buckets.end());
  }
  write_spans(out, 11, h.positive_spans);
  if (integers) {
    write_deltas(out, 12, h.positive_buckets);
  } else {
    out.add_packed_double(13, h.positive_buckets.begin(), h.positive_buckets.end());
  }
  out.add_enum(14, static_cast<std::int32_t>(h.reset_hint));
  out.add_int64(15, item.time_ms);
  out.add_packed_double(16, h.custom_values.begin(), h.custom_values.end());
  if (v2 && item.start_ms != 0) out.add_int64(17, item.start_ms);
}

void write_sample(pbf_writer out, const SendItem& item, bool v2) {
  out.add_double(1, item.value);
  out.add_int64(2, item.time_ms);
  if (v2 && item.start_ms != 0) out.add_int64(3, item.start_ms);
}

void write_labels(pbf_writer& out, const LabelSet& labels) {
  for (const Label& label : labels) {
    pbf_writer one(out, 1);
    one.add_string(1, label.name);
    one.add_string(2, label.value);
  }
}

class Symbols {
 public:
  std::uint32_t of(std::string_view text) {
    const auto [at, is_new] = numbers_.try_emplace(text, static_cast<std::uint32_t>(list_.size()));
    if (is_new) list_.push_back(text);
    return at->second;
  }
  std::vector<std::uint32_t> of(const LabelSet& labels) {
    std::vector<std::uint32_t> refs;
    for (const Label& label : labels) {
      refs.push_back(of(label.name));
      refs.push_back(of(label.value));
    }
    return refs;
  }
  const std::vector<std::string_view>& list() const { return list_; }

 private:
  std::unordered_map<std::string_view, std::uint32_t> numbers_{{"", 0}};
  std::vector<std::string_view> list_{""};
};

const Metadata* find_metadata(const MetadataMap& all, std::string_view metric) {
  if (const auto found = all.find(std::string(metric)); found != all.end()) return &found->second;
  for (const std::string_view suffix : {"_total", "_bucket", "_count", "_sum", "_info"}) {
    if (!metric.ends_with(suffix)) continue;
    const auto found = all.find(std::string(metric.substr(0, metric.size() - suffix.size())));
    if (found != all.end()) return &found->second;
  }
  return nullptr;
}

// The protocol's numbers are in the order of ours, whose first is unknown.
std::int32_t type_number(MetricType type) {
  return static_cast<std::int32_t>(type);
}

void write_metadata_v2(pbf_writer out, const Metadata& m, Symbols& symbols) {
  out.add_enum(1, type_number(m.type));
  out.add_uint32(3, symbols.of(m.help));
  out.add_uint32(4, symbols.of(m.unit));
}

}  // namespace

std::string encode_v1(std::span<const SendItem> items) {
  std::string message;
  pbf_writer out(message);
  for (const SendItem& item : items) {
    pbf_writer series(out, 1);
    write_labels(series, item.labels);
    if (item.exemplar) {
      pbf_writer exemplar(series, 3);
      write_labels(exemplar, item.exemplar->labels);
      exemplar.add_double(2, item.exemplar->value);
      exemplar.add_int64(3, item.exemplar->time_ms);
    } else if (item.histogram) {
      write_histogram(pbf_writer(series, 4), item, false);
    } else {
      write_sample(pbf_writer(series, 2), item, false);
    }
  }
  return message;
}

std::string encode_v2(std::span<const SendItem> items, const MetadataMap& metadata) {
  Symbols symbols;
  std::string rows;
  pbf_writer out(rows);
  for (const SendItem& item : items) {
    pbf_writer series(out, 5);
    const std::vector<std::uint32_t> refs = symbols.of(item.labels);
    series.add_packed_uint32(1, refs.begin(), refs.end());
    if (item.exemplar) {
      pbf_writer exemplar(series, 4);
      const std::vector<std::uint32_t> own = symbols.of(item.exemplar->labels);
      exemplar.add_packed_uint32(1, own.begin(), own.end());
      exemplar.add_double(2, item.exemplar->value);
      exemplar.add_int64(3, item.exemplar->time_ms);
    } else if (item.histogram) {
      write_histogram(pbf_writer(series, 3), item, true);
    } else {
      write_sample(pbf_writer(series, 2), item, true);
    }
    if (const Metadata* about = find_metadata(metadata, item.labels.metric_name())) {
      write_metadata_v2(pbf_writer(series, 5), *about, symbols);
    }
  }
  std::string message;
  pbf_writer head(message);
  for (const std::string_view symbol : symbols.list()) {
    head.add_string(4, symbol.data(), symbol.size());
  }
  return message + rows;
}

std::string encode_metadata(MetadataMap::const_iterator from, MetadataMap::const_iterator to) {
  std::string message;
  pbf_writer out(message);
  for (auto at = from; at != to; ++at) {
    pbf_writer one(out, 3);
    one.add_enum(1, type_number(at->second.type));
    one.add_string(2, at->first);
    one.add_string(4, at->second.help);
    one.add_string(5, at->second.unit);
  }
  return message;
}

HttpRequest make_send_request(const SendConfig& config, SendProtocol protocol,
                              const std::string& message) {
  HttpRequest request;
  request.method = "POST";
  request.url = config.url;
  request.timeout = config.remote_timeout;
  request.body_bytes_max = 64u << 10;
  const bool v2 = protocol == SendProtocol::kV2;
  request.headers = {
      {"Content-Encoding", "snappy"},
      {"Content-Type", v2 ? "application/x-protobuf;proto=io.prometheus.write.v2.Request"
                          : "application/x-protobuf"},
      {"X-Prometheus-Remote-Write-Version", v2 ? "2.0.0" : "0.1.0"}};
  snappy::Compress(message.data(), message.size(), &request.body);
  add_access(config.access, request);
  return request;
}

}  // namespace nines::collector
