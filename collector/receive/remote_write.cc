#include "collector/receive/remote_write.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/model/labels.h"
#include "base/text/text.h"
#include "collector/receive/internal/group_table.h"
#include "collector/receive/internal/write_request.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "receive";

struct Counters {
  explicit Counters(Telemetry& t)
      : samples(t.counter("nines_remote_write_samples_total",
                          "Samples and histograms received by remote write and kept.")),
        refused(t.counter("nines_remote_write_samples_refused_total",
                          "Samples and series received by remote write and refused.")),
        exemplars(t.counter("nines_remote_write_exemplars_total",
                            "Exemplars received by remote write and kept.")),
        bad(t.counter("nines_remote_write_bad_requests_total",
                      "Remote write requests that could not be read.")) {}
  Counter& samples;
  Counter& refused;
  Counter& exemplars;
  Counter& bad;
};

std::optional<WriteVersion> version_of(std::string_view content_type) {
  const std::string type = to_lower(trim(content_type));
  if (type.empty()) return WriteVersion::kV1;
  const std::vector<std::string_view> parts = split(type, ';');
  if (trim(parts[0]) != "application/x-protobuf") return std::nullopt;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = trim(parts[i]);
    if (!part.starts_with("proto=")) continue;
    if (part == "proto=prometheus.writerequest") return WriteVersion::kV1;
    if (part == "proto=io.prometheus.write.v2.request") return WriteVersion::kV2;
    return std::nullopt;
  }
  return WriteVersion::kV1;
}

}  // namespace

struct RemoteWriteReceiver::Impl {
  Impl(RemoteWriteParts p, RemoteWriteOptions o)
      : parts(p),
        options(o),
        counters(p.telemetry),
        groups(p.appender, p.clock, "remote_write",
               {o.labels_max, o.label_bytes_max, o.groups_max, o.group_idle_max}) {}

  Result<LabelSet> labels_of(const WrittenSeries& series) const {
    NINES_TRY(LabelSet set, checked_labels(series.labels, "a series", groups.limits()));
    if (set.metric_name().empty()) {
      return Error(ErrorCode::kInvalid, "series " + set.to_string() + " has no name");
    }
    return set;
  }

  std::vector<Exemplar> exemplars_of(const WrittenSeries& written, PushOutcome& outcome) const {
    std::vector<Exemplar> out;
    for (const WrittenExemplar& one : written.exemplars) {
      Result<LabelSet> labels = checked_labels(one.labels, "an exemplar", groups.limits());
      if (!labels) {
        outcome.refuse(1, labels.error().what());
        continue;
      }
      out.push_back({*std::move(labels), one.value, one.time_ms, true});
    }
    return out;
  }

  void write_all(WriteRequest& request, PushOutcome& outcome) {
    std::vector<PushedSeries> all;
    all.reserve(request.series.size());
    for (WrittenSeries& series : request.series) {
      Result<LabelSet> labels = labels_of(series);
      if (!labels) {
        outcome.refuse(std::max<std::size_t>(1, series.samples.size()), labels.error().what());
        continue;
      }
      all.push_back(
          {*std::move(labels), std::move(series.samples), exemplars_of(series, outcome)});
    }
    groups.write(std::move(all), outcome);
    for (const WrittenMetadata& m : request.metadata) {
      if (!is_valid_utf8(m.family) || !is_valid_utf8(m.help) || !is_valid_utf8(m.unit)) continue;
      parts.appender.set_metadata(std::string(m.family),
                                  {m.type, std::string(m.help), std::string(m.unit)});
    }
  }

  const RemoteWriteParts parts;
  const RemoteWriteOptions options;
  Counters counters;
  GroupTable groups;
};

RemoteWriteReceiver::RemoteWriteReceiver(RemoteWriteParts parts, RemoteWriteOptions options)
    : impl_(std::make_unique<Impl>(parts, options)) {}
RemoteWriteReceiver::~RemoteWriteReceiver() = default;

RemoteWriteAnswer RemoteWriteReceiver::take(std::string_view content_type,
                                            std::string_view content_encoding,
                                            std::string_view body) {
  const auto refuse = [&](int status, std::string why) {
    impl_->counters.bad.add();
    RemoteWriteAnswer answer;
    answer.status = status;
    answer.text = std::move(why);
    return answer;
  };
  const std::optional<WriteVersion> version = version_of(content_type);
  if (!version) {
    return refuse(415, "Content-Type " + quote_go(content_type.substr(0, 100)) +
                           " is none of remote write 1.0 or 2.0");
  }
  if (const std::string encoding = to_lower(trim(content_encoding));
      !encoding.empty() && encoding != "snappy") {
    return refuse(415, "Content-Encoding " + quote_go(encoding) + " is not snappy");
  }
  const Result<std::string> message = unsnap(body, impl_->options.decoded_bytes_max);
  if (!message) return refuse(400, message.error().what());
  Result<WriteRequest> request = read_write_request(*message, *version);
  if (!request) return refuse(400, request.error().what());

  PushOutcome outcome;
  for (const std::string& why : request->bad) outcome.refuse(1, why);
  impl_->write_all(*request, outcome);
  RemoteWriteAnswer answer;
  answer.samples = outcome.samples;
  answer.histograms = outcome.histograms;
  answer.exemplars = outcome.exemplars;
  answer.counted = *version == WriteVersion::kV2;
  impl_->counters.samples.add(static_cast<double>(answer.samples + answer.histograms));
  impl_->counters.exemplars.add(static_cast<double>(answer.exemplars));
  if (outcome.refused != 0) {
    answer.status = outcome.again ? 503 : 400;
    answer.text = join(outcome.reasons, "; ");
    impl_->counters.refused.add(static_cast<double>(outcome.refused));
    impl_->parts.log.debug(kComponent, "remote write refused={} why=\"{}\"", outcome.refused,
                           answer.text);
  }
  return answer;
}

}  // namespace nines::collector
