// OTLP's JSON encoding. Whole numbers of 64 bits may stand as text, ids are in hex, enumerations are
// numbers; their names are understood too.
#include <string>

#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"
#include "collector/receive/internal/otlp_message.h"

namespace nines::collector {
namespace {

// Thrown and caught in this file.
struct Refused {
  Error error;
};

[[noreturn]] void refuse(const std::string& what) {
  throw Refused{Error(ErrorCode::kInvalid, "not an OTLP metrics request: " + what)};
}

const std::vector<Json>& items(const Json& list, const char* name) {
  static const std::vector<Json> none;
  const Json& value = list[name];
  if (value.type() == Json::Type::kNull) return none;
  if (!value.is_array()) refuse(std::string(name) + " is no array");
  return value.items();
}

std::string text(const Json& object, const char* name) {
  const Json& value = object[name];
  if (value.type() == Json::Type::kNull) return "";
  if (!value.is_string()) refuse(std::string(name) + " is no string");
  return value.as_string();
}

double number(const Json& value, const char* name) {
  if (value.is_number()) return value.as_double();
  if (value.is_string()) {
    const std::string& word = value.as_string();
    if (word == "Infinity") return *parse_double("+Inf");
    if (word == "-Infinity") return *parse_double("-Inf");
    if (const auto parsed = parse_double(word)) return *parsed;
  }
  refuse(std::string(name) + " is no number");
}

double number_or_zero(const Json& object, const char* name) {
  const Json& value = object[name];
  return value.type() == Json::Type::kNull ? 0 : number(value, name);
}

std::int64_t whole(const Json& value, const char* name) {
  if (value.is_number()) {
    const double d = value.as_double();
    if (d < -9.3e18 || d > 9.2e18) refuse(std::string(name) + " is out of range");
    return value.as_int();
  }
  if (value.is_string()) {
    if (const auto parsed = parse_int(value.as_string())) return *parsed;
  }
  refuse(std::string(name) + " is no whole number");
}

std::int64_t whole_or_zero(const Json& object, const char* name) {
  const Json& value = object[name];
  return value.type() == Json::Type::kNull ? 0 : whole(value, name);
}

std::uint64_t count_of(const Json& value, const char* name) {
  const std::int64_t n = whole(value, name);
  if (n < 0) refuse(std::string(name) + " is negative");
  return static_cast<std::uint64_t>(n);
}

std::uint64_t count_or_zero(const Json& object, const char* name) {
  const Json& value = object[name];
  return value.type() == Json::Type::kNull ? 0 : count_of(value, name);
}

std::int32_t small(const Json& object, const char* name) {
  const std::int64_t n = whole_or_zero(object, name);
  if (n < INT32_MIN || n > INT32_MAX) refuse(std::string(name) + " is out of range");
  return static_cast<std::int32_t>(n);
}

void write_value(const Json& any, JsonWriter& json) {
  if (!any.is_object() || any.members().empty()) {
    json.null();
    return;
  }
  const auto& [kind, value] = any.members().front();
  if (kind == "boolValue") {
    json.value(value.as_bool());
  } else if (kind == "intValue") {
    json.value(whole(value, "intValue"));
  } else if (kind == "doubleValue") {
    json.value(number(value, "doubleValue"));
  } else if (kind == "arrayValue") {
    json.begin_array();
    for (const Json& item : items(value, "values")) write_value(item, json);
    json.end_array();
  } else if (kind == "kvlistValue") {
    json.begin_object();
    for (const Json& item : items(value, "values")) {
      json.key(text(item, "key"));
      write_value(item["value"], json);
    }
    json.end_object();
  } else {
    json.value(value.as_string());
  }
}

std::string value_text(const Json& any) {
  if (!any.is_object() || any.members().empty()) return "";
  const auto& [kind, value] = any.members().front();
  if (kind == "doubleValue") return otlp_double_text(number(value, "doubleValue"));
  if (kind == "stringValue" || kind == "bytesValue") {
    if (!value.is_string()) refuse(kind + " is no string");
    return value.as_string();
  }
  JsonWriter json;
  write_value(any, json);
  return json.take();
}

class Reader {
 public:
  explicit Reader(std::size_t parts_max) : left_(parts_max), most_(parts_max) {}

  OtlpRequest run(const Json& root) {
    if (!root.is_object()) refuse("it is no object");
    OtlpRequest out;
    for (const Json& r : items(root, "resourceMetrics")) {
      OtlpResource& resource = add(out.resources);
      attributes(r["resource"], resource.attributes);
      for (const Json& s : items(r, "scopeMetrics")) scope(s, add(resource.scopes));
    }
    return out;
  }

 private:
  template <typename T>
  T& add(std::vector<T>& list) {
    if (left_-- == 0) {
      throw Refused{Error(ErrorCode::kLimit, "the request has more than " + std::to_string(most_) +
                                                 " points, attributes and buckets")};
    }
    return list.emplace_back();
  }

  void attributes(const Json& owner, OtlpAttributes& out, const char* name = "attributes") {
    for (const Json& a : items(owner, name)) {
      OtlpAttribute& attribute = add(out);
      attribute.key = text(a, "key");
      attribute.value = value_text(a["value"]);
    }
  }

  void scope(const Json& s, OtlpScope& out) {
    out.name = text(s["scope"], "name");
    out.version = text(s["scope"], "version");
    out.schema_url = text(s, "schemaUrl");
    attributes(s["scope"], out.attributes);
    for (const Json& m : items(s, "metrics")) metric(m, add(out.metrics));
  }

  void metric(const Json& m, OtlpMetric& out) {
    out.name = text(m, "name");
    out.description = text(m, "description");
    out.unit = text(m, "unit");
    static constexpr std::pair<const char*, OtlpKind> kKinds[] = {
        {"gauge", OtlpKind::kGauge},
        {"sum", OtlpKind::kSum},
        {"histogram", OtlpKind::kHistogram},
        {"exponentialHistogram", OtlpKind::kExponential},
        {"summary", OtlpKind::kSummary}};
    for (const auto& [name, kind] : kKinds) {
      const Json& data = m[name];
      if (!data.is_object()) continue;
      out.kind = kind;
      out.monotonic = data["isMonotonic"].as_bool();
      out.temporality = temporality(data["aggregationTemporality"]);
      for (const Json& p : items(data, "dataPoints")) point(p, kind, add(out.points));
    }
  }

  static OtlpTemporality temporality(const Json& value) {
    const std::string& word = value.as_string();
    if (value.as_int() == 1 || word == "AGGREGATION_TEMPORALITY_DELTA")
      return OtlpTemporality::kDelta;
    if (value.as_int() == 2 || word == "AGGREGATION_TEMPORALITY_CUMULATIVE")
      return OtlpTemporality::kCumulative;
    return OtlpTemporality::kUnspecified;
  }

  void point(const Json& p, OtlpKind kind, OtlpPoint& out) {
    attributes(p, out.attributes);
    out.start_ns = count_or_zero(p, "startTimeUnixNano");
    out.time_ns = count_or_zero(p, "timeUnixNano");
    out.no_value = (count_or_zero(p, "flags") & 1u) != 0;
    for (const Json& e : items(p, "exemplars")) exemplar(e, add(out.exemplars));
    if (kind == OtlpKind::kGauge || kind == OtlpKind::kSum) {
      out.value = value_of(p);
      return;
    }
    out.count = count_or_zero(p, "count");
    out.has_sum = p["sum"].type() != Json::Type::kNull;
    out.sum = number_or_zero(p, "sum");
    for (const Json& c : items(p, "bucketCounts")) add(out.counts) = count_of(c, "bucketCounts");
    for (const Json& b : items(p, "explicitBounds"))
      add(out.bounds) = number(b, "explicitBounds");
    for (const Json& q : items(p, "quantileValues"))
      add(out.quantiles) = {number_or_zero(q, "quantile"), number_or_zero(q, "value")};
    out.scale = small(p, "scale");
    out.zero_count = count_or_zero(p, "zeroCount");
    out.zero_threshold = number_or_zero(p, "zeroThreshold");
    buckets(p["positive"], out.positive);
    buckets(p["negative"], out.negative);
  }

  static double value_of(const Json& p) {
    if (p["asInt"].type() != Json::Type::kNull)
      return static_cast<double>(whole(p["asInt"], "asInt"));
    return number_or_zero(p, "asDouble");
  }

  void buckets(const Json& b, OtlpBuckets& out) {
    out.offset = small(b, "offset");
    for (const Json& c : items(b, "bucketCounts")) add(out.counts) = count_of(c, "bucketCounts");
  }

  void exemplar(const Json& e, OtlpExemplar& out) {
    attributes(e, out.attributes, "filteredAttributes");
    out.time_ns = count_or_zero(e, "timeUnixNano");
    out.value = value_of(e);
    out.trace_id = to_lower(text(e, "traceId"));
    out.span_id = to_lower(text(e, "spanId"));
  }

  std::size_t left_;
  const std::size_t most_;
};

}  // namespace

Result<OtlpRequest> read_otlp_json(std::string_view body, const OtlpLimits& limits) {
  const Result<Json> root = Json::parse(body);
  if (!root) return Error(ErrorCode::kInvalid, "not JSON: " + root.error().what());
  try {
    return Reader(limits.parts_max).run(*root);
  } catch (const Refused& refused) {
    return refused.error;
  }
}

}  // namespace nines::collector
