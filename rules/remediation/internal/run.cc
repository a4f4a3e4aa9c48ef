#include "rules/remediation/internal/run.h"

#include <cmath>
#include <variant>

#include "base/text/json.h"
#include "base/text/numbers.h"

namespace nines::remediation {
namespace {

void write_labels(JsonWriter& json, const LabelSet& labels) {
  json.begin_object();
  for (const Label& label : labels) json.field(label.name, label.value);
  json.end_object();
}

bool is_yes(double value) {
  return value != 0 && !std::isnan(value);
}

}  // namespace

std::string action_payload(const ActiveRun& run, int attempt) {
  JsonWriter json;
  json.begin_object();
  json.field("version", "1");
  json.field("remediation", run.row.remediation);
  json.field("target", run.row.target);
  json.field("attempt", attempt);
  json.field("idempotencyKey", run.row.idempotency_key);
  json.field("incident", run.row.episode);
  json.key("alert").begin_object();
  json.key("labels");
  write_labels(json, run.alert.labels);
  json.key("annotations");
  write_labels(json, run.alert.annotations);
  json.field("startsAt", format_time(run.alert.fired_at));
  json.field("value", format_double(run.alert.value));
  json.end_object();
  json.end_object();
  return json.take();
}

std::string target_of(const alerts::Alert& alert) {
  const std::string_view instance = alert.labels.get("instance");
  return instance.empty() ? alert.labels.to_string() : std::string(instance);
}

bool holds(const promql::QueryResult& result, std::string& why) {
  if (const auto* scalar = std::get_if<promql::Scalar>(&result.value)) {
    why = "it gave " + format_double(scalar->value);
    return is_yes(scalar->value);
  }
  const auto* vector = std::get_if<promql::Vector>(&result.value);
  if (!vector || vector->empty()) {
    why = "it gave nothing";
    return false;
  }
  // A comparison keeps the value it compared (0 == 0 gives 0), so presence is what counts, as for
  // alerts.
  why =
      "it gave " + std::to_string(vector->size()) + (vector->size() == 1 ? " sample" : " samples");
  return true;
}

}  // namespace nines::remediation
