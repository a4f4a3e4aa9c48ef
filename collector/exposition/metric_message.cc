#include "collector/exposition/internal/metric_message.h"

#include <algorithm>
#include <string>

#include "base/text/protobuf.h"
#include "base/text/text.h"

namespace nines::collector {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr auto kBytes = pbf_wire_type::length_delimited;
constexpr auto kVarint = pbf_wire_type::varint;
constexpr auto kFixed64 = pbf_wire_type::fixed64;
constexpr std::int64_t kSecondsMax = 9'000'000'000'000;  // milliseconds beyond lose precision

std::string_view view(pbf_reader& field) {
  const protozero::data_view data = field.get_view();
  return {data.data(), data.size()};
}

Error invalid(const char* why) {
  return {ErrorCode::kInvalid, why};
}

// google.protobuf.Timestamp.
Result<std::int64_t> read_time(pbf_reader m) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kVarint):
        seconds = m.get_int64();
        break;
      case tag_and_type(2, kVarint):
        nanos = m.get_int32();
        break;
      default:
        m.skip();
    }
  }
  if (seconds > kSecondsMax || seconds < -kSecondsMax) return invalid("timestamp out of range");
  return seconds * 1000 + nanos / 1'000'000;
}

void read_pair(pbf_reader m, std::string_view& name, std::string_view& value) {
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kBytes):
        name = view(m);
        break;
      case tag_and_type(2, kBytes):
        value = view(m);
        break;
      default:
        m.skip();
    }
  }
}

Result<ExposedExemplar> read_exemplar(pbf_reader m) {
  ExposedExemplar out;
  std::vector<Label> labels;
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kBytes): {
        std::string_view name;
        std::string_view value;
        read_pair(m.get_message(), name, value);
        if (name.empty()) return invalid("label of an exemplar has no name");
        if (!is_valid_utf8(name) || !is_valid_utf8(value)) {
          return invalid("label of an exemplar is not valid UTF-8");
        }
        if (std::any_of(labels.begin(), labels.end(),
                        [&](const Label& l) { return l.name == name; })) {
          return invalid("label of an exemplar stands twice");
        }
        labels.push_back({std::string(name), std::string(value)});
        break;
      }
      case tag_and_type(2, kFixed64):
        out.value = m.get_double();
        break;
      case tag_and_type(3, kBytes): {
        NINES_TRY(out.time_ms, read_time(m.get_message()));
        break;
      }
      default:
        m.skip();
    }
  }
  out.labels = LabelSet::from(std::move(labels));
  return out;
}

// Counter, Gauge and Untyped: all have their value first.
Result<void> read_simple(pbf_reader m, MetricMessage& out) {
  out.has_value = true;
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kFixed64):
        out.value = m.get_double();
        break;
      case tag_and_type(2, kBytes): {
        NINES_TRY(ExposedExemplar exemplar, read_exemplar(m.get_message()));
        out.exemplars.push_back(std::move(exemplar));
        break;
      }
      case tag_and_type(3, kBytes): {
        NINES_TRY(out.start_ms, read_time(m.get_message()));
        break;
      }
      default:
        m.skip();
    }
  }
  return {};
}

std::pair<double, double> read_quantile(pbf_reader m) {
  std::pair<double, double> out;
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kFixed64):
        out.first = m.get_double();
        break;
      case tag_and_type(2, kFixed64):
        out.second = m.get_double();
        break;
      default:
        m.skip();
    }
  }
  return out;
}

Result<void> read_summary(pbf_reader m, MetricMessage& out) {
  out.has_value = true;
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kVarint):
        out.count = static_cast<double>(m.get_uint64());
        break;
      case tag_and_type(2, kFixed64):
        out.sum = m.get_double();
        break;
      case tag_and_type(3, kBytes):
        out.quantiles.push_back(read_quantile(m.get_message()));
        break;
      case tag_and_type(4, kBytes): {
        NINES_TRY(out.start_ms, read_time(m.get_message()));
        break;
      }
      default:
        m.skip();
    }
  }
  return {};
}

Result<MessageBucket> read_bucket(pbf_reader m) {
  MessageBucket out;
  double whole = 0;
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kVarint):
        whole = static_cast<double>(m.get_uint64());
        break;
      case tag_and_type(2, kFixed64):
        out.upper_bound = m.get_double();
        break;
      case tag_and_type(3, kBytes): {
        NINES_TRY(out.exemplar, read_exemplar(m.get_message()));
        break;
      }
      case tag_and_type(4, kFixed64):
        out.cumulative_count = m.get_double();
        break;
      default:
        m.skip();
    }
  }
  if (!(out.cumulative_count > 0)) out.cumulative_count = whole;
  return out;
}

void read_span(pbf_reader m, std::vector<HistogramSpan>& out) {
  HistogramSpan span;
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kVarint):
        span.offset = m.get_sint32();
        break;
      case tag_and_type(2, kVarint):
        span.length = m.get_uint32();
        break;
      default:
        m.skip();
    }
  }
  out.push_back(span);
}

// Spans without buckets say only that the histogram is a native one.
void drop_empty(std::vector<HistogramSpan>& spans) {
  std::vector<HistogramSpan> kept;
  std::int64_t gap = 0;
  for (const HistogramSpan& span : spans) {
    gap += span.offset;
    if (span.length == 0) continue;
    if (gap != static_cast<std::int32_t>(gap)) return;  // check_histogram() refuses such a thing
    kept.push_back({static_cast<std::int32_t>(gap), span.length});
    gap = 0;
  }
  spans = std::move(kept);
}

class HistogramReader {
 public:
  explicit HistogramReader(MetricMessage& out) : out_(out), h_(out.native) {}

  Result<void> run(pbf_reader m) {
    out_.has_value = true;
    while (m.next()) {
      if (take_classic(m) || take_native(m)) continue;
      switch (m.tag_and_type()) {
        case tag_and_type(3, kBytes): {
          NINES_TRY(MessageBucket bucket, read_bucket(m.get_message()));
          out_.buckets.push_back(std::move(bucket));
          break;
        }
        case tag_and_type(15, kBytes): {
          NINES_TRY(out_.start_ms, read_time(m.get_message()));
          break;
        }
        case tag_and_type(16, kBytes): {
          NINES_TRY(ExposedExemplar exemplar, read_exemplar(m.get_message()));
          out_.exemplars.push_back(std::move(exemplar));
          break;
        }
        default:
          m.skip();
      }
    }
    finish();
    return {};
  }

 private:
  bool take_classic(pbf_reader& m) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kVarint):
        count_ = static_cast<double>(m.get_uint64());
        return true;
      case tag_and_type(2, kFixed64):
        out_.sum = m.get_double();
        return true;
      case tag_and_type(4, kFixed64):
        count_float_ = m.get_double();
        return true;
      default:
        return false;
    }
  }

  bool take_native(pbf_reader& m) {
    switch (m.tag_and_type()) {
      case tag_and_type(5, kVarint):
        h_.schema = m.get_sint32();
        return true;
      case tag_and_type(6, kFixed64):
        h_.zero_threshold = m.get_double();
        return true;
      case tag_and_type(7, kVarint):
        zero_ = static_cast<double>(m.get_uint64());
        return true;
      case tag_and_type(8, kFixed64):
        zero_float_ = m.get_double();
        return true;
      case tag_and_type(9, kBytes):
        read_span(m.get_message(), h_.negative_spans);
        return true;
      case tag_and_type(12, kBytes):
        read_span(m.get_message(), h_.positive_spans);
        return true;
      default:
        return take_counts(m);
    }
  }

  // Packed or one by one: writers may do either.
  bool take_counts(pbf_reader& m) {
    switch (m.tag_and_type()) {
      case tag_and_type(10, kBytes):
        for (const std::int64_t d : m.get_packed_sint64()) negative_deltas_.push_back(d);
        return true;
      case tag_and_type(10, kVarint):
        negative_deltas_.push_back(m.get_sint64());
        return true;
      case tag_and_type(11, kBytes):
        for (const double c : m.get_packed_double()) negative_counts_.push_back(c);
        return true;
      case tag_and_type(11, kFixed64):
        negative_counts_.push_back(m.get_double());
        return true;
      case tag_and_type(13, kBytes):
        for (const std::int64_t d : m.get_packed_sint64()) positive_deltas_.push_back(d);
        return true;
      case tag_and_type(13, kVarint):
        positive_deltas_.push_back(m.get_sint64());
        return true;
      case tag_and_type(14, kBytes):
        for (const double c : m.get_packed_double()) positive_counts_.push_back(c);
        return true;
      case tag_and_type(14, kFixed64):
        positive_counts_.push_back(m.get_double());
        return true;
      default:
        return false;
    }
  }

  // Absolute counts from each bucket's difference to the one before it.
  static std::vector<double> added_up(const std::vector<std::int64_t>& deltas) {
    std::vector<double> counts;
    counts.reserve(deltas.size());
    std::uint64_t count = 0;
    for (const std::int64_t delta : deltas) {
      count += static_cast<std::uint64_t>(delta);
      counts.push_back(static_cast<double>(static_cast<std::int64_t>(count)));
    }
    return counts;
  }

  void finish() {
    out_.float_counts = count_float_ > 0 || zero_float_ > 0;
    out_.count = count_float_ > 0 ? count_float_ : count_;
    out_.is_native = !h_.positive_spans.empty() || !h_.negative_spans.empty() ||
                     h_.zero_threshold > 0 || zero_ > 0 || zero_float_ > 0;
    if (!out_.is_native) return;
    h_.count = out_.count;
    h_.sum = out_.sum;
    h_.zero_count = out_.float_counts ? zero_float_ : zero_;
    h_.positive_buckets =
        out_.float_counts ? std::move(positive_counts_) : added_up(positive_deltas_);
    h_.negative_buckets =
        out_.float_counts ? std::move(negative_counts_) : added_up(negative_deltas_);
    drop_empty(h_.positive_spans);
    drop_empty(h_.negative_spans);
  }

  MetricMessage& out_;
  Histogram& h_;
  double count_ = 0;
  double count_float_ = 0;
  double zero_ = 0;
  double zero_float_ = 0;
  std::vector<std::int64_t> positive_deltas_, negative_deltas_;
  std::vector<double> positive_counts_, negative_counts_;
};

void clear(MetricMessage& m) {
  m.labels.clear();
  m.time_ms.reset();
  m.start_ms = 0;
  m.has_value = m.is_native = m.float_counts = false;
  m.value = m.count = m.sum = 0;
  m.quantiles.clear();
  m.buckets.clear();
  m.exemplars.clear();
}

Result<void> read_content(pbf_reader& m, FamilyType type, MetricMessage& out) {
  const std::uint32_t wanted = type == FamilyType::kCounter   ? 3
                               : type == FamilyType::kGauge   ? 2
                               : type == FamilyType::kSummary ? 4
                               : type == FamilyType::kUntyped ? 5
                                                              : 7;
  if (m.tag() != wanted) {
    m.skip();
    return {};
  }
  if (wanted == 7) {
    out.native = Histogram();
    return HistogramReader(out).run(m.get_message());
  }
  return wanted == 4 ? read_summary(m.get_message(), out) : read_simple(m.get_message(), out);
}

}  // namespace

Result<void> read_metric(std::string_view bytes, FamilyType type, MetricMessage& out) {
  clear(out);
  pbf_reader m(bytes.data(), bytes.size());
  while (m.next()) {
    switch (m.tag_and_type()) {
      case tag_and_type(1, kBytes): {
        std::string_view name;
        std::string_view value;
        read_pair(m.get_message(), name, value);
        out.labels.emplace_back(name, value);
        break;
      }
      case tag_and_type(6, kVarint): {
        // Zero is what writers leave it at that mean none.
        if (const std::int64_t time = m.get_int64(); time != 0) out.time_ms = time;
        break;
      }
      case tag_and_type(2, kBytes):
      case tag_and_type(3, kBytes):
      case tag_and_type(4, kBytes):
      case tag_and_type(5, kBytes):
      case tag_and_type(7, kBytes):
        if (Result<void> read = read_content(m, type, out); !read) return read;
        break;
      default:
        m.skip();
    }
  }
  return {};
}

}  // namespace nines::collector
