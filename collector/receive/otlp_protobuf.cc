// OTLP's binary encoding.
#include <cmath>
#include <string>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/protobuf.h"
#include "base/text/text.h"
#include "collector/receive/internal/otlp_message.h"

namespace nines::collector {
namespace {

using protozero::pbf_reader;

constexpr int kValueDepthMax = 16;

// Thrown and caught in this file, beside protozero's own.
struct TooManyParts {};

std::string_view view(pbf_reader& field) {
  const protozero::data_view data = field.get_view();
  return {data.data(), data.size()};
}

std::string text(pbf_reader& field) {
  return std::string(view(field));
}

std::string hex_of(std::string_view bytes) {
  return hex(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

// What is done with one field of a message.
template <typename Take>
struct Field {
  std::uint32_t tag;
  Take take;
};
template <typename Take>
Field<Take> on(std::uint32_t tag, Take take) {
  return {tag, std::move(take)};
}

// The table of a message: its fields in any order, unknown ones left out. Each `take` reads `m`.
template <typename... Take>
bool take_field(pbf_reader& m, const Field<Take>&... fields) {
  return ((m.tag() == fields.tag && (fields.take(), true)) || ...);
}
template <typename... Take>
void each_field(pbf_reader& m, const Field<Take>&... fields) {
  while (m.next()) {
    if (!take_field(m, fields...)) m.skip();
  }
}

class Reader {
 public:
  explicit Reader(std::size_t parts_max) : left_(parts_max) {}

  OtlpRequest run(pbf_reader m) {
    OtlpRequest out;
    each_field(m, on(1, [&] { resource(m.get_message(), add(out.resources)); }));
    return out;
  }

 private:
  template <typename T>
  T& add(std::vector<T>& list) {
    count(1);
    return list.emplace_back();
  }
  void count(std::size_t parts) {
    if (parts > left_) throw TooManyParts{};
    left_ -= parts;
  }

  void resource(pbf_reader m, OtlpResource& out) {
    const auto attributes = [&](pbf_reader inner) {
      each_field(inner, on(1, [&] { attribute(inner.get_message(), out.attributes); }));
    };
    each_field(m, on(1, [&] { attributes(m.get_message()); }),
               on(2, [&] { scope_metrics(m.get_message(), add(out.scopes)); }));
  }

  void scope_metrics(pbf_reader m, OtlpScope& out) {
    each_field(m, on(1, [&] { scope(m.get_message(), out); }),
               on(2, [&] { metric(m.get_message(), add(out.metrics)); }),
               on(3, [&] { out.schema_url = text(m); }));
  }

  void scope(pbf_reader m, OtlpScope& out) {
    each_field(m, on(1, [&] { out.name = text(m); }), on(2, [&] { out.version = text(m); }),
               on(3, [&] { attribute(m.get_message(), out.attributes); }));
  }

  void attribute(pbf_reader m, OtlpAttributes& out) {
    OtlpAttribute& a = add(out);
    each_field(m, on(1, [&] { a.key = text(m); }),
               on(2, [&] { a.value = plain_value(m.get_message()); }));
  }

  // The text of an AnyValue that stands alone.
  std::string plain_value(pbf_reader m) {
    std::string out;
    const auto list = [&](bool keyed) {
      JsonWriter json;
      list_value(m.get_message(), keyed, json, 0);
      out = json.take();
    };
    each_field(m, on(1, [&] { out = text(m); }),
               on(2, [&] { out = m.get_bool() ? "true" : "false"; }),
               on(3, [&] { out = std::to_string(m.get_int64()); }),
               on(4, [&] { out = otlp_double_text(m.get_double()); }), on(5, [&] { list(false); }),
               on(6, [&] { list(true); }), on(7, [&] { out = base64_encode(view(m)); }));
    return out;
  }

  // ArrayValue or KeyValueList, as JSON.
  void list_value(pbf_reader m, bool keyed, JsonWriter& json, int depth) {
    const auto member = [&](pbf_reader inner) {
      std::string key;
      pbf_reader value;
      each_field(inner, on(1, [&] { key = text(inner); }),
                 on(2, [&] { value = inner.get_message(); }));
      json.key(key);
      json_value(value, json, depth + 1);
    };
    const auto item = [&] {
      count(1);
      if (keyed) {
        member(m.get_message());
      } else {
        json_value(m.get_message(), json, depth + 1);
      }
    };
    if (keyed) {
      json.begin_object();
    } else {
      json.begin_array();
    }
    each_field(m, on(1, item));
    if (keyed) {
      json.end_object();
    } else {
      json.end_array();
    }
  }

  // The first field of an AnyValue.
  void json_value(pbf_reader m, JsonWriter& json, int depth) {
    const bool known =
        depth <= kValueDepthMax && m.next() &&
        take_field(m, on(1, [&] { json.value(view(m)); }), on(2, [&] { json.value(m.get_bool()); }),
                   on(3, [&] { json.value(m.get_int64()); }),
                   on(4, [&] { json.value(m.get_double()); }),
                   on(5, [&] { list_value(m.get_message(), false, json, depth); }),
                   on(6, [&] { list_value(m.get_message(), true, json, depth); }),
                   on(7, [&] { json.value(base64_encode(view(m))); }));
    if (!known) json.null();
  }

  void metric(pbf_reader m, OtlpMetric& out) {
    const auto of = [&](std::uint32_t tag, OtlpKind kind) {
      return on(tag, [this, &m, &out, kind] { data(m.get_message(), kind, out); });
    };
    each_field(m, on(1, [&] { out.name = text(m); }), on(2, [&] { out.description = text(m); }),
               on(3, [&] { out.unit = text(m); }), of(5, OtlpKind::kGauge), of(7, OtlpKind::kSum),
               of(9, OtlpKind::kHistogram), of(10, OtlpKind::kExponential),
               of(11, OtlpKind::kSummary));
  }

  void data(pbf_reader m, OtlpKind kind, OtlpMetric& out) {
    out.kind = kind;
    const auto point = [&](pbf_reader inner) {
      OtlpPoint& one = add(out.points);
      while (inner.next()) {
        if (!point_field(inner, kind, one)) inner.skip();
      }
    };
    const auto temporality = [&] {
      if (kind == OtlpKind::kGauge || kind == OtlpKind::kSummary) return m.skip();
      const std::int32_t t = m.get_enum();
      out.temporality = t == 1   ? OtlpTemporality::kDelta
                        : t == 2 ? OtlpTemporality::kCumulative
                                 : OtlpTemporality::kUnspecified;
    };
    const auto monotonic = [&] {
      if (kind != OtlpKind::kSum) return m.skip();
      out.monotonic = m.get_bool();
    };
    each_field(m, on(1, [&] { point(m.get_message()); }), on(2, temporality), on(3, monotonic));
  }

  bool point_field(pbf_reader& m, OtlpKind kind, OtlpPoint& out) {
    const bool times = take_field(m, on(2, [&] { out.start_ns = m.get_fixed64(); }),
                                  on(3, [&] { out.time_ns = m.get_fixed64(); }));
    if (times) return true;
    switch (kind) {
      case OtlpKind::kHistogram:
        return histogram_field(m, out);
      case OtlpKind::kExponential:
        return exponential_field(m, out);
      case OtlpKind::kSummary:
        return summary_field(m, out);
      default:
        return number_field(m, out);
    }
  }

  // Fields that most kinds of point have, each kind under a number of its own.
  auto attribute_at(std::uint32_t tag, pbf_reader& m, OtlpPoint& out) {
    return on(tag, [this, &m, &out] { attribute(m.get_message(), out.attributes); });
  }
  auto exemplar_at(std::uint32_t tag, pbf_reader& m, OtlpPoint& out) {
    return on(tag, [this, &m, &out] { exemplar(m.get_message(), add(out.exemplars)); });
  }
  static auto flags_at(std::uint32_t tag, pbf_reader& m, OtlpPoint& out) {
    return on(tag, [&m, &out] { out.no_value = (m.get_uint32() & 1u) != 0; });
  }
  static bool count_or_sum(pbf_reader& m, OtlpPoint& out) {
    const auto sum = [&] {
      out.sum = m.get_double();
      out.has_sum = true;
    };
    return take_field(m, on(4, [&] { out.count = m.get_fixed64(); }), on(5, sum));
  }

  bool number_field(pbf_reader& m, OtlpPoint& out) {
    return take_field(m, on(4, [&] { out.value = m.get_double(); }), exemplar_at(5, m, out),
                      on(6, [&] { out.value = static_cast<double>(m.get_sfixed64()); }),
                      attribute_at(7, m, out), flags_at(8, m, out));
  }

  template <typename T, typename Packed, typename One>
  void numbers(pbf_reader& m, Packed packed, One one, std::vector<T>& out) {
    if (m.wire_type() == protozero::pbf_wire_type::length_delimited) {
      for (const auto value : (m.*packed)()) {
        count(1);
        out.push_back(value);
      }
    } else {
      count(1);
      out.push_back((m.*one)());
    }
  }

  bool histogram_field(pbf_reader& m, OtlpPoint& out) {
    const auto counts = [&] {
      numbers(m, &pbf_reader::get_packed_fixed64, &pbf_reader::get_fixed64, out.counts);
    };
    const auto bounds = [&] {
      numbers(m, &pbf_reader::get_packed_double, &pbf_reader::get_double, out.bounds);
    };
    return count_or_sum(m, out) ||
           take_field(m, on(6, counts), on(7, bounds), exemplar_at(8, m, out),
                      attribute_at(9, m, out), flags_at(10, m, out));
  }

  bool exponential_field(pbf_reader& m, OtlpPoint& out) {
    return count_or_sum(m, out) ||
           take_field(m, attribute_at(1, m, out), on(6, [&] { out.scale = m.get_sint32(); }),
                      on(7, [&] { out.zero_count = m.get_fixed64(); }),
                      on(8, [&] { buckets(m.get_message(), out.positive); }),
                      on(9, [&] { buckets(m.get_message(), out.negative); }), flags_at(10, m, out),
                      exemplar_at(11, m, out),
                      on(14, [&] { out.zero_threshold = m.get_double(); }));
  }

  void buckets(pbf_reader m, OtlpBuckets& out) {
    const auto counts = [&] {
      numbers(m, &pbf_reader::get_packed_uint64, &pbf_reader::get_uint64, out.counts);
    };
    each_field(m, on(1, [&] { out.offset = m.get_sint32(); }), on(2, counts));
  }

  bool summary_field(pbf_reader& m, OtlpPoint& out) {
    const auto quantile = [&](pbf_reader inner) {
      auto& pair = add(out.quantiles);
      each_field(inner, on(1, [&] { pair.first = inner.get_double(); }),
                 on(2, [&] { pair.second = inner.get_double(); }));
    };
    return count_or_sum(m, out) || take_field(m, on(6, [&] { quantile(m.get_message()); }),
                                              attribute_at(7, m, out), flags_at(8, m, out));
  }

  void exemplar(pbf_reader m, OtlpExemplar& out) {
    each_field(m, on(2, [&] { out.time_ns = m.get_fixed64(); }),
               on(3, [&] { out.value = m.get_double(); }),
               on(4, [&] { out.span_id = hex_of(view(m)); }),
               on(5, [&] { out.trace_id = hex_of(view(m)); }),
               on(6, [&] { out.value = static_cast<double>(m.get_sfixed64()); }),
               on(7, [&] { attribute(m.get_message(), out.attributes); }));
  }

  std::size_t left_;
};

}  // namespace

std::string otlp_double_text(double value) {
  if (!std::isfinite(value)) return format_double(value);
  JsonWriter json;
  json.value(value);
  return json.take();
}

Result<OtlpRequest> read_otlp_protobuf(std::string_view message, const OtlpLimits& limits) {
  try {
    return Reader(limits.parts_max).run(pbf_reader(message.data(), message.size()));
  } catch (const protozero::exception& e) {
    return Error(ErrorCode::kInvalid, std::string("not an OTLP metrics request: ") + e.what());
  } catch (const TooManyParts&) {
    return Error(ErrorCode::kLimit, "the request has more than " +
                                        std::to_string(limits.parts_max) +
                                        " points, attributes and buckets");
  }
}

}  // namespace nines::collector
