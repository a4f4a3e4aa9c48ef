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

class Reader {
 public:
  explicit Reader(std::size_t parts_max) : left_(parts_max) {}

  OtlpRequest run(pbf_reader m) {
    OtlpRequest out;
    while (m.next()) {
      if (m.tag() == 1) {
        resource(m.get_message(), add(out.resources));
      } else {
        m.skip();
      }
    }
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
    while (m.next()) {
      if (m.tag() == 1) {
        pbf_reader inner = m.get_message();
        while (inner.next()) {
          if (inner.tag() == 1) {
            attribute(inner.get_message(), out.attributes);
          } else {
            inner.skip();
          }
        }
      } else if (m.tag() == 2) {
        scope_metrics(m.get_message(), add(out.scopes));
      } else {
        m.skip();
      }
    }
  }

  void scope_metrics(pbf_reader m, OtlpScope& out) {
    while (m.next()) {
      if (m.tag() == 1) {
        scope(m.get_message(), out);
      } else if (m.tag() == 2) {
        metric(m.get_message(), add(out.metrics));
      } else if (m.tag() == 3) {
        out.schema_url = text(m);
      } else {
        m.skip();
      }
    }
  }

  void scope(pbf_reader m, OtlpScope& out) {
    while (m.next()) {
      if (m.tag() == 1) {
        out.name = text(m);
      } else if (m.tag() == 2) {
        out.version = text(m);
      } else if (m.tag() == 3) {
        attribute(m.get_message(), out.attributes);
      } else {
        m.skip();
      }
    }
  }

  void attribute(pbf_reader m, OtlpAttributes& out) {
    OtlpAttribute& a = add(out);
    while (m.next()) {
      if (m.tag() == 1) {
        a.key = text(m);
      } else if (m.tag() == 2) {
        a.value = plain_value(m.get_message());
      } else {
        m.skip();
      }
    }
  }

  // The text of an AnyValue that stands alone.
  std::string plain_value(pbf_reader m) {
    std::string out;
    while (m.next()) {
      switch (m.tag()) {
        case 1:
          out = text(m);
          break;
        case 2:
          out = m.get_bool() ? "true" : "false";
          break;
        case 3:
          out = std::to_string(m.get_int64());
          break;
        case 4:
          out = otlp_double_text(m.get_double());
          break;
        case 7:
          out = base64_encode(view(m));
          break;
        case 5:
        case 6: {
          const std::uint32_t tag = m.tag();
          JsonWriter json;
          list_value(m.get_message(), tag == 6, json, 0);
          out = json.take();
          break;
        }
        default:
          m.skip();
      }
    }
    return out;
  }

  // ArrayValue or KeyValueList, as JSON.
  void list_value(pbf_reader m, bool keyed, JsonWriter& json, int depth) {
    if (keyed) {
      json.begin_object();
    } else {
      json.begin_array();
    }
    while (m.next()) {
      if (m.tag() != 1) {
        m.skip();
        continue;
      }
      count(1);
      pbf_reader inner = m.get_message();
      if (!keyed) {
        json_value(inner, json, depth + 1);
        continue;
      }
      std::string key;
      pbf_reader value;
      while (inner.next()) {
        if (inner.tag() == 1) {
          key = text(inner);
        } else if (inner.tag() == 2) {
          value = inner.get_message();
        } else {
          inner.skip();
        }
      }
      json.key(key);
      json_value(value, json, depth + 1);
    }
    if (keyed) {
      json.end_object();
    } else {
      json.end_array();
    }
  }

  void json_value(pbf_reader m, JsonWriter& json, int depth) {
    if (depth > kValueDepthMax || !m.next()) {
      json.null();
      return;
    }
    switch (m.tag()) {
      case 1:
        json.value(view(m));
        break;
      case 2:
        json.value(m.get_bool());
        break;
      case 3:
        json.value(m.get_int64());
        break;
      case 4:
        json.value(m.get_double());
        break;
      case 5:
        list_value(m.get_message(), false, json, depth);
        break;
      case 6:
        list_value(m.get_message(), true, json, depth);
        break;
      case 7:
        json.value(base64_encode(view(m)));
        break;
      default:
        json.null();
    }
  }

  void metric(pbf_reader m, OtlpMetric& out) {
    while (m.next()) {
      switch (m.tag()) {
        case 1:
          out.name = text(m);
          break;
        case 2:
          out.description = text(m);
          break;
        case 3:
          out.unit = text(m);
          break;
        case 5:
          data(m.get_message(), OtlpKind::kGauge, out);
          break;
        case 7:
          data(m.get_message(), OtlpKind::kSum, out);
          break;
        case 9:
          data(m.get_message(), OtlpKind::kHistogram, out);
          break;
        case 10:
          data(m.get_message(), OtlpKind::kExponential, out);
          break;
        case 11:
          data(m.get_message(), OtlpKind::kSummary, out);
          break;
        default:
          m.skip();
      }
    }
  }

  void data(pbf_reader m, OtlpKind kind, OtlpMetric& out) {
    out.kind = kind;
    while (m.next()) {
      if (m.tag() == 1) {
        OtlpPoint& point = add(out.points);
        pbf_reader inner = m.get_message();
        while (inner.next()) point_field(inner, kind, point);
      } else if (m.tag() == 2 && kind != OtlpKind::kGauge && kind != OtlpKind::kSummary) {
        const std::int32_t t = m.get_enum();
        out.temporality = t == 1   ? OtlpTemporality::kDelta
                          : t == 2 ? OtlpTemporality::kCumulative
                                   : OtlpTemporality::kUnspecified;
      } else if (m.tag() == 3 && kind == OtlpKind::kSum) {
        out.monotonic = m.get_bool();
      } else {
        m.skip();
      }
    }
  }

  void point_field(pbf_reader& m, OtlpKind kind, OtlpPoint& out) {
    if (m.tag() == 2) {
      out.start_ns = m.get_fixed64();
    } else if (m.tag() == 3) {
      out.time_ns = m.get_fixed64();
    } else if (kind == OtlpKind::kHistogram) {
      histogram_field(m, out);
    } else if (kind == OtlpKind::kExponential) {
      exponential_field(m, out);
    } else if (kind == OtlpKind::kSummary) {
      summary_field(m, out);
    } else {
      number_field(m, out);
    }
  }

  void number_field(pbf_reader& m, OtlpPoint& out) {
    switch (m.tag()) {
      case 4:
        out.value = m.get_double();
        break;
      case 5:
        exemplar(m.get_message(), add(out.exemplars));
        break;
      case 6:
        out.value = static_cast<double>(m.get_sfixed64());
        break;
      case 7:
        attribute(m.get_message(), out.attributes);
        break;
      case 8:
        out.no_value = (m.get_uint32() & 1u) != 0;
        break;
      default:
        m.skip();
    }
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

  void histogram_field(pbf_reader& m, OtlpPoint& out) {
    switch (m.tag()) {
      case 4:
        out.count = m.get_fixed64();
        break;
      case 5:
        out.sum = m.get_double();
        out.has_sum = true;
        break;
      case 6:
        numbers(m, &pbf_reader::get_packed_fixed64, &pbf_reader::get_fixed64, out.counts);
        break;
      case 7:
        numbers(m, &pbf_reader::get_packed_double, &pbf_reader::get_double, out.bounds);
        break;
      case 8:
        exemplar(m.get_message(), add(out.exemplars));
        break;
      case 9:
        attribute(m.get_message(), out.attributes);
        break;
      case 10:
        out.no_value = (m.get_uint32() & 1u) != 0;
        break;
      default:
        m.skip();
    }
  }

  void exponential_field(pbf_reader& m, OtlpPoint& out) {
    switch (m.tag()) {
      case 1:
        attribute(m.get_message(), out.attributes);
        break;
      case 4:
        out.count = m.get_fixed64();
        break;
      case 5:
        out.sum = m.get_double();
        out.has_sum = true;
        break;
      case 6:
        out.scale = m.get_sint32();
        break;
      case 7:
        out.zero_count = m.get_fixed64();
        break;
      case 8:
        buckets(m.get_message(), out.positive);
        break;
      case 9:
        buckets(m.get_message(), out.negative);
        break;
      case 10:
        out.no_value = (m.get_uint32() & 1u) != 0;
        break;
      case 11:
        exemplar(m.get_message(), add(out.exemplars));
        break;
      case 14:
        out.zero_threshold = m.get_double();
        break;
      default:
        m.skip();
    }
  }

  void buckets(pbf_reader m, OtlpBuckets& out) {
    while (m.next()) {
      if (m.tag() == 1) {
        out.offset = m.get_sint32();
      } else if (m.tag() == 2) {
        numbers(m, &pbf_reader::get_packed_uint64, &pbf_reader::get_uint64, out.counts);
      } else {
        m.skip();
      }
    }
  }

  void summary_field(pbf_reader& m, OtlpPoint& out) {
    switch (m.tag()) {
      case 4:
        out.count = m.get_fixed64();
        break;
      case 5:
        out.sum = m.get_double();
        out.has_sum = true;
        break;
      case 6: {
        auto& [quantile, value] = add(out.quantiles);
        pbf_reader inner = m.get_message();
        while (inner.next()) {
          if (inner.tag() == 1) {
            quantile = inner.get_double();
          } else if (inner.tag() == 2) {
            value = inner.get_double();
          } else {
            inner.skip();
          }
        }
        break;
      }
      case 7:
        attribute(m.get_message(), out.attributes);
        break;
      case 8:
        out.no_value = (m.get_uint32() & 1u) != 0;
        break;
      default:
        m.skip();
    }
  }

  void exemplar(pbf_reader m, OtlpExemplar& out) {
    while (m.next()) {
      switch (m.tag()) {
        case 2:
          out.time_ns = m.get_fixed64();
          break;
        case 3:
          out.value = m.get_double();
          break;
        case 4:
          out.span_id = hex_of(view(m));
          break;
        case 5:
          out.trace_id = hex_of(view(m));
          break;
        case 6:
          out.value = static_cast<double>(m.get_sfixed64());
          break;
        case 7:
          attribute(m.get_message(), out.attributes);
          break;
        default:
          m.skip();
      }
    }
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
