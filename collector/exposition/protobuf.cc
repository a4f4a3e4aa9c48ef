#include "collector/exposition/internal/protobuf.h"

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/text/protobuf.h"
#include "base/text/text.h"
#include "collector/exposition/internal/metric_message.h"
#include "collector/exposition/internal/series_text.h"
#include "collector/exposition/native_histogram.h"

namespace nines::collector {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr std::size_t kNameShownMax = 100;  // bytes of the target's text in a message

MetricType metric_type(FamilyType type) {
  switch (type) {
    case FamilyType::kCounter:
      return MetricType::kCounter;
    case FamilyType::kGauge:
      return MetricType::kGauge;
    case FamilyType::kSummary:
      return MetricType::kSummary;
    case FamilyType::kUntyped:
      return MetricType::kUnknown;
    case FamilyType::kHistogram:
      return MetricType::kHistogram;
    case FamilyType::kGaugeHistogram:
      return MetricType::kGaugeHistogram;
  }
  return MetricType::kUnknown;
}

std::span<const ExposedExemplar> one(const std::optional<ExposedExemplar>& exemplar) {
  return exemplar ? std::span(&*exemplar, 1) : std::span<const ExposedExemplar>();
}

class ProtobufParser {
 public:
  ProtobufParser(std::string_view body, ExpositionVisitor& visitor,
                 const ExpositionOptions& options)
      : body_(body), visitor_(visitor), options_(options) {}

  Result<void> run() {
    try {
      const char* p = body_.data();
      const char* const end = p + body_.size();
      while (p != end) {
        ++family_;
        metric_ = 0;
        name_ = {};
        at_ = p;
        const std::uint64_t size = protozero::decode_varint(&p, end);
        const auto left = static_cast<std::uint64_t>(end - p);
        if (size > left) {
          return fail("message says it is " + std::to_string(size) + " bytes long, there are " +
                      std::to_string(left));
        }
        if (Result<void> r = family({p, static_cast<std::size_t>(size)}); !r) return r;
        p += size;
      }
    } catch (const protozero::exception& e) {
      return fail(std::string("damaged message: ") + e.what());
    }
    return {};
  }

 private:
  Result<void> family(std::string_view bytes) {
    std::int32_t type = 0;
    std::string_view help;
    std::string_view unit;
    metrics_.clear();
    pbf_reader m(bytes.data(), bytes.size());
    const auto text = [&m] {
      const protozero::data_view data = m.get_view();
      return std::string_view(data.data(), data.size());
    };
    while (m.next()) {
      switch (m.tag_and_type()) {
        case tag_and_type(1, pbf_wire_type::length_delimited):
          name_ = text();
          break;
        case tag_and_type(2, pbf_wire_type::length_delimited):
          help = text();
          break;
        case tag_and_type(3, pbf_wire_type::varint):
          type = m.get_enum();
          break;
        case tag_and_type(4, pbf_wire_type::length_delimited):
          metrics_.push_back(text());
          break;
        case tag_and_type(5, pbf_wire_type::length_delimited):
          unit = text();
          break;
        default:
          m.skip();
      }
    }
    if (name_.empty()) return fail("metric family has no name");
    for (const std::string_view each : {name_, help, unit}) {
      if (!is_valid_utf8(each)) return fail("name, help or unit is not valid UTF-8");
    }
    if (type < 0 || type > static_cast<std::int32_t>(FamilyType::kGaugeHistogram)) {
      return fail("there is no metric type " + std::to_string(type));
    }
    type_ = static_cast<FamilyType>(type);
    help_ = help;
    unit_ = unit;
    // What is described stands where comments do in the text formats.
    lead_hash_ =
        hash64(unit, hash64(help, hash64(name_, 0x9B0 + static_cast<std::uint64_t>(type))));
    lead_bytes_ = static_cast<std::uint32_t>(name_.size() + help.size() + unit.size());
    lead_due_ = true;
    for (const std::string_view metric : metrics_) {
      ++metric_;
      at_ = metric.data();
      if (Result<void> r = one_metric(metric); !r) return r;
    }
    if (lead_due_) report();  // a family without metrics
    return {};
  }

  Result<void> one_metric(std::string_view bytes) {
    if (Result<void> r = read_metric(bytes, type_, message_); !r)
      return placed(std::move(r).error());
    if (!message_.has_value) return fail("metric has no value of its family's type");
    text_.begin_labels();
    for (const auto& [label, value] : message_.labels) {
      if (label.empty()) return fail("label has no name");
      if (!is_valid_utf8(label) || !is_valid_utf8(value)) return fail("label is not valid UTF-8");
      text_.add_label(label, value);
    }
    switch (type_) {
      case FamilyType::kCounter:
      case FamilyType::kGauge:
      case FamilyType::kUntyped:
        return emit(text_.series(name_, ""), message_.value, message_.exemplars);
      case FamilyType::kSummary:
        return summary();
      case FamilyType::kHistogram:
      case FamilyType::kGaugeHistogram:
        return histogram();
    }
    return {};
  }

  Result<void> summary() {
    if (Result<void> r = count_and_sum(); !r) return r;
    for (const auto& [quantile, value] : message_.quantiles) {
      const std::string text = format_bound(quantile);
      if (Result<void> r = emit(text_.series(name_, "", "quantile", text), value, {}); !r) return r;
    }
    return {};
  }

  Result<void> count_and_sum() {
    if (Result<void> r = emit(text_.series(name_, "_count"), message_.count, {}); !r) return r;
    return emit(text_.series(name_, "_sum"), message_.sum, {});
  }

  Result<void> histogram() {
    bool classic = true;
    if (message_.is_native && options_.native_histograms) {
      if (Result<void> r = native(); !r) return r;
      classic = options_.keep_classic && !message_.buckets.empty();
    } else if (options_.convert_classic && !message_.buckets.empty()) {
      NINES_TRY(const bool converted, custom());
      classic = !converted || options_.keep_classic;
    }
    return classic ? classic_series() : Result<void>();
  }

  Result<void> native() {
    Histogram& h = message_.native;
    if (type_ == FamilyType::kGaugeHistogram) h.reset_hint = ResetHint::kGauge;
    if (h.schema == kCustomBucketsSchema) {
      return fail("histogram: custom buckets have no place in this format");
    }
    if (Result<void> r = check_histogram(h, !message_.float_counts); !r) {
      return placed(std::move(r).error());
    }
    reduce_resolution(h, kSchemaMax);
    if (message_.exemplars.empty()) {  // older writers have them with the classic buckets alone
      for (MessageBucket& bucket : message_.buckets) {
        if (bucket.exemplar && bucket.exemplar->time_ms) {
          message_.exemplars.push_back(*bucket.exemplar);
        }
      }
    }
    return emit(text_.series(name_, ""), 0, message_.exemplars, &h);
  }

  // False: these buckets are no histogram; they stay what they are.
  Result<bool> custom() {
    classic_.clear();
    std::vector<ExposedExemplar> exemplars;
    for (const MessageBucket& bucket : message_.buckets) {
      if (bucket.exemplar) exemplars.push_back(*bucket.exemplar);
      if (bucket.upper_bound == std::numeric_limits<double>::infinity()) continue;
      classic_.push_back({bucket.upper_bound, bucket.cumulative_count});
    }
    Result<Histogram> h = to_custom_buckets(classic_, message_.count, message_.sum);
    if (!h) return false;
    if (type_ == FamilyType::kGaugeHistogram) h->reset_hint = ResetHint::kGauge;
    if (Result<void> r = emit(text_.series(name_, ""), 0, exemplars, &*h); !r) {
      return std::move(r).error();
    }
    return true;
  }

  Result<void> classic_series() {
    if (Result<void> r = count_and_sum(); !r) return r;
    bool has_infinity = false;
    for (const MessageBucket& bucket : message_.buckets) {
      has_infinity |= std::isinf(bucket.upper_bound) && bucket.upper_bound > 0;
      const std::string bound = format_bound(bucket.upper_bound);
      Result<void> r = emit(text_.series(name_, "_bucket", "le", bound), bucket.cumulative_count,
                            one(bucket.exemplar));
      if (!r) return r;
    }
    if (has_infinity) return {};
    return emit(text_.series(name_, "_bucket", "le", "+Inf"), message_.count, {});
  }

  Result<void> emit(std::string_view series, double value,
                    std::span<const ExposedExemplar> exemplars, const Histogram* h = nullptr) {
    ExposedSample sample;
    sample.series = series;
    sample.value = value;
    sample.histogram = h;
    sample.time_ms = message_.time_ms;
    sample.start_ms = message_.start_ms;
    sample.exemplars = exemplars;
    const ExpectedSample guess = visitor_.expected();
    sample.as_expected = !guess.series.empty() && guess.series == series;
    if (lead_due_) {
      sample.lead_hash = lead_hash_;
      sample.lead_bytes = lead_bytes_;
    }
    sample.lead_known = sample.as_expected && guess.lead_bytes == sample.lead_bytes &&
                        guess.lead_hash == sample.lead_hash;
    if (lead_due_ && !sample.lead_known) report();
    lead_due_ = false;
    return visitor_.on_sample(sample);
  }

  void report() {
    visitor_.on_type(name_, metric_type(type_));
    if (!help_.empty()) visitor_.on_help(name_, help_);
    if (!unit_.empty()) visitor_.on_unit(name_, unit_);
  }

  Error fail(const std::string& why) const {
    std::string place = "metric family " + std::to_string(family_);
    if (!name_.empty()) place += " " + quote_go(name_.substr(0, kNameShownMax));
    if (metric_ != 0) place += ", metric " + std::to_string(metric_);
    return {ErrorCode::kInvalid,
            place + ", byte " + std::to_string(at_ - body_.data() + 1) + ": " + why};
  }
  Error placed(const Error& error) const { return fail(error.what()); }

  const std::string_view body_;
  ExpositionVisitor& visitor_;
  const ExpositionOptions options_;
  std::size_t family_ = 0;  // counted from 1, as the metrics of each
  std::size_t metric_ = 0;
  const char* at_ = nullptr;  // where what is read begins
  std::string_view name_, help_, unit_;
  FamilyType type_ = FamilyType::kUntyped;
  std::uint64_t lead_hash_ = 0;
  std::uint32_t lead_bytes_ = 0;
  bool lead_due_ = false;  // no sample of the family has come yet
  std::vector<std::string_view> metrics_;
  std::vector<ClassicBucket> classic_;
  MetricMessage message_;
  SeriesText text_;
};

}  // namespace

Result<void> parse_protobuf(std::string_view body, ExpositionVisitor& visitor,
                            const ExpositionOptions& options) {
  return ProtobufParser(body, visitor, options).run();
}

}  // namespace nines::collector
