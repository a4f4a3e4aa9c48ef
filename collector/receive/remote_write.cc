#include "collector/receive/remote_write.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/core/mutex.h"
#include "base/model/labels.h"
#include "base/text/text.h"
#include "collector/receive/internal/write_request.h"

namespace nines::collector {
namespace {

constexpr const char* kComponent = "receive";
constexpr std::size_t kReasonsMax = 3;

// Series of one job and instance. Used by one request at a time.
struct Group {
  Mutex mutex;
  std::unique_ptr<storage::GroupWriter> writer NINES_GUARDED_BY(mutex);
  std::unordered_map<LabelSet, storage::Slot> slots NINES_GUARDED_BY(mutex);
  Instant used NINES_GUARDED_BY(mutex){};
};

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

// What one request leaves behind.
struct Outcome {
  RemoteWriteAnswer answer;
  std::vector<std::string> reasons;
  std::uint64_t refused = 0;
  bool again = false;  // refused for a reason that may pass

  void refuse(std::uint64_t count, std::string why) {
    refused += count;
    if (reasons.size() < kReasonsMax) reasons.push_back(std::move(why));
  }
};

}  // namespace

struct RemoteWriteReceiver::Impl {
  Impl(RemoteWriteParts p, RemoteWriteOptions o) : parts(p), options(o), counters(p.telemetry) {}

  using WrittenLabels = std::vector<std::pair<std::string_view, std::string_view>>;

  Result<LabelSet> checked(const WrittenLabels& written, std::string_view what) const {
    std::vector<Label> labels;
    labels.reserve(written.size());
    const auto invalid = [](std::string why) { return Error(ErrorCode::kInvalid, std::move(why)); };
    if (written.size() > options.labels_max) {
      return invalid(std::string(what) + " has more than " + std::to_string(options.labels_max) +
                     " labels");
    }
    for (const auto& [name, value] : written) {
      if (name.size() > options.label_bytes_max || value.size() > options.label_bytes_max) {
        return invalid("label " + quote_go(name.substr(0, 100)) + " is longer than " +
                       std::to_string(options.label_bytes_max) + " bytes");
      }
      if (name.empty() || !is_valid_utf8(name) || !is_valid_utf8(value)) {
        return invalid("label " + quote_go(name) + " is empty or not valid UTF-8");
      }
      labels.push_back({std::string(name), std::string(value)});
    }
    std::sort(labels.begin(), labels.end());
    const auto twice =
        std::adjacent_find(labels.begin(), labels.end(),
                           [](const Label& a, const Label& b) { return a.name == b.name; });
    if (twice != labels.end()) return invalid("label " + quote_go(twice->name) + " stands twice");
    return LabelSet::from(std::move(labels));
  }

  Result<LabelSet> labels_of(const WrittenSeries& series) const {
    NINES_TRY(LabelSet set, checked(series.labels, "a series"));
    if (set.metric_name().empty()) {
      return Error(ErrorCode::kInvalid, "series " + set.to_string() + " has no name");
    }
    return set;
  }

  // Kept by the request that asked, so that closing an idle group does not take it away from it.
  Result<std::shared_ptr<Group>> group_of(const LabelSet& labels) {
    std::string name = "receive/remote_write/" + std::string(labels.get("job")) + "/" +
                       std::string(labels.get("instance"));
    const MutexLock lock(mutex);
    if (const auto known = groups.find(name); known != groups.end()) return known->second;
    if (groups.size() >= options.groups_max) close_idle();
    if (groups.size() >= options.groups_max) {
      return Error(ErrorCode::kLimit, "more than " + std::to_string(options.groups_max) +
                                          " pairs of job and instance are sent");
    }
    const std::string job(labels.get("job"));
    NINES_TRY(std::unique_ptr<storage::GroupWriter> writer,
              parts.appender.open_group(
                  {name, LabelSet{{"job", job}, {"instance", std::string(labels.get("instance"))}},
                   "receive/remote_write/" + job}));
    auto group = std::make_shared<Group>();
    {
      const MutexLock inner(group->mutex);
      group->writer = std::move(writer);
    }
    groups.emplace(std::move(name), group);
    return group;
  }

  void close_idle() NINES_REQUIRES(mutex) {
    const Instant now = parts.clock.elapsed();
    std::erase_if(groups, [&](const auto& entry) {
      if (entry.second.use_count() > 1) return false;  // in a request's hands
      const MutexLock lock(entry.second->mutex);
      return now - entry.second->used > options.group_idle_max;
    });
  }

  // The series of one group, into rows by time.
  void write(Group& group, const std::vector<std::pair<LabelSet, const WrittenSeries*>>& series,
             Outcome& outcome) {
    const MutexLock lock(group.mutex);
    group.used = parts.clock.elapsed();
    std::map<std::int64_t, std::vector<storage::Row>> batches;
    std::vector<storage::ExemplarRow> exemplars;
    for (const auto& [labels, written] : series) {
      auto slot = group.slots.find(labels);
      if (slot == group.slots.end()) {
        const Result<storage::Slot> made = group.writer->slot(labels);
        if (!made) {
          outcome.refuse(written->samples.size(), made.error().what());
          continue;
        }
        slot = group.slots.emplace(labels, *made).first;
      }
      for (const WrittenSample& sample : written->samples) {
        storage::Row row;
        row.slot = slot->second;
        row.value = sample.value;
        row.histogram = sample.histogram.get();
        row.start_time_ms = sample.start_ms;
        batches[sample.time_ms].push_back(row);
      }
      read_exemplars(*written, slot->second, exemplars, outcome);
    }
    for (const auto& [time_ms, rows] : batches) append(group, time_ms, rows, outcome);
    append_exemplars(group, exemplars, outcome);
  }

  void read_exemplars(const WrittenSeries& written, storage::Slot slot,
                      std::vector<storage::ExemplarRow>& out, Outcome& outcome) const {
    for (const WrittenExemplar& one : written.exemplars) {
      Result<LabelSet> labels = checked(one.labels, "an exemplar");
      if (!labels) {
        outcome.refuse(1, labels.error().what());
        continue;
      }
      out.push_back({slot, {*std::move(labels), one.value, one.time_ms, true}});
    }
  }

  // Exemplars that are late or too long are counted by the store and, as in Prometheus, are no
  // reason to refuse a message.
  void append_exemplars(Group& group, std::vector<storage::ExemplarRow>& rows, Outcome& outcome)
      NINES_REQUIRES(group.mutex) {
    if (rows.empty()) return;
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      return a.exemplar.time_ms < b.exemplar.time_ms;
    });
    const Result<storage::ExemplarOutcome> done = group.writer->append_exemplars(rows);
    if (!done) {
      outcome.again = true;
      outcome.refuse(rows.size(), done.error().what());
      return;
    }
    outcome.answer.exemplars += std::uint64_t{done->appended} + done->duplicates;
    counters.exemplars.add(done->appended);
  }

  static void append(Group& group, std::int64_t time_ms, const std::vector<storage::Row>& rows,
                     Outcome& outcome) NINES_REQUIRES(group.mutex) {
    const Result<storage::AppendOutcome> done = group.writer->append(from_millis(time_ms), rows);
    if (!done) {
      outcome.again = true;
      outcome.refuse(rows.size(), done.error().what());
      return;
    }
    const auto refuse = [&](std::uint32_t count, const char* why) {
      if (count != 0) outcome.refuse(count, std::to_string(count) + " samples " + why);
    };
    refuse(done->out_of_order, "are older than the out-of-order window");
    refuse(done->conflicts, "have another value than the one stored for their time");
    refuse(done->too_far_ahead, "are too far in the future");
    // A repeated sample counts as written: that is what its sender wants to know.
    const bool all = done->appended + done->duplicates == rows.size();
    std::uint64_t histograms = 0;
    for (const storage::Row& row : rows) histograms += row.histogram != nullptr ? 1 : 0;
    const std::uint64_t taken = std::uint64_t{done->appended} + done->duplicates;
    const std::uint64_t taken_histograms = all ? histograms : std::min(histograms, taken);
    outcome.answer.histograms += taken_histograms;
    outcome.answer.samples += taken - taken_histograms;
  }

  void write_all(const WriteRequest& request, Outcome& outcome) {
    std::map<std::shared_ptr<Group>, std::vector<std::pair<LabelSet, const WrittenSeries*>>> by;
    for (const WrittenSeries& series : request.series) {
      Result<LabelSet> labels = labels_of(series);
      if (!labels) {
        outcome.refuse(std::max<std::size_t>(1, series.samples.size()), labels.error().what());
        continue;
      }
      if (series.samples.empty() && series.exemplars.empty()) continue;
      Result<std::shared_ptr<Group>> group = group_of(*labels);
      if (!group) {
        outcome.refuse(series.samples.size(), group.error().what());
        continue;
      }
      by[*std::move(group)].emplace_back(*std::move(labels), &series);
    }
    for (const auto& [group, series] : by) write(*group, series, outcome);
    for (const WrittenMetadata& m : request.metadata) {
      if (!is_valid_utf8(m.family) || !is_valid_utf8(m.help) || !is_valid_utf8(m.unit)) continue;
      parts.appender.set_metadata(std::string(m.family),
                                  {m.type, std::string(m.help), std::string(m.unit)});
    }
  }

  const RemoteWriteParts parts;
  const RemoteWriteOptions options;
  Counters counters;
  Mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<Group>> groups NINES_GUARDED_BY(mutex);
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
  const Result<WriteRequest> request = read_write_request(*message, *version);
  if (!request) return refuse(400, request.error().what());

  Outcome outcome;
  for (const std::string& why : request->bad) outcome.refuse(1, why);
  impl_->write_all(*request, outcome);
  RemoteWriteAnswer& answer = outcome.answer;
  answer.counted = *version == WriteVersion::kV2;
  impl_->counters.samples.add(static_cast<double>(answer.samples + answer.histograms));
  if (outcome.refused != 0) {
    answer.status = outcome.again ? 503 : 400;
    answer.text = join(outcome.reasons, "; ");
    impl_->counters.refused.add(static_cast<double>(outcome.refused));
    impl_->parts.log.debug(kComponent, "remote write refused={} why=\"{}\"", outcome.refused,
                           answer.text);
  }
  return std::move(outcome.answer);
}

}  // namespace nines::collector
