#include "collector/receive/internal/write_request.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <snappy.h>

#include "base/text/protobuf.h"

namespace nines::collector {
namespace {

using protozero::pbf_reader;

constexpr std::size_t kBadMax = 10;  // reasons kept
constexpr std::size_t kSpansMax = 10'000;
constexpr std::size_t kBucketsMax = 100'000;

std::string_view view(pbf_reader& field) {
  const protozero::data_view data = field.get_view();
  return {data.data(), data.size()};
}

MetricType metric_type(std::int32_t number) {
  switch (number) {
    case 1:
      return MetricType::kCounter;
    case 2:
      return MetricType::kGauge;
    case 3:
      return MetricType::kHistogram;
    case 4:
      return MetricType::kGaugeHistogram;
    case 5:
      return MetricType::kSummary;
    case 6:
      return MetricType::kInfo;
    case 7:
      return MetricType::kStateSet;
    default:
      return MetricType::kUnknown;
  }
}

// Packed or one by one: writers may do either.
template <typename Each, typename Packed, typename One>
void repeated(pbf_reader& field, Packed packed, One one, Each each) {
  if (field.wire_type() == protozero::pbf_wire_type::length_delimited) {
    for (const auto value : (field.*packed)()) each(value);
  } else {
    each((field.*one)());
  }
}

struct Sides {
  std::vector<std::int64_t> positive_deltas, negative_deltas;
};

void read_span(pbf_reader span, std::vector<HistogramSpan>& out) {
  HistogramSpan s;
  while (span.next()) {
    if (span.tag() == 1) {
      s.offset = span.get_sint32();
    } else if (span.tag() == 2) {
      s.length = span.get_uint32();
    } else {
      span.skip();
    }
  }
  if (out.size() < kSpansMax) out.push_back(s);
}

// Absolute counts from each bucket's difference to the one before it.
void add_up(const std::vector<std::int64_t>& deltas, std::vector<double>& counts) {
  std::int64_t count = 0;
  for (const std::int64_t delta : deltas) {
    count = static_cast<std::int64_t>(static_cast<std::uint64_t>(count) +
                                      static_cast<std::uint64_t>(delta));
    counts.push_back(static_cast<double>(count));
  }
}

bool fits(const std::vector<HistogramSpan>& spans, const std::vector<double>& buckets) {
  std::uint64_t length = 0;
  for (const HistogramSpan& span : spans) length += span.length;
  for (std::size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].offset < 0) return false;
  }
  return length == buckets.size() &&
         std::all_of(buckets.begin(), buckets.end(), [](double count) { return count >= 0; });
}

const char* whats_wrong(const Histogram& h) {
  if (!fits(h.positive_spans, h.positive_buckets) || !fits(h.negative_spans, h.negative_buckets)) {
    return "histogram: spans and buckets do not agree, or a bucket is negative";
  }
  if (h.schema == kCustomBucketsSchema) {
    if (!std::is_sorted(h.custom_values.begin(), h.custom_values.end()) ||
        h.positive_buckets.size() > h.custom_values.size() + 1 || !h.negative_buckets.empty()) {
      return "histogram: custom bounds and buckets do not agree";
    }
  } else if (h.schema < -4 || h.schema > 8) {
    return "histogram: schema is not -4 to 8, nor that of custom buckets";
  }
  if (h.positive_buckets.size() + h.negative_buckets.size() > kBucketsMax) {
    return "histogram: too many buckets";
  }
  return h.count >= 0 && h.zero_count >= 0 ? nullptr : "histogram: a count is negative";
}

// What a series of that type belongs to: 2.0 describes series, not families.
std::string_view family_of(std::string_view series, MetricType type) {
  const bool buckets = type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
  if (!buckets && type != MetricType::kSummary) return series;
  for (const std::string_view suffix : {"_count", "_sum", "_bucket"}) {
    if (suffix == "_bucket" && !buckets) break;
    if (series.size() > suffix.size() && series.ends_with(suffix)) {
      return series.substr(0, series.size() - suffix.size());
    }
  }
  return series;
}

class Reader {
 public:
  explicit Reader(WriteVersion version) : v2_(version == WriteVersion::kV2) {}

  WriteRequest run(pbf_reader message) {
    // Symbols may stand behind what uses them.
    if (v2_) {
      pbf_reader first = message;
      while (first.next()) {
        if (first.tag() == 4) {
          symbols_.push_back(view(first));
        } else {
          first.skip();
        }
      }
    }
    while (message.next()) {
      if (message.tag() == (v2_ ? 5u : 1u)) {
        series(message.get_message());
      } else if (!v2_ && message.tag() == 3) {
        metadata(message.get_message());
      } else {
        message.skip();
      }
    }
    return std::move(out_);
  }

 private:
  void bad(std::string why) {
    if (out_.bad.size() < kBadMax) out_.bad.push_back(std::move(why));
  }

  std::string_view symbol(std::uint32_t index) {
    if (index < symbols_.size()) return symbols_[index];
    bad_symbol_ = true;
    return {};
  }

  void series(pbf_reader message) {
    WrittenSeries series;
    WrittenMetadata about;
    bool described = false;
    std::vector<std::uint32_t> refs;
    bad_symbol_ = false;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          if (v2_) {
            repeated(message, &pbf_reader::get_packed_uint32, &pbf_reader::get_uint32,
                     [&](std::uint32_t ref) { refs.push_back(ref); });
          } else {
            label(message.get_message(), series.labels);
          }
          break;
        case 2:
          sample(message.get_message(), series);
          break;
        case 3:
        case 4:
          if ((message.tag() == 4) == v2_) {
            exemplar(message.get_message(), series);
          } else {
            histogram(message.get_message(), series);
          }
          break;
        case 5:
          if (v2_) {
            describe(message.get_message(), about);
            described = true;
          } else {
            message.skip();
          }
          break;
        default:
          message.skip();
      }
    }
    look_up(refs, series.labels);
    if (bad_symbol_) {
      bad("a series refers to symbols that are not there");
      return;
    }
    if (described) {
      for (const auto& [name, value] : series.labels) {
        if (name == "__name__") about.family = family_of(value, about.type);
      }
      if (!about.family.empty()) out_.metadata.push_back(about);
    }
    out_.series.push_back(std::move(series));
  }

  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  static void label(pbf_reader message, Labels& labels) {
    std::string_view name;
    std::string_view value;
    while (message.next()) {
      if (message.tag() == 1) {
        name = view(message);
      } else if (message.tag() == 2) {
        value = view(message);
      } else {
        message.skip();
      }
    }
    labels.emplace_back(name, value);
  }

  // Names and values in turn.
  void look_up(const std::vector<std::uint32_t>& refs, Labels& labels) {
    if (refs.size() % 2 != 0) bad_symbol_ = true;
    for (std::size_t i = 0; i + 1 < refs.size(); i += 2) {
      labels.emplace_back(symbol(refs[i]), symbol(refs[i + 1]));
    }
  }

  void exemplar(pbf_reader message, WrittenSeries& series) {
    WrittenExemplar one;
    std::vector<std::uint32_t> refs;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          if (v2_) {
            repeated(message, &pbf_reader::get_packed_uint32, &pbf_reader::get_uint32,
                     [&](std::uint32_t ref) { refs.push_back(ref); });
          } else {
            label(message.get_message(), one.labels);
          }
          break;
        case 2:
          one.value = message.get_double();
          break;
        case 3:
          one.time_ms = message.get_int64();
          break;
        default:
          message.skip();
      }
    }
    look_up(refs, one.labels);
    series.exemplars.push_back(std::move(one));
  }

  static void sample(pbf_reader message, WrittenSeries& series) {
    PushedSample s;
    while (message.next()) {
      if (message.tag() == 1) {
        s.value = message.get_double();
      } else if (message.tag() == 2) {
        s.time_ms = message.get_int64();
      } else if (message.tag() == 3) {
        s.start_ms = message.get_int64();
      } else {
        message.skip();
      }
    }
    series.samples.push_back(std::move(s));
  }

  void histogram(pbf_reader message, WrittenSeries& series) {
    PushedSample s;
    Histogram h;
    Sides sides;
    while (message.next()) read_histogram_field(message, h, sides, s);
    add_up(sides.negative_deltas, h.negative_buckets);
    add_up(sides.positive_deltas, h.positive_buckets);
    if (is_stale_nan(h.sum)) {
      s.value = stale_nan();
    } else if (const char* wrong = whats_wrong(h)) {
      bad(wrong);
      return;
    } else {
      s.histogram = std::make_shared<const Histogram>(std::move(h));
    }
    series.samples.push_back(std::move(s));
  }

  static void read_histogram_field(pbf_reader& m, Histogram& h, Sides& sides, PushedSample& s) {
    const auto push = [](auto& to) { return [&to](auto value) { to.push_back(value); }; };
    switch (m.tag()) {
      case 1:
        h.count = static_cast<double>(m.get_uint64());
        break;
      case 2:
        h.count = m.get_double();
        break;
      case 3:
        h.sum = m.get_double();
        break;
      case 4:
        h.schema = m.get_sint32();
        break;
      case 5:
        h.zero_threshold = m.get_double();
        break;
      case 6:
        h.zero_count = static_cast<double>(m.get_uint64());
        break;
      case 7:
        h.zero_count = m.get_double();
        break;
      case 8:
        read_span(m.get_message(), h.negative_spans);
        break;
      case 9:
        repeated(m, &pbf_reader::get_packed_sint64, &pbf_reader::get_sint64,
                 push(sides.negative_deltas));
        break;
      case 10:
        repeated(m, &pbf_reader::get_packed_double, &pbf_reader::get_double,
                 push(h.negative_buckets));
        break;
      case 11:
        read_span(m.get_message(), h.positive_spans);
        break;
      case 12:
        repeated(m, &pbf_reader::get_packed_sint64, &pbf_reader::get_sint64,
                 push(sides.positive_deltas));
        break;
      case 13:
        repeated(m, &pbf_reader::get_packed_double, &pbf_reader::get_double,
                 push(h.positive_buckets));
        break;
      case 14: {
        const std::int32_t hint = m.get_enum();
        if (hint >= 0 && hint <= 3) h.reset_hint = static_cast<ResetHint>(hint);
        break;
      }
      case 15:
        s.time_ms = m.get_int64();
        break;
      case 16:
        repeated(m, &pbf_reader::get_packed_double, &pbf_reader::get_double, push(h.custom_values));
        break;
      case 17:
        s.start_ms = m.get_int64();
        break;
      default:
        m.skip();
    }
  }

  // Metadata of 2.0, which stands inside its series.
  void describe(pbf_reader message, WrittenMetadata& about) {
    while (message.next()) {
      if (message.tag() == 1) {
        about.type = metric_type(message.get_enum());
      } else if (message.tag() == 3) {
        about.help = symbol(message.get_uint32());
      } else if (message.tag() == 4) {
        about.unit = symbol(message.get_uint32());
      } else {
        message.skip();
      }
    }
  }

  void metadata(pbf_reader message) {
    WrittenMetadata about;
    while (message.next()) {
      if (message.tag() == 1) {
        about.type = metric_type(message.get_enum());
      } else if (message.tag() == 2) {
        about.family = view(message);
      } else if (message.tag() == 4) {
        about.help = view(message);
      } else if (message.tag() == 5) {
        about.unit = view(message);
      } else {
        message.skip();
      }
    }
    if (!about.family.empty()) out_.metadata.push_back(about);
  }

  const bool v2_;
  std::vector<std::string_view> symbols_;
  bool bad_symbol_ = false;
  WriteRequest out_;
};

}  // namespace

Result<WriteRequest> read_write_request(std::string_view message, WriteVersion version) {
  try {
    return Reader(version).run(pbf_reader(message.data(), message.size()));
  } catch (const protozero::exception& e) {
    return Error(ErrorCode::kInvalid, std::string("not a remote write message: ") + e.what());
  }
}

Result<std::string> unsnap(std::string_view block, std::size_t bytes_max) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) {
    return Error(ErrorCode::kInvalid, "body is no snappy block");
  }
  if (size > bytes_max) {
    return Error(ErrorCode::kLimit, "message says it is " + std::to_string(size) +
                                        " bytes long, more than " + std::to_string(bytes_max));
  }
  // A block cannot hold more than some 64 times itself: a lie is not given memory.
  if (size / 100 > block.size()) return Error(ErrorCode::kInvalid, "snappy block is damaged");
  std::string out;
  if (!snappy::Uncompress(block.data(), block.size(), &out)) {
    return Error(ErrorCode::kInvalid, "snappy block is damaged");
  }
  return out;
}

}  // namespace nines::collector
